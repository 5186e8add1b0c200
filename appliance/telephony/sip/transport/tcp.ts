// TCP: RFC 3261 §18.
import { connect, createServer } from 'node:net';
import type { StreamKind } from './stream-transport.ts';

export const tcpKind: StreamKind = {
  transport: 'tcp',
  serve: (accept) => createServer(accept),
  connect: (host, port) => ({ socket: connect({ host, port }), ready: 'connect' }),
};
