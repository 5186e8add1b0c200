import { readFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { Log } from '#appliance/platform/log/index.ts';
import { SECURITY_HEADERS } from './headers.ts';

interface Options {
  port: number;
  host: string;
  /** Where everything else is. */
  httpsPort: number;
  /** For requests whose Host header cannot be used. */
  name: string;
  caCert: string;
  log: Log;
  /** Phone provisioning, when enabled: returns true when it has answered. */
  also?: (request: IncomingMessage, response: ServerResponse) => boolean;
}

/** Port 8080: the box's own CA for who does not trust it yet, and the way to HTTPS. Nothing else is said in clear. */
export async function openPlainDoor({
  port,
  host,
  httpsPort,
  name,
  caCert,
  log,
  also,
}: Options): Promise<{ port: number; close(): Promise<void> }> {
  const server: Server = createServer(
    { maxHeaderSize: 8192, requestTimeout: 10_000, headersTimeout: 5000, keepAliveTimeout: 5000 },
    (request, response) => {
      answer(request, response).catch((error) => {
        log.warn({ err: error }, 'the plain door could not answer');
        if (!response.headersSent) response.writeHead(500);
        response.end();
      });
    },
  );
  server.maxConnections = 1000;

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = request.url ?? '/';
    response.setHeader('x-content-type-options', 'nosniff');
    response.setHeader('content-security-policy', SECURITY_HEADERS['content-security-policy']!);
    if (also?.(request, response)) return;
    if (request.method !== 'GET' && request.method !== 'HEAD') {
      response.writeHead(405, { allow: 'GET, HEAD', connection: 'close' }).end();
      return;
    }
    if (url === '/ca.pem') {
      const pem = await readFile(caCert).catch(() => undefined);
      if (!pem) response.writeHead(404).end();
      else
        response
          .writeHead(200, {
            'content-type': 'application/x-pem-file',
            'content-disposition': 'attachment; filename="strongroom-ca.pem"',
          })
          .end(request.method === 'HEAD' ? undefined : pem);
      return;
    }
    response
      .writeHead(308, { location: target(request.headers.host, url, name, httpsPort), 'content-length': '0' })
      .end();
  }

  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, () => resolve());
  });
  return {
    port: (server.address() as { port: number }).port,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

/** The same place over HTTPS; a Host or a path that a URL cannot hold leads to the front page. */
export function target(hostHeader: string | undefined, path: string, name: string, httpsPort: number): string {
  const host =
    hostHeader !== undefined && /^(\[[0-9a-f:.]+\]|[a-z0-9.-]+)(:\d{1,5})?$/i.test(hostHeader)
      ? hostHeader.replace(/:\d{1,5}$/, '')
      : name;
  const port = httpsPort === 443 ? '' : `:${httpsPort}`;
  const safe = /^\/(?![/\\])[\x21-\x7e]*$/.test(path) ? path : '/';
  return `https://${host}${port}${safe}`;
}
