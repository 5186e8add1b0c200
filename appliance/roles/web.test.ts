import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Server } from '@hapi/hapi';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ROLES, type Role } from '#appliance/contract/identity.ts';
import { boxRoutes } from '#appliance/http/box-routes.ts';
import { docsPage } from '#appliance/http/docs-page.ts';
import { openapiRoute } from '#appliance/http/openapi.ts';
import type { RouteRecord } from '#appliance/http/route.ts';
import { createServer } from '#appliance/http/server.ts';
import { systemClock } from '#appliance/kernel/clock.ts';
import { AppError } from '#appliance/kernel/errors.ts';
import { type Bus, memoryBus } from '#appliance/platform/bus/index.ts';
import { loadConfig } from '#appliance/platform/config/index.ts';
import type { Jobs } from '#appliance/platform/jobs/index.ts';
import { silentLog } from '#appliance/platform/log/index.ts';
import { type Batch, createBatch } from '#appliance/platform/postgres/index.ts';
import { openSecrets } from '#appliance/platform/secrets/index.ts';
import { createTopics } from '#appliance/realtime/index.ts';
import { type TestDatabase, testDatabase } from '#test/support/database.ts';
import { registerDomains, registerTopics } from './web-domains.ts';
import { createWebServices, type WebServices } from './web-services.ts';

const PASSWORD = 'correct horse 42';
let dir: string;
let database: TestDatabase;
let batch: Batch;
let bus: Bus;
let server: Server;
let services: WebServices;
const headers = {} as Record<Role, { authorization: string }>;

beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), 'web-'));
  database = await testDatabase({ poolMax: 8 });
  const config = loadConfig({ STRONGROOM_DATA: dir });
  batch = createBatch(database.db, { log: silentLog });
  bus = memoryBus();
  const unknown = () => Promise.reject(new AppError('not-found', 'not-found', 'There is no such failed job.'));
  const jobs = {
    failed: async () => [],
    retry: unknown,
    discard: unknown,
    enqueue: async () => 'x',
  } as unknown as Jobs;
  services = createWebServices({
    config,
    db: database.db,
    batch,
    bus,
    secrets: openSecrets(config.paths.keys),
    jobs,
    clock: systemClock,
    log: silentLog,
    heartbeats: async () => [],
  });
  await services.start();
  const { gatekeeper, audit, users, sessions } = services.security;
  server = await createServer({ log: silentLog, bus, gatekeeper, audit });
  await registerDomains(server, services);
  const part = { status: 'ok' as const, detail: '' };
  boxRoutes(server, {
    health: async () => ({
      status: 'ok',
      version: '1',
      components: { postgres: part, redis: part, rtpengine: part, voice: part, media: part, web: part, work: part },
    }),
    metrics: async () => '',
    metricsToken: undefined,
  });
  openapiRoute(server, { version: '1' });
  docsPage(server);
  for (const role of ROLES) {
    await users.create({ username: role, displayName: role, role, password: PASSWORD });
    const { token } = await sessions.signIn(
      { username: role, password: PASSWORD },
      { address: '127.0.0.1', userAgent: null },
    );
    headers[role] = { authorization: `Bearer ${token}` };
  }
}, 60_000);
afterAll(async () => {
  await services.close();
  await batch.close();
  await bus.close();
  await database.close();
  rmSync(dir, { recursive: true });
});

/** Asks a route with nothing that could do harm: an id that nobody has, an empty body, a version that is not there. */
async function ask(record: RouteRecord, as: Record<string, string>) {
  const url = record.path.replace(/\{[^}]+\}/g, '00000000-0000-7000-8000-00000000dead');
  const upload = record.upload && { 'content-type': record.upload.contentTypes[0]! };
  return server.inject({
    method: record.method,
    url,
    headers: { ...as, 'if-match': '"999"', ...upload },
    ...(record.method !== 'GET' &&
      !record.upload && {
        payload: record.payload ? '{"!":1}' : '',
        headers: { ...as, 'if-match': '"999"', 'content-type': 'application/json' },
      }),
  });
}

/** What may be reached without sign-in. Whoever adds to it must mean it. */
const PUBLIC = [
  'GET /api/v1/docs',
  'GET /api/v1/docs.css',
  'GET /api/v1/docs.js',
  'GET /api/v1/health',
  'GET /api/v1/openapi.json',
  'POST /api/v1/sessions',
];
const nameOf = ({ method, path }: RouteRecord) => `${method} ${path}`;

