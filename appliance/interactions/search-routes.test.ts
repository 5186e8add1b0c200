import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { fakeAudit, fakeGatekeeper, tokenOf } from '#appliance/http/fake-gatekeeper.ts';
import { createServer } from '#appliance/http/server.ts';
import { ManualClock } from '#appliance/kernel/clock.ts';
import { memoryBus } from '#appliance/platform/bus/index.ts';
import { silentLog } from '#appliance/platform/log/index.ts';
import { createBatch } from '#appliance/platform/postgres/index.ts';
import { type TestDatabase, testDatabase } from '#test/support/database.ts';
import { createInteractions } from './index.ts';
import { interactionRoutes } from './routes.ts';

describe('finding interactions over the API', () => {
  let database: TestDatabase;
  let server: Awaited<ReturnType<typeof createServer>>;
  const audit = fakeAudit();
  const bus = memoryBus();
  const me = '00000000-0000-7000-8000-000000000002'; // who holds the agent's token

  beforeAll(async () => {
    database = await testDatabase();
    const { db } = database;
    await db('app_user').insert({ id: me, username: 'ann', display_name: 'Ann', role: 'agent' });
    const [anna] = await db('customer').insert({ name: 'Anna Söder' }).returning('id');
    const interactions = createInteractions({
      db,
      batch: createBatch(db, { log: silentLog }),
      bus,
      clock: new ManualClock(),
      log: silentLog,
    });
    const call = { channel: 'voice', direction: 'in', to: '+15550100' } as const;
    await interactions.open({ ...call, from: '+15557001', customerId: anna.id });
    const { id } = await interactions.open({ ...call, from: '+15557002' });
    await interactions.update(id, { notes: '=HYPERLINK("x") 100 % refund' });
    server = await createServer({
      log: silentLog,
      gatekeeper: fakeGatekeeper((role, permission) => role === 'admin' || permission === 'me'),
      audit,
      bus,
    });
    await server.register({ plugin: interactionRoutes, options: { db, interactions } });
  });
  afterAll(async () => {
    await server.stop();
    await database.close();
  });

  async function ask(method: string, path: string, role: 'admin' | 'agent' = 'admin', payload?: object) {
    const answer = await server.inject({
      method,
      url: `/api/v1${path}`,
      headers: { authorization: `Bearer ${tokenOf(role)}` },
      ...(payload && { payload }),
    });
    return { status: answer.statusCode, text: answer.payload, body: () => JSON.parse(answer.payload) };
  }
  const found = async (q: string) =>
    (await ask('GET', `/interactions?q=${encodeURIComponent(q)}`))
      .body()
      .items.map((one: { from: string }) => one.from)
      .toSorted();

  it.each([
    ['(555) 70-01', ['+15557001']],
    ['555700', ['+15557001', '+15557002']],
    ['söder', ['+15557001']],
    ['REFUND', ['+15557002']],
    ['100 %', ['+15557002']],
    ['%', ['+15557002']],
    ['nobody', []],
  ])('"%s" finds %j', async (q, numbers) => expect(await found(q)).toEqual(numbers));

  it('an export is a file without formulas, and an entry of the audit chain', async () => {
    const { status, text } = await ask('GET', '/interactions/export?q=7002');
    expect(status).toBe(200);
    expect(text.split('\r\n')).toHaveLength(3);
    expect(text).toContain(`"'=HYPERLINK(""x"") 100 % refund"`);
    expect(audit.entries.at(-1)).toMatchObject({ action: 'interactions.exported', details: { filter: { q: '7002' } } });
    expect((await ask('GET', '/interactions/export', 'agent')).status).toBe(403);
  });

  it('a saved filter is one per name and its owner’s own', async () => {
    await ask('POST', '/me/filters', 'agent', { name: 'Lost', query: 'state=ended' });
    const { id } = (await ask('POST', '/me/filters', 'agent', { name: 'Lost', query: 'state=ended&q=1' })).body();
    expect((await ask('GET', '/me/filters', 'agent')).body().items).toEqual([
      { id, name: 'Lost', query: 'state=ended&q=1' },
    ]);
    expect((await ask('DELETE', `/me/filters/${id}`)).status).toBe(404);
    expect((await ask('DELETE', `/me/filters/${id}`, 'agent')).status).toBe(204);
  });

  it('keeps what an agent promised to see to: one for a contact, his own, done and opened again', async () => {
    const { id } = (await ask('GET', '/interactions?q=557001')).body().items[0];
    const path = `/interactions/${id}/follow-up`;
    const dueAt = '2026-12-01T08:00:00.000Z';
    expect((await ask('PUT', path, 'agent', { dueAt: 'tomorrow' })).status).toBe(400);
    expect((await ask('PUT', `/interactions/${me}/follow-up`, 'agent', { dueAt })).status).toBe(404);
    await ask('PUT', path, 'agent', { dueAt: '2026-11-30T08:00:00Z' });
    const set = await ask('PUT', path, 'agent', { dueAt, note: 'Send the price.' });
    expect(set.body()).toMatchObject({
      address: '+15557001',
      customerName: 'Anna Söder',
      dueAt,
      note: 'Send the price.',
      doneAt: null,
    });
    const mine = async (query = '') => (await ask('GET', `/me/follow-ups${query}`, 'agent')).body().items;
    expect(await mine()).toHaveLength(1);
    expect((await ask('GET', '/me/follow-ups')).body().items).toEqual([]);

    const tick = `/me/follow-ups/${set.body().id}/done`;
    expect((await ask('PUT', tick, 'admin', { done: true })).status).toBe(404);
    expect((await ask('PUT', tick, 'agent', { done: true })).body().doneAt).not.toBeNull();
    expect(await mine()).toEqual([]);
    expect(await mine('?doneSince=2026-01-01T00:00:00Z')).toHaveLength(1);
    expect((await ask('PUT', tick, 'agent', { done: false })).body().doneAt).toBeNull();
    expect(await mine()).toHaveLength(1);
    expect((await ask('DELETE', path, 'agent')).status).toBe(204);
    expect(await mine()).toEqual([]);
  });
});
