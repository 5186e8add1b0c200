import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { request } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect } from 'node:tls';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { systemClock } from '#appliance/kernel/clock.ts';
import { memoryBus } from '#appliance/platform/bus/index.ts';
import { loadConfig } from '#appliance/platform/config/index.ts';
import { silentLog } from '#appliance/platform/log/index.ts';
import { createMetrics } from '#appliance/platform/metrics/index.ts';
import { openSecrets } from '#appliance/platform/secrets/index.ts';
import { createSecurity } from '#appliance/security/index.ts';
import { ensureCertificates } from '#provisioning/certificates/index.ts';
import { type TestDatabase, testDatabase } from '#test/support/database.ts';
import { testRedisUrl } from '#test/support/redis.ts';
import type { RunningRole } from './context.ts';
import { start } from './web.ts';

const HTTPS = 25_443;
const HTTP = 25_080;
const PASSWORD = 'correct horse 42';
let dir: string;
let database: TestDatabase;
let role: RunningRole;
let ca: string;

beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), 'web-role-'));
  database = await testDatabase();
  const config = loadConfig({
    STRONGROOM_DATA: dir,
    STRONGROOM_POSTGRES_URL: database.url,
    STRONGROOM_REDIS_URL: await testRedisUrl(),
    STRONGROOM_HTTPS_PORT: String(HTTPS),
    STRONGROOM_HTTP_PORT: String(HTTP),
    STRONGROOM_BIND: '127.0.0.1',
  });
  ensureCertificates({
    caCert: config.paths.caCert,
    keys: config.paths.keys,
    serverCert: config.tlsCert,
    serverKey: config.tlsKey,
  });
  ca = readFileSync(config.paths.caCert, 'utf8');
  const security = createSecurity({
    db: database.db,
    bus: memoryBus(),
    secrets: openSecrets(config.paths.keys),
    clock: systemClock,
    log: silentLog,
  });
  await security.users.create({ username: 'sam', displayName: 'Sam', role: 'supervisor', password: PASSWORD });
  const metrics = createMetrics({ role: 'web', instance: 'test' });
  role = await start({ config, log: silentLog, role: 'web', instance: 'test', health: { report() {} }, metrics });
}, 60_000);
afterAll(async () => {
  await role?.stop();
  await database.close();
  rmSync(dir, { recursive: true });
});

function ask(
  path: string,
  options: { method?: string; body?: object; headers?: Record<string, string> } = {},
): Promise<{ status: number; headers: Record<string, unknown>; body: string }> {
  const { method = 'GET', body, headers } = options;
  return new Promise((resolve, reject) => {
    const sent = request(
      {
        host: 'localhost',
        port: HTTPS,
        path,
        method,
        ca,
        headers: { ...(body && { 'content-type': 'application/json' }), ...headers },
      },
      (response) => {
        let text = '';
        response.on('data', (chunk) => {
          text += chunk;
        });
        response.on('end', () => resolve({ status: response.statusCode ?? 0, headers: response.headers, body: text }));
      },
    );
    sent.on('error', reject);
    sent.end(body && JSON.stringify(body));
  });
}

describe('the web role', () => {
  it('serves the API over TLS that the box vouches for, and sign-in as a browser does it', async () => {
    const origin = `https://localhost:${HTTPS}`;
    const signIn = await ask('/api/v1/sessions', { method: 'POST', body: { username: 'sam', password: PASSWORD } });
    expect(signIn.status, signIn.body).toBe(201);
    const cookie = String(signIn.headers['set-cookie']).split(';')[0]!;
    expect((await ask('/api/v1/me', { headers: { cookie } })).status).toBe(200);
    expect((await ask('/api/v1/queues', { method: 'POST', body: { name: 'Night' }, headers: { cookie } })).status).toBe(
      403,
    );
    const made = await ask('/api/v1/queues', { method: 'POST', body: { name: 'Night' }, headers: { cookie, origin } });
    expect(made.status, made.body).toBe(201);
    expect((await ask('/api/v1/health')).status).toBe(503); // no telephony in this test
    expect((await ask('/metrics')).status).toBe(200);
    expect(signIn.headers['strict-transport-security']).toBeDefined();
  });

  it('opens the live feed for the cookie, says what cannot be read, and closes it when the session ends', async () => {
    const origin = `https://localhost:${HTTPS}`;
    const signIn = await ask('/api/v1/sessions', { method: 'POST', body: { username: 'sam', password: PASSWORD } });
    const cookie = String(signIn.headers['set-cookie']).split(';')[0]!;
    const socket = new WebSocket(`wss://localhost:${HTTPS}/api/v1/live`, { ca, headers: { cookie, origin } });
    const told: { topic?: string; snapshot?: unknown; error?: { code: string } }[] = [];
    socket.on('message', (data) => told.push(JSON.parse(String(data))));
    const closed = new Promise((resolve) => socket.once('close', resolve));
    await new Promise((resolve, reject) => socket.once('open', resolve).once('error', reject));
    socket.send('{"subscribe":"alarms"}');
    socket.send('{"subscribe":"agents"}');
    await expect.poll(() => told.find(({ topic }) => topic === 'alarms')?.snapshot).toEqual([]);
    await expect
      .poll(() => told.find(({ topic }) => topic === 'agents')?.error?.code, { timeout: 8000 })
      .toBe('no-answer');
    expect((await ask('/api/v1/sessions/current', { method: 'DELETE', headers: { cookie, origin } })).status).toBe(204);
    expect(await closed).toBe(4401);
  });

  it('keeps to TLS 1.2 and newer', async () => {
    const outcome = await new Promise<string>((resolve) => {
      const socket = connect(
        {
          host: 'localhost',
          port: HTTPS,
          ca,
          minVersion: 'TLSv1',
          maxVersion: 'TLSv1.1',
          ciphers: 'DEFAULT@SECLEVEL=0',
        },
        () => resolve('open'),
      );
      socket.once('error', () => resolve('refused'));
    });
    expect(outcome).toBe('refused');
  });

  it('takes no head beyond its bound', async () => {
    expect((await ask('/api/v1/health', { headers: { 'x-big': 'a'.repeat(20_000) } })).status).toBe(400);
  });

  it('sends who comes in clear to the right place', async () => {
    const answer = await fetch(`http://127.0.0.1:${HTTP}/agent`, { redirect: 'manual' });
    expect([answer.status, answer.headers.get('location')]).toEqual([308, `https://127.0.0.1:${HTTPS}/agent`]);
    expect(await (await fetch(`http://127.0.0.1:${HTTP}/ca.pem`)).text()).toBe(ca);
  });
});