describe('every route', () => {
  it('of the API was declared with a permission', () => {
    const declared = new Set(server.app.routes.map(({ method, path }) => `${method.toLowerCase()} ${path}`));
    const table = server.table().filter(({ path }) => path.startsWith('/api/'));
    expect(table.length).toBeGreaterThan(80);
    for (const { method, path } of table) expect(declared, `${method} ${path}`).toContain(`${method} ${path}`);
    expect(
      server.app.routes
        .filter(({ permission }) => permission === 'public')
        .map(nameOf)
        .sort(),
    ).toEqual(PUBLIC);
  });

  it('refuses who is not signed in', async () => {
    for (const record of server.app.routes) {
      if (record.permission === 'public') continue;
      expect((await ask(record, {})).statusCode, nameOf(record)).toBe(401);
      expect(
        (await ask(record, { authorization: 'Bearer 0000000000000000000000000000000000000000000' })).statusCode,
        nameOf(record),
      ).toBe(401);
    }
  });

  it.each(ROLES)('lets %s do what the role may, and nothing else', async (role) => {
    for (const record of server.app.routes) {
      // These would end the session that the test needs, or count against the test's own sign-in.
      if (record.permission === 'public' || /sessions\/current|second-factor|me\/password/.test(record.path)) continue;
      const may = record.permission === 'signed-in' || services.security.gatekeeper.allows(role, record.permission);
      const { statusCode, payload } = await ask(record, headers[role]);
      if (may) expect([401, 403, 500], `${nameOf(record)} ${payload}`).not.toContain(statusCode);
      else expect([statusCode, JSON.parse(payload).code], nameOf(record)).toEqual([403, 'forbidden']);
    }
  });

  it('answers hostile bodies and queries with a refusal, never with a failure', async () => {
    const bodies = [
      'null',
      '[]',
      '"x"',
      '0',
      '{"id":{"$ne":1}}',
      `{"name":"${'\\u0000'}","username":"\\u0000","to":"\\u0000"}`,
      `{"name":${'['.repeat(5000)}${']'.repeat(5000)}}`,
      '{"__proto__":{"x":1}}',
      '{',
    ];
    const queries = [
      'limit=-1',
      'limit=1e9',
      'cursor=%00',
      'cursor=eyJ4Ijp7fX0',
      'q=%00',
      'q=%25%27%22%5C',
      `q=${'x'.repeat(300)}`,
      'limit[]=1',
      'limit=1&limit=2',
      'from=never',
      'state=king',
    ];
    for (const record of server.app.routes) {
      const url = record.path.replace(/\{[^}]+\}/g, '00000000-0000-7000-8000-00000000dead');
      if (/sessions|second-factor|me\/password/.test(record.path)) continue;
      if (record.payload) {
        for (const payload of bodies) {
          const answer = await server.inject({
            method: record.method,
            url,
            payload,
            headers: { ...headers.admin, 'if-match': '*', 'content-type': 'application/json' },
          });
          expect(
            answer.statusCode,
            `${nameOf(record)} ${payload.slice(0, 60)} ${answer.payload.slice(0, 200)}`,
          ).not.toBe(500);
        }
      }
      if (record.query) {
        for (const query of queries) {
          const answer = await server.inject({ url: `${url}?${query}`, headers: headers.admin });
          expect(answer.statusCode, `${nameOf(record)} ?${query} ${answer.payload.slice(0, 200)}`).not.toBe(500);
        }
      }
      for (const id of ['x', '%00', "'%20or%201=1", '..%2f..', 'a'.repeat(3000)]) {
        if (!record.path.includes('{')) break;
        const answer = await server.inject({
          method: record.method,
          url: record.path.replace(/\{[^}]+\}/g, id),
          headers: { ...headers.admin, 'if-match': '*' },
        });
        expect(
          [400, 404, 409, 413, 415],
          `${nameOf(record)} ${id.slice(0, 30)} ${answer.payload.slice(0, 200)}`,
        ).toContain(answer.statusCode);
      }
    }
  });

  it('is described, with references that hold', async () => {
    const { payload } = await server.inject('/api/v1/openapi.json');
    const document = JSON.parse(payload);
    for (const { method, path } of server.app.routes)
      expect(document.paths[path]?.[method.toLowerCase()], path).toBeDefined();
    for (const [, reference] of payload.matchAll(/"\$ref":"([^"]+)"/g)) {
      expect(
        reference!
          .replace('#/', '')
          .split('/')
          .reduce((at, key) => at?.[key], document),
        reference,
      ).toBeDefined();
    }
  });
});

