import type { Server } from '@hapi/hapi';
import { beforeEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { AppError } from '#appliance/kernel/errors.ts';
import { uuidv7 } from '#appliance/kernel/ids.ts';
import { silentLog } from '#appliance/platform/log/index.ts';
import { fakeAudit, fakeGatekeeper, tokenOf } from './fake-gatekeeper.ts';
import { route } from './route.ts';
import { time } from './schemas.ts';
import { createServer } from './server.ts';

let server: Server;
let audit: ReturnType<typeof fakeAudit>;
const admin = { authorization: `Bearer ${tokenOf('admin')}` };

beforeEach(async () => {
  audit = fakeAudit();
  server = await createServer({ log: silentLog, gatekeeper: fakeGatekeeper(), audit, bus: { publish() {} } });
  route(server, {
    method: 'POST',
    path: '/things/{id}',
    permission: 'things:write',
    summary: 'Makes a thing',
    params: z.object({ id: z.uuid() }),
    payload: z.object({ name: z.string().max(50), tree: z.unknown().optional() }),
    response: z.object({ id: z.string(), name: z.string(), at: time }),
    status: 201,
    audit: { action: 'thing.made', entity: 'thing' },
    handler: ({ params, payload }) => ({
      id: params.id,
      name: payload.name,
      at: new Date(0),
      password: 'never leaves',
    }),
  });
  route(server, {
    method: 'GET',
    path: '/public',
    permission: 'public',
    summary: 'Open',
    handler: () => ({ ok: true }),
  });
  route(server, {
    method: 'GET',
    path: '/broken/{how}',
    permission: 'signed-in',
    summary: 'Fails',
    params: z.object({ how: z.string() }),
    handler: ({ params }) => {
      if (params.how === 'bug') throw new Error('secret detail of a bug');
      throw new AppError('too-many', 'slow-down', 'Slow down', { retryAfterS: 7 });
    },
  });
});

function post(payload: string | object, headers: Record<string, string> = admin) {
  return server.inject({
    method: 'POST',
    url: `/api/v1/things/${uuidv7()}`,
    payload,
    headers: { 'content-type': 'application/json', ...headers },
  });
}

describe('the door', () => {
  it('answers what the schema names and nothing else, after an audit entry', async () => {
    const answer = await post({ name: 'a', tree: 1 });
    expect(answer.statusCode).toBe(201);
    expect(Object.keys(JSON.parse(answer.payload))).toEqual(['id', 'name', 'at']);
    expect(audit.entries).toMatchObject([
      { action: 'thing.made', entity: 'thing', entityId: JSON.parse(answer.payload).id, actor: { username: 'admin' } },
    ]);
  });

  it('refuses somebody unknown, a role without the permission, and a malformed token', async () => {
    expect((await post({ name: 'a' }, {})).statusCode).toBe(401);
    expect((await post({ name: 'a' }, { authorization: `Bearer ${tokenOf('agent')}` })).statusCode).toBe(403);
    for (const authorization of ['Bearer', 'Bearer x y', `Basic ${tokenOf('admin')}`, `Bearer ${'x'.repeat(5000)}`]) {
      expect((await post({ name: 'a' }, { authorization })).statusCode).toBe(401);
    }
  });

  it('takes the cookie only from its own pages', async () => {
    const cookie = `sid=${tokenOf('admin')}`;
    const host = 'box.example:8443';
    const status = async (headers: Record<string, string>) =>
      (await post({ name: 'a' }, { cookie, host, ...headers })).statusCode;
    expect(await status({ origin: 'https://box.example:8443' })).toBe(201);
    expect(await status({ 'sec-fetch-site': 'same-origin' })).toBe(201);
    for (const headers of [
      {},
      { origin: 'https://evil.example' },
      { origin: 'http://box.example:8443' },
      { origin: 'https://box.example:9999' },
      { origin: 'null' },
      { origin: 'https://box.example:8443.evil.example' },
      { 'sec-fetch-site': 'same-site' },
      { origin: 'https://evil.example', 'sec-fetch-site': 'same-origin' },
    ]) {
      expect(await status(headers), JSON.stringify(headers)).toBe(403);
    }
  });

  it('survives broken cookies beside its own', async () => {
    const answer = await post(
      { name: 'a' },
      { cookie: `a="b; =;;; sid2=%%; sid=${tokenOf('admin')}`, 'sec-fetch-site': 'same-origin', host: 'box' },
    );
    expect([201, 401]).toContain(answer.statusCode);
    expect((await post({ name: 'a' }, { cookie: 'sid=../../etc; sid=a' })).statusCode).toBe(401);
  });

  it.each([
    ['broken JSON', '{"name":', 400],
    ['a wrong type', '{"name":5}', 400],
    ['no object', '"text"', 400],
    ['an array', '[]', 400],
    ['null', 'null', 400],
    ['a prototype in disguise', '{"name":"a","__proto__":{"admin":true}}', 400],
    ['a constructor in disguise', '{"name":"a","constructor":{"prototype":{"admin":true}}}', 201],
    ['a hundred thousand brackets', `{"name":"a","tree":${'['.repeat(100_000)}${']'.repeat(100_000)}}`, 400],
    ['more than a mebibyte', `{"name":"${'a'.repeat(1_100_000)}"}`, 413],
  ])('answers %s with a plain refusal', async (_name, payload, status) => {
    const answer = await post(payload);
    expect(answer.statusCode).toBe(status);
    if (status >= 400)
      expect(JSON.parse(answer.payload)).toMatchObject({ code: expect.any(String), message: expect.any(String) });
    expect(({} as { admin?: boolean }).admin).toBeUndefined();
  });

  it('takes JSON only', async () => {
    for (const type of ['text/plain', 'application/x-www-form-urlencoded', 'multipart/form-data; boundary=x']) {
      expect((await post('name=a', { ...admin, 'content-type': type })).statusCode, type).toBe(415);
    }
  });

  it('tells nothing about a bug', async () => {
    const answer = await server.inject({ url: '/api/v1/broken/bug', headers: admin });
    expect(answer.statusCode).toBe(500);
    expect(answer.payload).not.toContain('secret detail');
    expect(JSON.parse(answer.payload).code).toBe('internal');
  });

  it('says when to come back', async () => {
    const answer = await server.inject({ url: '/api/v1/broken/x', headers: admin });
    expect([answer.statusCode, answer.headers['retry-after']]).toEqual([429, '7']);
  });

  it('sends strict headers with successes and refusals alike', async () => {
    for (const url of ['/api/v1/public', '/api/v1/nowhere', '/api/v1/broken/bug']) {
      const { headers } = await server.inject({ url });
      expect(headers).toMatchObject({
        'x-content-type-options': 'nosniff',
        'referrer-policy': 'no-referrer',
        'cache-control': expect.stringContaining('no-'),
        'content-security-policy': expect.stringContaining("frame-ancestors 'none'"),
        'strict-transport-security': expect.stringContaining('max-age'),
      });
    }
  });

  it('cannot be made to split a header', async () => {
    const answer = await server.inject({ url: '/api/v1/nowhere%0d%0aset-cookie:%20sid=x' });
    expect(answer.statusCode).toBe(404);
    expect(answer.headers['set-cookie']).toBeUndefined();
  });

  it('refuses to start with a route that names no permission', () => {
    expect(() => server.route({ method: 'GET', path: '/api/v1/loose', handler: () => 'x' })).toThrow(
      /names no permission/,
    );
    // @ts-expect-error a permission is part of the type too
    expect(() => route(server, { method: 'GET', path: '/loose2', summary: 'x', handler: () => 'x' })).toThrow(
      /names no permission/,
    );
  });
});
