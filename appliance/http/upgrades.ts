import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import type { Plugin } from '@hapi/hapi';

export type UpgradeHandler = (request: IncomingMessage, socket: Duplex, head: Buffer) => void;

/** WebSocket doors: exactly one handler per path, and everything else is refused and closed. */
export const upgrades: Plugin<void> = {
  name: 'http/upgrades',
  register(server) {
    server.listener.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
      socket.on('error', () => socket.destroy());
      const path = (request.url ?? '').split('?', 1)[0]!;
      const handler = server.app.upgrades.get(path);
      if (!handler) return refuseUpgrade(socket, 404, 'Not Found');
      try {
        handler(request, socket, head);
      } catch (error) {
        server.app.log.error({ err: error, path }, 'upgrade failed');
        refuseUpgrade(socket, 500, 'Internal Server Error');
      }
    });
  },
};

export function refuseUpgrade(socket: Duplex, status: number, reason: string): void {
  if (socket.destroyed) return;
  socket.end(`HTTP/1.1 ${status} ${reason}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`);
  socket.once('finish', () => socket.destroy());
}