describe('commands from a screen', () => {
  it('reach the router and the call with who asked, and its refusals come back as they are', async () => {
    const asked: unknown[] = [];
    const offs = [
      bus.handle('router', 'presence.set', async (input) => {
        asked.push(input);
        return { state: input.state, reason: input.reason ?? null, since: '2026-01-01T00:00:00.000Z' };
      }),
      bus.handle('voice', 'call.control', async (input) => {
        asked.push(input);
        throw new AppError('forbidden', 'not-your-call', 'You are not on this call');
      }),
    ];
    const call = (method: 'PUT' | 'POST', url: string, as: Role, payload?: object) =>
      server.inject({ method, url: `/api/v1${url}`, headers: headers[as], ...(payload && { payload }) });
    const presence = await call('PUT', '/me/presence', 'agent', { state: 'not-ready', reason: 'Lunch' });
    expect(JSON.parse(presence.payload)).toEqual({
      state: 'not-ready',
      reason: 'Lunch',
      since: '2026-01-01T00:00:00.000Z',
    });
    const id = '00000000-0000-7000-8000-00000000dead';
    const refused = await call('POST', `/calls/${id}/hold`, 'agent');
    expect([refused.statusCode, JSON.parse(refused.payload).code]).toEqual([403, 'not-your-call']);
    await call('POST', `/calls/${id}/monitor`, 'supervisor', { mode: 'whisper' });
    expect(asked).toMatchObject([
      { state: 'not-ready', reason: 'Lunch' },
      { interactionId: id, supervisor: false, action: { do: 'hold' } },
      { interactionId: id, supervisor: true, action: { do: 'monitor', mode: 'whisper' } },
    ]);
    expect((await call('POST', `/calls/${id}/dtmf`, 'agent', { digits: '12\r\nBYE' })).statusCode).toBe(400);
    for (const off of offs) off();
    const nobody = await call('POST', `/calls/${id}/hangup`, 'agent');
    expect([nobody.statusCode, JSON.parse(nobody.payload).code]).toEqual([503, 'no-answer']);
    expect(nobody.headers['retry-after']).toBeDefined();
  });
});

describe('a desk phone', () => {
  it('is shown with whether it answers, and asked to restart by those who may; that is written down', async () => {
    const { phone } = await services.phones.create({ label: 'Hall', kind: 'sip', extension: '3001' });
    const at = (minutes: number) => new Date(Date.now() + minutes * 60_000);
    const place = (port: number, fields: object) => ({
      ...{ id: crypto.randomUUID(), phone_id: phone.id, binding: `b${port}`, contact: `sip:hall@192.0.2.1:${port}` },
      ...{ transport: 'udp', address: '192.0.2.1', port, local_address: '192.0.2.2', local_port: 5060, instance: 'a' },
      ...{ call_id: 'c', cseq: 1, registered_at: at(-1), expires_at: at(5), ...fields },
    });
    const get = async () =>
      JSON.parse((await server.inject({ url: `/api/v1/phones/${phone.id}`, headers: headers.admin })).payload);
    expect(await get()).toMatchObject({ online: false, reach: null, roundTripMs: null });
    await database.db('registration').insert(place(1, { reachable: false, reach_since: at(-2) }));
    expect(await get()).toMatchObject({ online: false, reach: 'unreachable', roundTripMs: null });
    await database.db('registration').insert(place(2, { reachable: null }));
    expect(await get()).toMatchObject({ online: true, reach: 'unknown', reachSince: null });
    await database.db('registration').insert(place(3, { reachable: true, round_trip_ms: 12.5, reach_since: at(-3) }));
    expect(await get()).toMatchObject({ online: true, reach: 'reachable', roundTripMs: 12.5 });

    const asked: unknown[] = [];
    const off = bus.handle('voice', 'phone.restart', async (input) => {
      asked.push(input);
      if (asked.length > 1) throw new AppError('conflict', 'phone-declined', 'The phone declined: 489 Bad Event');
      return { asked: 3, accepted: 1 };
    });
    const restart = (as: Role, id = phone.id) =>
      server.inject({ method: 'POST', url: `/api/v1/phones/${id}/restart`, headers: headers[as] });
    expect((await restart('agent')).statusCode).toBe(403);
    expect((await restart('admin', crypto.randomUUID())).statusCode).toBe(404);
    expect(JSON.parse((await restart('admin')).payload)).toEqual({ asked: 3, accepted: 1 });
    const declined = await restart('admin');
    expect([declined.statusCode, JSON.parse(declined.payload).code]).toEqual([409, 'phone-declined']);
    expect(asked).toEqual([{ phoneId: phone.id }, { phoneId: phone.id }]);
    expect(
      await database.db('audit_entry').where({ action: 'phone.restarted' }).select('entity_id', 'details'),
    ).toEqual([{ entity_id: phone.id, details: { asked: 3, accepted: 1 } }]);
    off();
  });
});

describe('topics', () => {
  it('are all there', () => {
    const topics = createTopics();
    registerTopics(topics, services);
    for (const topic of ['me', 'queues', 'agents', 'alarms', 'interactions/00000000-0000-7000-8000-00000000dead'])
      expect(topics.find(topic), topic).toBeDefined();
  });
});
