import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { NO_FORWARDING } from '#appliance/contract/calls.ts';
import { fakeAudit, fakeGatekeeper, tokenOf } from '#appliance/http/fake-gatekeeper.ts';
import { createServer } from '#appliance/http/server.ts';
import { ManualClock } from '#appliance/kernel/clock.ts';
import { memoryBus } from '#appliance/platform/bus/index.ts';
import { silentLog } from '#appliance/platform/log/index.ts';
import { type Batch, createBatch } from '#appliance/platform/postgres/index.ts';
import { type TestDatabase, testDatabase } from '#test/support/database.ts';
import { callSettingsRoutes } from './call-settings-routes.ts';
import { type Agents, createAgents } from './index.ts';

describe('where calls for a person go on to', () => {
  let database: TestDatabase;
  let batch: Batch;
  let agents: Agents;
  let server: Awaited<ReturnType<typeof createServer>>;
  const agentId = '00000000-0000-7000-8000-000000000002'; // who holds the agent's token

  beforeAll(async () => {
    database = await testDatabase();
    const bus = memoryBus();
    batch = createBatch(database.db, { log: silentLog });
    await database.db('app_user').insert({ id: agentId, username: 'ann', display_name: 'Ann', role: 'agent' });
    await database.db('agent').insert({ id: agentId, extension: '1002' });
    agents = createAgents({ db: database.db, batch, bus, clock: new ManualClock() });
    await agents.load();
    server = await createServer({
      log: silentLog,
      gatekeeper: fakeGatekeeper((role, permission) => role === 'admin' || permission === 'me'),
      audit: fakeAudit(),
      bus,
    });
    callSettingsRoutes(server, { agents, isExtension: async (extension) => ['1002', '1003'].includes(extension) });
  });
  afterAll(async () => {
    agents.close();
    await server.stop();
    await batch.close();
    await database.close();
  });

  async function api(method: string, path: string, payload?: object, role: 'admin' | 'agent' = 'agent') {
    const answer = await server.inject({
      method,
      url: `/api/v1${path}`,
      headers: { authorization: `Bearer ${tokenOf(role)}` },
      ...(payload && { payload }),
    });
    return { status: answer.statusCode, body: JSON.parse(answer.payload) };
  }
  const outside = { to: 'number', number: '+12025550143' };

  it('is theirs to say, but for numbers outside, which need a permission; what was allowed once may stay', async () => {
    expect((await api('GET', '/me/forwarding')).body).toEqual({ ...NO_FORWARDING, mayForwardOutside: false });
    const inside = { ...NO_FORWARDING, busy: { to: 'extension', extension: '1003' }, noAnswer: { to: 'voicemail' } };
    expect((await api('PUT', '/me/forwarding', inside)).body).toEqual({ ...inside, mayForwardOutside: false });
    expect(agents.get(agentId)?.forwarding).toEqual(inside);

    const refused = await api('PUT', '/me/forwarding', { ...inside, always: outside });
    expect([refused.status, refused.body.code]).toEqual([403, 'forward-outside-forbidden']);
    const allowed = await api('PUT', `/agents/${agentId}/forwarding`, { ...inside, always: outside }, 'admin');
    expect(allowed.body).toMatchObject({ always: outside, mayForwardOutside: true });
    expect((await api('PUT', '/me/forwarding', { ...NO_FORWARDING, always: outside })).status).toBe(200);
    expect((await api('PUT', '/me/forwarding', { ...NO_FORWARDING, busy: outside })).status).toBe(403);
  });

  it.each([
    [{ always: { to: 'extension', extension: '1002' } }, 'forward-to-self'],
    [{ always: { to: 'extension', extension: '1999' } }, 'extension-unknown'],
    [{ always: { to: 'number', number: '911' } }, 'number-not-allowed'],
  ])('%j is refused: %s', async (some, code) => {
    const { status, body } = await api('PUT', `/agents/${agentId}/forwarding`, { ...NO_FORWARDING, ...some }, 'admin');
    expect([status, body.code]).toEqual([400, code]);
  });

  it('has phones ring in turn, on a number outside only when there is one', async () => {
    const pattern = [
      { device: 'browser', afterS: 0, forS: 10 },
      { device: 'phone', afterS: 10, forS: null },
    ];
    expect((await api('PUT', '/me/ringing', { pattern })).body).toEqual({ pattern });
    expect((await api('GET', '/me/ringing')).body).toEqual({ pattern });
    const number = [...pattern, { device: 'number', afterS: 20, forS: null }];
    expect((await api('PUT', '/me/ringing', { pattern: number })).body.code).toBe('ring-number-missing');
    expect((await api('PUT', '/me/ringing', { pattern: null })).body).toEqual({ pattern: null });
    expect((await api('GET', '/agents/00000000-0000-7000-8000-00000000dead/ringing', undefined, 'admin')).status).toBe(
      404,
    );
  });
});
