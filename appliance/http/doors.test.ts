import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { request as httpRequest } from 'node:http';
import { type AddressInfo, createServer as createNetServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { brotliDecompressSync, gunzipSync } from 'node:zlib';
import type { Server } from '@hapi/hapi';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { WebSocket, WebSocketServer } from 'ws';
import { z } from 'zod';
import { silentLog } from '#appliance/platform/log/index.ts';
import { ensureCertificates } from '#provisioning/certificates/index.ts';
import { boxRoutes } from './box-routes.ts';
import { followCertificate, readCertificate } from './certificate.ts';
import { docsPage } from './docs-page.ts';
import { fakeAudit, fakeGatekeeper, tokenOf } from './fake-gatekeeper.ts';
import { openapiRoute } from './openapi.ts';
import { inlineScriptHashes, servePages } from './pages.ts';
import { openPlainDoor, target } from './plain-door.ts';
import { route } from './route.ts';
import { createServer } from './server.ts';
import { openSipDoor } from './sip-door.ts';

let server: Server;
let dir: string;
const closers: (() => unknown)[] = [];
beforeEach(async () => {
  dir = mkdtempSync(join(tmpdir(), 'door-'));
  server = await createServer({
    log: silentLog,
    gatekeeper: fakeGatekeeper(),
    audit: fakeAudit(),
    bus: { publish() {} },
  });
});
afterEach(async () => {
  for (const close of closers.splice(0)) await close();
  await server.stop({ timeout: 200 });
  rmSync(dir, { recursive: true });
});

describe('the description of the API', () => {
  it('holds every route with its schemas, and every reference leads somewhere', async () => {
    const Tree: z.ZodType = z.lazy(() => z.object({ name: z.string(), children: z.array(Tree) }));
    route(server, {
      method: 'PUT',
      path: '/trees/{id}',
      permission: 'trees:write',
      summary: 'Plants',
      params: z.object({ id: z.uuid() }),
      query: z.object({ deep: z.coerce.number().default(1), sort: z.enum(['a', 'b']).optional() }),
      payload: z.preprocess((value) => value, z.strictObject({ tree: Tree, note: z.string().default('') })),
      response: Tree,
      handler: () => ({ name: 'x', children: [] }),
    });
    openapiRoute(server, { version: '1.2.3' });
    docsPage(server);
    const answer = await server.inject('/api/v1/openapi.json');
    expect(answer.statusCode).toBe(200);
    const document = JSON.parse(answer.payload);
    expect(document).toMatchObject({ openapi: '3.1.0', info: { version: '1.2.3' } });
    const put = document.paths['/api/v1/trees/{id}'].put;
    expect(put['x-roles']).toEqual(['admin']);
    expect(
      put.parameters.map((parameter: { name: string; in: string; required: boolean }) => [
        parameter.name,
        parameter.in,
        parameter.required,
      ]),
    ).toEqual([
      ['id', 'path', true],
      ['deep', 'query', false],
      ['sort', 'query', false],
    ]);
    expect(put.requestBody.content['application/json'].schema).toMatchObject({
      type: 'object',
      required: ['tree'],
      additionalProperties: false,
    });
    for (const [, reference] of answer.payload.matchAll(/"\$ref":"([^"]+)"/g)) {
      const place = reference!
        .replace('#/', '')
        .split('/')
        .reduce((at, key) => at?.[key], document);
      expect(place, reference).toBeDefined();
    }
    expect(document.paths['/api/v1/openapi.json'].get.security).toEqual([]);
    const ids = Object.values(document.paths).flatMap((operations) =>
      Object.values(operations as object).map((operation) => operation.operationId),
    );
    expect(new Set(ids).size).toBe(ids.length);
  });

  it('has a page for people, from our own origin only', async () => {
    docsPage(server);
    const page = await server.inject('/api/v1/docs');
    expect(page.headers['content-security-policy']).toContain("script-src 'self';");
    expect(page.payload).not.toMatch(/https?:\/\//);
    expect((await server.inject('/api/v1/docs.js')).headers['content-type']).toContain('javascript');
  });
});

describe('health and metrics', () => {
  const part = { status: 'ok' as const, detail: '' };
  const parts = { postgres: part, redis: part, rtpengine: part, voice: part, media: part, web: part, work: part };

  it('answers 200 or 503 to anybody', async () => {
    let status: 'ok' | 'degraded' | 'down' = 'degraded';
    boxRoutes(server, {
      health: async () => ({ status, version: '1', components: parts }),
      metrics: async () => 'x 1\n',
      metricsToken: 'hush',
    });
    expect((await server.inject('/api/v1/health')).statusCode).toBe(200);
    const other = await createServer({
      log: silentLog,
      gatekeeper: fakeGatekeeper(),
      audit: fakeAudit(),
      bus: { publish() {} },
    });
    status = 'down';
    boxRoutes(other, {
      health: async () => ({ status, version: '1', components: parts }),
      metrics: async () => '',
      metricsToken: undefined,
    });
    expect((await other.inject('/api/v1/health')).statusCode).toBe(503);
  });

  it('asks the parts again also after the clock was set back', async () => {
    let asked = 0;
    boxRoutes(server, {
      async health() {
        asked++;
        return { status: 'ok', version: '1', components: parts };
      },
      metrics: async () => '',
      metricsToken: undefined,
    });
    vi.useFakeTimers({ toFake: ['Date', 'performance'] });
    try {
      await server.inject('/api/v1/health');
      vi.setSystemTime(Date.now() - 3_600_000);
      vi.advanceTimersByTime(2000);
      await server.inject('/api/v1/health');
      expect(asked).toBe(2);
    } finally {
      vi.useRealTimers();
    }
  });

  it('shows metrics to this machine and to who holds the token', async () => {
    boxRoutes(server, {
      health: async () => ({ status: 'ok', version: '1', components: parts }),
      metrics: async () => 'x 1\n',
      metricsToken: 'hush',
    });
    const status = async (remoteAddress: string, headers = {}) =>
      (await server.inject({ url: '/metrics', remoteAddress, headers })).statusCode;
    expect(await status('127.0.0.1')).toBe(200);
    expect(await status('::1')).toBe(200);
    expect(await status('::ffff:127.0.0.1')).toBe(200);
    expect(await status('192.0.2.1')).toBe(403);
    expect(await status('192.0.2.1', { 'x-forwarded-for': '127.0.0.1' })).toBe(403);
    expect(await status('192.0.2.1', { authorization: 'Bearer hush' })).toBe(200);
    expect(await status('192.0.2.1', { authorization: `Bearer ${tokenOf('admin')}` })).toBe(403);
  });
});

describe('the pages', () => {
  beforeEach(() => {
    mkdirSync(join(dir, '_app/immutable'), { recursive: true });
    writeFileSync(join(dir, 'index.html'), '<!doctype html><script src="/theme.js"></script><script>start()</script>');
    writeFileSync(join(dir, '_app/immutable/entry.js'), 'console.log(1);'.repeat(500));
    writeFileSync(join(dir, 'pre.js'), 'a();'.repeat(500));
    writeFileSync(join(dir, 'pre.js.br'), 'made before');
    servePages(server, { dir });
  });

  it('are the app for its own paths, with a policy that names its one inline script', async () => {
    for (const url of ['/', '/agent', '/supervisor/queues/1', '/index.html']) {
      const page = await server.inject(url);
      expect([page.statusCode, page.headers['cache-control']]).toEqual([200, 'no-cache']);
      expect(page.headers['content-security-policy']).toContain(
        `script-src 'self' '${inlineScriptHashes('<script>start()</script>')[0]}'`,
      );
    }
  });

  it('are compressed, cached for ever when their name says so, and revalidated otherwise', async () => {
    const plain = await server.inject('/_app/immutable/entry.js');
    expect(plain.headers['cache-control']).toContain('immutable');
    const brotli = await server.inject({
      url: '/_app/immutable/entry.js',
      headers: { 'accept-encoding': 'gzip, deflate, br' },
    });
    expect(brotli.headers['content-encoding']).toBe('br');
    expect(brotliDecompressSync(brotli.rawPayload).equals(plain.rawPayload)).toBe(true);
    const gzipped = await server.inject({
      url: '/_app/immutable/entry.js',
      headers: { 'accept-encoding': 'gzip, br;q=0' },
    });
    expect(gunzipSync(gzipped.rawPayload).equals(plain.rawPayload)).toBe(true);
    expect((await server.inject({ url: '/pre.js', headers: { 'accept-encoding': 'br' } })).payload).toBe('made before');
    const again = await server.inject({
      url: '/',
      headers: { 'if-none-match': String((await server.inject('/')).headers.etag) },
    });
    expect(again.statusCode).toBe(304);
  });

  it('are nothing but what was built', async () => {
    for (const url of [
      '/missing.js',
      '/_app/immutable/gone',
      '/../package.json',
      '/..%2f..%2fpackage.json',
      '/%2e%2e/%2e%2e/etc/passwd.txt',
      '/api/v1/none',
      '/pre.js.br',
    ]) {
      expect((await server.inject(url)).statusCode, url).toBe(404);
    }
  });
});

describe('the plain door', () => {
  it('leads to HTTPS, gives out the CA, and does nothing else', async () => {
    writeFileSync(join(dir, 'ca.pem'), 'PEM');
    const door = await openPlainDoor({
      port: 0,
      host: '127.0.0.1',
      httpsPort: 8443,
      name: 'box.lan',
      caCert: join(dir, 'ca.pem'),
      log: silentLog,
    });
    closers.push(door.close);
    const ask = (method: string, path: string, headers: Record<string, string> = {}) =>
      new Promise<{ status: number; location: string | undefined; body: string }>((resolve, reject) => {
        const request = httpRequest({ port: door.port, method, path, headers }, (response) => {
          let body = '';
          response.on('data', (chunk) => {
            body += chunk;
          });
          response.on('end', () =>
            resolve({ status: response.statusCode ?? 0, location: response.headers.location, body }),
          );
        });
        request.on('error', reject);
        request.end();
      });
    expect(await ask('GET', '/ca.pem')).toMatchObject({ status: 200, body: 'PEM' });
    expect(await ask('GET', '/agent?x=1', { host: 'box.lan:8080' })).toMatchObject({
      status: 308,
      location: 'https://box.lan:8443/agent?x=1',
    });
    expect(await ask('POST', '/api/v1/sessions')).toMatchObject({ status: 405 });
  });

  it.each([
    ['box.lan:8080', '/a', 'https://box.lan:8443/a'],
    ['[::1]:8080', '/', 'https://[::1]:8443/'],
    ['evil.example/@x', '/', 'https://fallback:8443/'],
    ['a\r\nset-cookie: x', '/', 'https://fallback:8443/'],
    [undefined, '//evil.example/', 'https://fallback:8443/'],
    ['box', '/\\evil.example', 'https://box:8443/'],
    ['box', 'http://evil.example/', 'https://box:8443/'],
  ])('sends %j %j to %s', (host, path, location) => {
    expect(target(host, path, 'fallback', 8443)).toBe(location);
  });
});

describe('SIP over WebSocket', () => {
  async function start(): Promise<{ port: number; socketPath: string; sip: { readonly open: number } }> {
    const socketPath = join(dir, 'sip-ws.sock');
    const sip = openSipDoor(server, { socketPath, log: silentLog });
    await server.start();
    return { port: (server.listener.address() as AddressInfo).port, socketPath, sip };
  }

  it('is handed to voice as it came, with the true address of the client, and every byte both ways', async () => {
    const { port, socketPath, sip } = await start();
    const voice = new WebSocketServer({ noServer: true, handleProtocols: () => 'sip' });
    const { createServer: createHttpServer } = await import('node:http');
    const http = createHttpServer();
    let head: Record<string, unknown> = {};
    http.on('upgrade', (request, socket, rest) => {
      head = request.headers;
      voice.handleUpgrade(request, socket, rest, (ws) => ws.on('message', (data, binary) => ws.send(data, { binary })));
    });
    await new Promise<void>((resolve) => http.listen(socketPath, resolve));
    closers.push(() => http.close());

    const client = new WebSocket(`ws://127.0.0.1:${port}/sip`, 'sip', {
      headers: { 'x-forwarded-for': '10.0.0.1', cookie: 'sid=secret', 'user-agent': 'phone' },
    });
    await new Promise((resolve, reject) => client.once('open', resolve).once('error', reject));
    expect(client.protocol).toBe('sip');
    expect(head).toMatchObject({
      'x-forwarded-for': '127.0.0.1',
      'user-agent': 'phone',
      'sec-websocket-protocol': 'sip',
    });
    expect(head).not.toHaveProperty('cookie');
    const big = 'x'.repeat(300_000);
    const echoed = new Promise((resolve) => client.once('message', (data) => resolve(String(data))));
    client.send(big);
    expect(await echoed).toBe(big);
    expect(sip.open).toBe(1);
    const closed = new Promise((resolve) => client.once('close', resolve));
    for (const ws of voice.clients) ws.terminate();
    http.closeAllConnections();
    await closed;
  });

  it('ends on both sides when either goes, and says 503 when voice is away', async () => {
    const { port, socketPath, sip } = await start();
    const refused = (protocol?: string) =>
      new Promise<number>((resolve) => {
        const socket = new WebSocket(`ws://127.0.0.1:${port}/sip`, protocol ? [protocol] : []);
        socket.once('unexpected-response', (_request, response) => resolve(response.statusCode ?? 0));
        socket.once('error', () => {});
      });
    expect(await refused('sip')).toBe(503);
    expect(await refused('xmpp')).toBe(400);
    expect(await refused()).toBe(400);

    const arrived: Socket[] = [];
    const raw = createNetServer((socket) => arrived.push(socket));
    await new Promise<void>((resolve) => raw.listen(socketPath, resolve));
    closers.push(() => raw.close());
    const client = new WebSocket(`ws://127.0.0.1:${port}/sip`, 'sip');
    client.on('error', () => {});
    await expect.poll(() => arrived.length).toBe(1);
    const gone = new Promise((resolve) => arrived[0]!.once('close', resolve));
    arrived[0]!.resume();
    client.terminate();
    await gone;
    await expect.poll(() => sip.open).toBe(0);
  });
});

describe('the certificate', () => {
  it('is followed when it is replaced, and a broken one is not taken', async () => {
    const files = {
      caCert: join(dir, 'ca.pem'),
      keys: join(dir, 'keys'),
      serverCert: join(dir, 'server.pem'),
      serverKey: join(dir, 'keys/server.key'),
    };
    ensureCertificates(files, { names: ['localhost'] });
    const pair = { certFile: files.serverCert, keyFile: files.serverKey };
    const taken: string[] = [];
    const listener = { setSecureContext: (options: { cert?: unknown }) => void taken.push(String(options.cert)) };
    const stop = followCertificate(pair, listener as never, silentLog, 10);
    closers.push(stop);
    writeFileSync(files.serverCert, 'broken');
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(taken).toHaveLength(0);
    ensureCertificates(files, { names: ['localhost', 'box.lan'] });
    await expect.poll(() => taken.at(-1)).toBe(readCertificate(pair).cert);
    expect(() => readCertificate({ ...pair, keyFile: files.serverCert })).toThrow();
  });
});
