// SIP over WebSocket (RFC 7118): the web role hands the upgraded connections of browsers to this Unix socket.
import { rmSync } from 'node:fs';
import { createServer } from 'node:http';
import { isIP } from 'node:net';
import { WebSocketServer } from 'ws';
import type { Log } from '#appliance/platform/log/index.ts';
import type { SipStack } from '#appliance/telephony/sip/index.ts';

/** A SIP message is at most 64 KiB. */
const MAX_PAYLOAD = 64 * 1024;

export async function listenForBrowsers(
  path: string,
  sip: Pick<SipStack, 'acceptWebSocket'>,
  local: { address: string; port: number },
  log: Log,
): Promise<{ stop(): Promise<void> }> {
  rmSync(path, { force: true });
  const http = createServer((_request, response) => response.writeHead(426).end());
  const sockets = new WebSocketServer({
    noServer: true,
    maxPayload: MAX_PAYLOAD,
    perMessageDeflate: false,
    handleProtocols: (offered) => (offered.has('sip') ? 'sip' : false),
  });
  http.on('upgrade', (request, socket, head) => {
    if (!/(^|[\s,])sip($|[\s,])/.test(String(request.headers['sec-websocket-protocol'] ?? ''))) {
      socket.end('HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n');
      return;
    }
    // Only the web role can write to this socket: what it says about the client is true.
    const forwarded =
      String(request.headers['x-forwarded-for'] ?? '')
        .split(',')
        .at(-1)
        ?.trim() ?? '';
    const port = Number(request.headers['x-forwarded-port'] ?? 0);
    sockets.handleUpgrade(request, socket, head, (client) => {
      client.on('error', (error) =>
        log.debug({ error: error.message }, 'a browser phone sent what is no WebSocket message'),
      );
      sip.acceptWebSocket(client, { address: isIP(forwarded) ? forwarded : '127.0.0.1', port }, local);
    });
  });
  await new Promise<void>((resolve, reject) => {
    http.once('error', reject);
    http.listen(path, resolve);
  });
  return {
    async stop() {
      for (const client of sockets.clients) client.terminate();
      await new Promise((resolve) => http.close(resolve));
    },
  };
}
