import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Server } from '@hapi/hapi';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { fakeAudit, fakeGatekeeper, tokenOf } from '#appliance/http/fake-gatekeeper.ts';
import { createServer } from '#appliance/http/server.ts';
import { systemClock } from '#appliance/kernel/clock.ts';
import { uuidv7 } from '#appliance/kernel/ids.ts';
import { silentLog } from '#appliance/platform/log/index.ts';
import { type TestDatabase, testDatabase } from '#test/support/database.ts';
import { createFlowAdmin } from './flow-admin.ts';
import { createPrompts } from './prompts.ts';
import { registerFlowRoutes } from './routes.ts';
import { createTraffic } from './traffic.ts';

let database: TestDatabase;
let dir: string;
let server: Server;
let queueId: string;
const audit = fakeAudit();
const changed: string[] = [];

beforeAll(async () => {
  database = await testDatabase();
  dir = mkdtempSync(join(tmpdir(), 'strongroom-routes-'));
  [{ id: queueId }] = await database.db('queue').insert({ name: 'Support' }).returning('id');
  const prompts = createPrompts({ db: database.db, dir, log: silentLog });
  const admin = createFlowAdmin({
    db: database.db,
    prompts,
    references: { queues: async () => [{ id: queueId, name: 'Support' }], skills: async () => [] },
  });
  server = await createServer({
    log: silentLog,
    gatekeeper: fakeGatekeeper(),
    audit,
    bus: { publish: (event) => event.type === 'config.changed' && changed.push(event.entity) },
  });
  registerFlowRoutes(server, {
    admin,
    prompts,
    secrets: { seal: (text) => Buffer.from(text).toString('base64') },
    traffic: createTraffic({ db: database.db, clock: systemClock }),
  });
});
afterAll(async () => {
  await database.close();
  rmSync(dir, { recursive: true, force: true });
});

async function call(
  method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE',
  path: string,
  payload?: object | Buffer,
  headers: Record<string, string> = {},
) {
  const answer = await server.inject({
    method,
    url: `/api/v1${path}`,
    headers: { authorization: `Bearer ${tokenOf('admin')}`, ...headers },
    ...(payload && { payload }),
  });
  const isJson = String(answer.headers['content-type']).includes('json');
  return {
    status: answer.statusCode,
    body: isJson ? JSON.parse(answer.payload) : undefined,
    raw: answer.rawPayload,
    etag: String(answer.headers.etag ?? ''),
  };
}

describe('flows over the API', () => {
  it('are drawn, checked, published, tested and taken back', async () => {
    const made = await call('POST', '/flows', { name: 'Main line' });
    expect(made.status).toBe(201);
    const { id } = made.body;
    const draft = await call('GET', `/flows/${id}/draft`);
    expect(draft.body.problems).toMatchObject([{ code: 'prompt-unknown', step: 'goodbye' }]);
    expect(await call('POST', `/flows/${id}/publish`, {})).toMatchObject({
      status: 400,
      body: { code: 'flow-invalid', details: { problems: [{ step: 'goodbye' }] } },
    });

    const document = {
      schema: 1,
      start: 'answer',
      steps: {
        answer: { type: 'answer', next: 'menu' },
        menu: { type: 'menu', say: [{ text: 'Press 2' }], choices: { 2: 'support' }, timeout: 'support' },
        support: { type: 'queue', queueId, refused: 'end' },
        end: { type: 'hangup' },
      },
    };
    expect((await call('PUT', `/flows/${id}/draft`, { document }, { 'if-match': '"99"' })).status).toBe(412);
    // The music of a queue is a prompt like any other.
    expect(
      (await call('PUT', `/flows/${id}/draft`, { document }, { 'if-match': draft.etag })).body.problems,
    ).toMatchObject([{ code: 'prompt-unknown', step: 'support' }]);
    await call('POST', '/prompts', { name: 'music.hold', language: 'en', text: 'La la la' });
    const published = await call('POST', `/flows/${id}/publish`, { note: 'first' });
    expect(published).toMatchObject({ status: 201, body: { number: 1, note: 'first' } });

    const test = await call('POST', `/flows/${id}/test`, { digits: ['2'], version: 'published' });
    expect(test.body.lines).toContain('queue  Support');
    expect(test.body.outcome).toEqual({ end: 'connected', step: 'support' });

    expect((await call('POST', `/flows/${id}/publish`, {})).body.number).toBe(2);
    expect((await call('POST', `/flows/${id}/rollback`, { number: 1 })).status).toBe(200);
    expect((await call('GET', `/flows/${id}/versions`)).body.items).toMatchObject([
      { number: 2, published: false },
      { number: 1, published: true },
    ]);
    expect((await call('GET', `/flows/${id}/versions/1`)).body.document.start).toBe('answer');
    expect((await call('GET', `/flows/${id}/diff?from=1&to=2`)).body).toEqual({
      added: [],
      removed: [],
      changed: [],
      document: [],
    });
    expect((await call('GET', `/flows/${id}/versions/7`)).status).toBe(404);
    expect(audit.entries.map(({ action }) => action)).toEqual(
      expect.arrayContaining(['flow.created', 'flow.drafted', 'flow.published', 'flow.rolled-back']),
    );
    expect(changed).toContain('flow');
  });

  it('refuse drafts that are no JSON objects or too deep', async () => {
    const { body } = await call('POST', '/flows', { name: 'Bad' });
    expect((await call('PUT', `/flows/${body.id}/draft`, { document: [] }, { 'if-match': '*' })).status).toBe(400);
    expect(
      (await call('POST', `/flows/${body.id}/validate`, { document: { schema: 1 } })).body.problems[0],
    ).toMatchObject({ severity: 'error' });
  });
});

