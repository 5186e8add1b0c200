// TLS: as TCP, with certificates. RFC 3261 §26.2, RFC 5922 (the name asked for must be in the certificate).
import { isIP } from 'node:net';
import { connect, createServer } from 'node:tls';
import type { StreamKind } from './stream-transport.ts';

export interface TlsOptions {
  key?: string | Buffer;
  cert?: string | Buffer;
  /** Authorities for outgoing connections; the system's when absent. */
  ca?: string | Buffer | (string | Buffer)[];
  /** Outgoing connections to servers whose certificate cannot be verified are refused unless this is false. */
  verifyPeer?: boolean;
}

export function tlsKind({ key, cert, ca, verifyPeer = true }: TlsOptions, handshakeMs: number): StreamKind {
  return {
    transport: 'tls',
    serve(accept) {
      const server = createServer(
        { ...(key && { key }), ...(cert && { cert }), minVersion: 'TLSv1.2', handshakeTimeout: handshakeMs },
        accept,
      );
      server.on('tlsClientError', (_error, socket) => socket.destroy());
      return server;
    },
    connect(host, port, serverName) {
      const name = serverName !== undefined && isIP(serverName) === 0 ? { servername: serverName } : {};
      const socket = connect({
        host,
        port,
        ...name,
        ...(ca && { ca }),
        minVersion: 'TLSv1.2',
        rejectUnauthorized: verifyPeer,
      });
      return { socket, ready: 'secureConnect' };
    },
  };
}
