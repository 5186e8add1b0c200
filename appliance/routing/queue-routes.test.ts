import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { presenceRoutes } from '#appliance/agents/me-routes.ts';
import { agentRoutes } from '#appliance/agents/routes.ts';
import { fakeAudit, fakeGatekeeper, tokenOf } from '#appliance/http/fake-gatekeeper.ts';
import { createServer } from '#appliance/http/server.ts';
import { uuidv7 } from '#appliance/kernel/ids.ts';
import { memoryBus } from '#appliance/platform/bus/index.ts';
import { silentLog } from '#appliance/platform/log/index.ts';
import type { TestDatabase } from '#test/support/database.ts';
import { testDatabase } from '#test/support/database.ts';
import { process } from './fixture.ts';
import { offerRoutes } from './offer-routes.ts';
import { queueRoutes } from './routes.ts';

describe('queues over the API', () => {
  let database: TestDatabase;
  let server: Awaited<ReturnType<typeof createServer>>;
  let house: ReturnType<typeof process>;
  const bus = memoryBus();
  const agentId = '00000000-0000-7000-8000-000000000002'; // who holds the agent's token

  beforeAll(async () => {
    database = await testDatabase();
    await database.db('app_user').insert({ id: agentId, username: 'ann', display_name: 'Ann', role: 'agent' });
    house = process(database.db, { bus });
    server = await createServer({
      log: silentLog,
      gatekeeper: fakeGatekeeper((role, permission) => role === 'admin' || permission === 'me'),
      audit: fakeAudit(),
      bus,
    });
    await server.register([
      { plugin: agentRoutes, options: { db: database.db, agents: house.agents } },
      { plugin: queueRoutes, options: { db: database.db } },
    ]);
    presenceRoutes(server, { bus });
    offerRoutes(server, { bus, missedBy: async () => [] });
    await house.start();
  });
  afterAll(async () => {
    await house.stop();
    await server.stop();
    await database.close();
  });

  async function api(
    method: string,
    path: string,
    payload?: object,
    headers: Record<string, string> = {},
    role: 'admin' | 'agent' = 'admin',
  ) {
    const answer = await server.inject({
      method,
      url: `/api/v1${path}`,
      headers: { authorization: `Bearer ${tokenOf(role)}`, ...headers },
      ...(payload && { payload }),
    });
    return {
      status: answer.statusCode,
      body: answer.payload ? JSON.parse(answer.payload) : undefined,
      etag: answer.headers.etag,
    };
  }

  it('are made, read, changed with their version, and served by agents who then get calls', async () => {
    const skill = await api('POST', '/skills', { name: 'Dutch' });
    expect(skill.status).toBe(201);
    const agent = await api('POST', '/agents', {
      userId: agentId,
      extension: '1001',
      skills: [{ skillId: skill.body.id, level: 7 }],
    });
    expect(agent).toMatchObject({
      status: 201,
      body: { id: agentId, name: 'Ann', skills: [{ level: 7 }], capacity: { voice: 1 } },
    });

    const queue = await api('POST', '/queues', {
      name: 'Sales',
      script: 'Good day, {caller}.',
      skills: [{ skillId: skill.body.id, minLevel: 9 }],
      relaxations: [{ skillId: skill.body.id, afterS: 30, minLevel: 5 }],
      overflow: [{ when: 'waited', afterS: 300, exit: { to: 'voicemail' } }],
      announcements: { position: true, everyS: 45, escape: [{ digit: '1', exit: { to: 'callback' } }] },
    });
    expect(queue).toMatchObject({
      status: 201,
      body: { strategy: 'longest-idle', wrapUpS: 30, script: 'Good day, {caller}.', relaxations: [{ afterS: 30 }] },
    });
    const path = `/queues/${queue.body.id}`;
    expect((await api('PATCH', path, { name: 'Sales 2' })).status).toBe(428);
    const changed = await api('PATCH', path, { name: 'Sales 2' }, { 'if-match': queue.etag! });
    expect(changed).toMatchObject({
      status: 200,
      body: { name: 'Sales 2', relaxations: [{ afterS: 30 }], version: 2 },
    });
    expect((await api('PATCH', path, { name: 'Sales 3' }, { 'if-match': queue.etag! })).status).toBe(412);
    const bare = await api('PATCH', path, { skills: [], relaxations: [] }, { 'if-match': changed.etag! });
    expect(bare.body).toMatchObject({ skills: [], relaxations: [] });

    expect((await api('PUT', `${path}/agents`, { items: [{ agentId, position: 2 }] })).status).toBe(204);
    expect((await api('GET', `/agents/${agentId}/queues`)).body).toEqual({
      items: [{ queueId: queue.body.id, position: 2 }],
    });
    await expect.poll(() => house.router.queue(queue.body.id)?.members.length).toBe(1);

    const ready = await api('PUT', '/me/presence', { state: 'ready' }, {}, 'agent');
    expect(ready).toMatchObject({ status: 200, body: { state: 'ready', reason: null } });
    await house.call(queue.body.id, { from: '+15550188' });
    const offers = await api('GET', '/me/offers', undefined, {}, 'agent');
    expect(offers.body.items).toMatchObject([{ queueName: 'Sales 2', from: '+15550188', state: 'pending' }]);
    expect((await api('POST', `/offers/${offers.body.items[0].id}/accept`, undefined, {}, 'agent')).status).toBe(204);
    expect((await api('GET', '/me/work', undefined, {}, 'agent')).body.work).toMatchObject([{ state: 'active' }]);
    expect((await api('POST', `/offers/${offers.body.items[0].id}/decline`, undefined, {}, 'agent')).status).toBe(404);
    await house.batch.flushed();
    expect(await api('DELETE', path, undefined, { 'if-match': '*' })).toMatchObject({
      status: 409,
      body: { code: 'in-use' },
    });
  });

  it.each([
    ['an unknown strategy', { name: 'X', strategy: 'loudest' }],
    ['a priority out of range', { name: 'X', priority: 11 }],
    ['an overflow to nowhere', { name: 'X', overflow: [{ when: 'waited', exit: { to: 'moon' } }] }],
    [
      'a digit named twice',
      {
        name: 'X',
        announcements: {
          escape: [
            { digit: '1', exit: { to: 'callback' } },
            { digit: '1', exit: { to: 'voicemail' } },
          ],
        },
      },
    ],
    [
      'a relaxation of a skill that is not asked for',
      { name: 'X', relaxations: [{ skillId: uuidv7(), afterS: 5, minLevel: null }] },
    ],
    ['a field that does not exist', { name: 'X', colour: 'red' }],
  ])('refuse %s', async (_what, payload) => {
    expect((await api('POST', '/queues', payload)).status).toBe(400);
  });

  it('are for those who may', async () => {
    expect((await api('POST', '/queues', { name: 'Mine' }, {}, 'agent')).status).toBe(403);
  });
});