describe('numbers, hours and hosts over the API', () => {
  it('lead a number to exactly one place', async () => {
    expect((await call('POST', '/dids', { number: '+15550100', queueId })).status).toBe(201);
    expect((await call('POST', '/dids', { number: '+15550100', queueId })).status).toBe(409);
    expect((await call('POST', '/dids', { number: '+15550101' })).body).toMatchObject({ code: 'did-target' });
    expect((await call('POST', '/dids', { number: '0301234', queueId })).status).toBe(400);
    expect(
      (await call('POST', '/dids', { number: '+15550102', queueId: '00000000-0000-7000-8000-000000000001' })).status,
    ).toBeLessThan(500);
  });

  it('say whether it is open', async () => {
    const { body } = await call('POST', '/hours', {
      name: 'Office',
      timeZone: 'Europe/Berlin',
      weekly: [{ days: [1, 2, 3, 4, 5], from: '08:00', to: '17:00' }],
      holidays: [{ date: '2026-12-25', name: 'Christmas', yearly: true }],
    });
    expect((await call('GET', `/hours/${body.id}/state?at=2026-01-05T08:00:00Z`)).body).toMatchObject({
      state: 'open',
      until: '2026-01-05T16:00:00.000Z',
    });
    expect((await call('GET', `/hours/${body.id}/state?at=2026-12-25T08:00:00Z`)).body).toMatchObject({
      state: 'holiday',
      holiday: 'Christmas',
      opensAt: '2026-12-28T07:00:00.000Z',
    });
    expect((await call('POST', '/hours', { name: 'X', timeZone: 'Mars/Base', weekly: [] })).status).toBe(400);
    expect(
      (
        await call('POST', '/hours', {
          name: 'X',
          timeZone: 'UTC',
          weekly: [{ days: [1], from: '25:00', to: '26:00' }],
        })
      ).status,
    ).toBe(400);
  });

  it('never show or log the secret headers of a host', async () => {
    const { status, body } = await call('POST', '/flow-hosts', {
      host: 'crm.example:8443',
      headers: { Authorization: 'Bearer top-secret' },
    });
    expect(status).toBe(201);
    expect(body).toMatchObject({ host: 'crm.example:8443', hasHeaders: true });
    const shown = JSON.stringify([body, (await call('GET', `/flow-hosts/${body.id}`)).body, audit.entries]);
    expect(shown).not.toContain('top-secret');
    expect(shown).not.toContain(Buffer.from('top-secret').toString('base64').slice(0, 8));
    expect((await call('POST', '/flow-hosts', { host: 'evil.example/path' })).status).toBe(400);
    expect((await call('POST', '/flow-hosts', { host: 'user@evil.example' })).status).toBe(400);
  });
});

