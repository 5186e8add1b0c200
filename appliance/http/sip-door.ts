import type { IncomingMessage } from 'node:http';
import { connect } from 'node:net';
import type { Duplex } from 'node:stream';
import type { Server } from '@hapi/hapi';
import type { Log } from '#appliance/platform/log/index.ts';
import { addressOf } from './auth.ts';
import { refuseUpgrade } from './upgrades.ts';

export const SIP_PATH = '/sip';
const CONNECT_WITHIN_MS = 3000;
const MAX_CONNECTIONS = 4000;
/** A whole site may sit behind one address. */
const MAX_PER_ADDRESS = 1000;
/** What voice has no use for, and what only we may say. */
const NOT_PASSED_ON = new Set([
  'cookie',
  'authorization',
  'x-forwarded-for',
  'x-forwarded-port',
  'x-forwarded-proto',
  'forwarded',
  'x-real-ip',
]);

interface Options {
  /** Where `voice` listens for SIP over WebSocket: a unix socket in the data folder. */
  socketPath: string;
  log: Log;
}

/**
 * WSS /sip (RFC 7118): the upgrade request is handed to `voice` as it came, and then every byte, both ways. SIP digest
 * authenticates, so there is no sign-in here. Returns how many are open, for the metrics.
 */
export function openSipDoor(server: Server, { socketPath, log }: Options): { readonly open: number } {
  const byAddress = new Map<string, number>();
  let open = 0;

  server.app.upgrades.set(SIP_PATH, (request, socket, head) => {
    const address = addressOf(request.socket.remoteAddress);
    const mine = byAddress.get(address) ?? 0;
    if (!speaksSip(request)) return refuseUpgrade(socket, 400, 'Bad Request');
    if (open >= MAX_CONNECTIONS || mine >= MAX_PER_ADDRESS) return refuseUpgrade(socket, 503, 'Service Unavailable');
    open++;
    byAddress.set(address, mine + 1);
    socket.once('close', () => {
      open--;
      const left = (byAddress.get(address) ?? 1) - 1;
      if (left > 0) byAddress.set(address, left);
      else byAddress.delete(address);
    });
    join(request, socket, head, address);
  });

  function join(request: IncomingMessage, client: Duplex, head: Buffer, address: string): void {
    const voice = connect(socketPath);
    const late = setTimeout(() => voice.destroy(new Error('voice does not answer')), CONNECT_WITHIN_MS);
    let joined = false;
    voice.once('connect', () => {
      clearTimeout(late);
      joined = true;
      voice.write(requestHead(request, address));
      if (head.length > 0) voice.write(head);
      // pipe() waits for a slow side instead of keeping what it has not read yet.
      client.pipe(voice);
      voice.pipe(client);
    });
    voice.once('error', (error) => {
      clearTimeout(late);
      log.debug({ error: error.message, address }, 'SIP over WebSocket cannot reach voice');
      if (joined) client.destroy();
      else refuseUpgrade(client, 503, 'Service Unavailable');
    });
    voice.once('close', () => joined && client.destroy());
    client.once('close', () => voice.destroy());
    client.once('error', () => voice.destroy());
  }

  return {
    get open() {
      return open;
    },
  };
}

// RFC 7118 §4.1: the subprotocol is required.
function speaksSip(request: IncomingMessage): boolean {
  const protocols = String(request.headers['sec-websocket-protocol'] ?? '').split(',');
  return (
    request.method === 'GET' &&
    /^websocket$/i.test(request.headers.upgrade ?? '') &&
    protocols.some((name) => name.trim().toLowerCase() === 'sip')
  );
}

/** The head as the client wrote it, with the client's address as we know it. Node has refused bare CR and LF already. */
function requestHead(request: IncomingMessage, address: string): string {
  const lines = [`GET ${SIP_PATH} HTTP/1.1`];
  const { rawHeaders } = request;
  for (let index = 0; index + 1 < rawHeaders.length; index += 2) {
    const name = rawHeaders[index]!;
    if (!NOT_PASSED_ON.has(name.toLowerCase())) lines.push(`${name}: ${rawHeaders[index + 1]}`);
  }
  lines.push(
    `X-Forwarded-For: ${address}`,
    `X-Forwarded-Port: ${request.socket.remotePort ?? 0}`,
    'X-Forwarded-Proto: wss',
  );
  return `${lines.join('\r\n')}\r\n\r\n`;
}