describe('the calls of today', () => {
  it('are counted on every way, once each, and only those of this flow and this day', async () => {
    const made = await call('POST', '/flows', { name: 'Counted' });
    const [version] = await database
      .db('flow_version')
      .insert({ flow_id: made.body.id, number: 1, document: '{}' })
      .returning('id');
    const today = Date.now();
    const walk = async (
      startMs: number,
      steps: [step: string, edge: string, to: string][],
      end?: string,
      of = version.id,
    ) => {
      const at = (index: number) => new Date(startMs + index * 1000);
      const id = uuidv7();
      await database.db('interaction').insert({
        ...{ id, channel: 'voice', direction: 'in', state: 'flow', from_address: '+15550111', to_address: '+15550100' },
        created_at: at(0),
      });
      const run = { flow_version_id: of, step: 'x', steps: 1, language: 'en', variables: '{}', outcome: end ?? null };
      await database.db('flow_run').insert({
        ...run,
        ...{ id: uuidv7(), interaction_id: id, started_at: at(0), updated_at: at(steps.length) },
      });
      const events = [
        ...steps.map(([step, edge, to]) => ({ type: 'flow-step', data: { step, edge, to } })),
        ...(end ? [{ type: 'flow-ended', data: { step: steps.at(-1)![2], end } }] : []),
      ];
      await database.db('interaction_event').insert(
        events.map(({ type, data }, index) => ({
          ...{ id: uuidv7(), interaction_id: id, at: at(index), type, data: JSON.stringify(data) },
        })),
      );
    };
    await walk(
      today - 20_000,
      [
        ['menu', 'choices.1', 'sales'],
        ['sales', 'next', 'queue'],
      ],
      'connected',
    );
    // The same way twice is still one call.
    await walk(
      today - 10_000,
      [
        ['menu', 'invalid', 'menu'],
        ['menu', 'invalid', 'menu'],
        ['menu', 'choices.1', 'sales'],
      ],
      'gone',
    );
    await walk(today - 5_000, [['menu', 'timeout', 'menu']]);
    await walk(today - 5_000, [['menu', 'choices.1', 'sales']], 'gone', uuidv7());
    await walk(today - 90_000_000, [['menu', 'choices.1', 'sales']], 'gone');
    const since = new Date(today - 60_000).toISOString();
    const { status, body } = await call('GET', `/flows/${made.body.id}/traffic?since=${since}`);
    expect(status).toBe(200);
    const sorted = (list: { step: string; calls: number }[]) =>
      list.map((one) => Object.values(one).join(' ')).toSorted();
    expect(sorted(body.edges)).toEqual([
      'menu choices.1 sales 2',
      'menu invalid menu 1',
      'menu timeout menu 1',
      'sales next queue 1',
    ]);
    expect(sorted(body.ends)).toEqual(['queue connected 1', 'sales gone 1']);
    expect(body.calls).toBe(3);
    const old = new Date(today - 40 * 86_400_000).toISOString();
    expect((await call('GET', `/flows/${made.body.id}/traffic?since=${old}`)).body.code).toBe('period-invalid');
  });
});

describe('prompts over the API', () => {
  it('are spoken, changed and listened to', async () => {
    const made = await call('POST', '/prompts', { name: 'hello', language: 'de', text: 'Guten Tag' });
    expect(made.body).toMatchObject({ source: 'speech', language: 'de' });
    const audio = await call('GET', `/prompts/${made.body.id}/audio`);
    expect(audio.raw.toString('latin1', 0, 4)).toBe('RIFF');
    const longer = await call(
      'PATCH',
      `/prompts/${made.body.id}`,
      { text: 'Guten Tag und herzlich willkommen bei uns' },
      { 'if-match': made.etag },
    );
    expect(longer.body.durationS).toBeGreaterThan(made.body.durationS);
    expect((await call('POST', '/prompts', { name: 'empty', language: 'de' })).body.code).toBe('text-missing');
    expect((await call('POST', '/prompts/speak', { text: 'Hello', language: 'en' })).raw.length).toBeGreaterThan(3000);
  });

  it('are uploaded as any audio, and nothing else', async () => {
    const file = join(dir, 'tone.mp3');
    execFileSync('ffmpeg', ['-loglevel', 'error', '-f', 'lavfi', '-i', 'sine=duration=1', file]);
    const made = await call('POST', '/prompts/upload?name=tone&language=*', readFileSync(file), {
      'content-type': 'audio/mpeg',
    });
    expect(made).toMatchObject({ status: 201, body: { source: 'upload', name: 'tone' } });
    expect(made.body.durationS).toBeCloseTo(1, 1);
    const bad = await call('POST', '/prompts/upload?name=bad&language=en', Buffer.from('no audio'), {
      'content-type': 'application/octet-stream',
    });
    expect(bad).toMatchObject({ status: 400, body: { code: 'not-audio' } });
    const replaced = await call('PUT', `/prompts/${made.body.id}/audio`, readFileSync(file), {
      'content-type': 'audio/mpeg',
      'if-match': '"1"',
    });
    expect(replaced.body.version).toBe(2);
    expect(
      (
        await call('PUT', `/prompts/${made.body.id}/audio`, readFileSync(file), {
          'content-type': 'audio/mpeg',
          'if-match': '"1"',
        })
      ).status,
    ).toBe(412);
  });
});
