import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { memoryBus } from '#appliance/platform/bus/index.ts';
import { openDatabase } from '#appliance/platform/postgres/index.ts';
import type { TestDatabase } from '#test/support/database.ts';
import { testDatabase } from '#test/support/database.ts';
import { normalise } from './identity.ts';
import { createCustomers } from './index.ts';

describe('customers', () => {
  let database: TestDatabase;
  beforeAll(async () => {
    database = await testDatabase();
  });
  afterAll(() => database.close());

  it('are one person per identity, also when two calls of one number come at once', async () => {
    const customers = createCustomers({ db: database.db });
    const found = await Promise.all(
      Array.from({ length: 12 }, () => customers.findOrCreate({ kind: 'phone', value: '+1 555 0123' })),
    );
    expect(new Set(found.map(({ id }) => id)).size).toBe(1);
    expect(await customers.find({ kind: 'phone', value: '+15550123' })).toEqual(found[0]);
    expect(await database.db('customer').count()).toEqual([{ count: 1 }]);
  });

  it('are one person per identity, also when two processes meet many new numbers at once', async () => {
    const pools = [1, 2].map(() => openDatabase(database.url, { poolMax: 1, byKey: true, commitsLater: true }));
    const processes = pools.map((callers) => createCustomers({ db: database.db, callers }));
    const numbers = Array.from({ length: 40 }, (_, n) => `+1555020${String(n).padStart(2, '0')}`);
    const known = await processes[0]!.findOrCreate({ kind: 'phone', value: numbers[0]! });
    const [mine, theirs] = await Promise.all(
      processes.map((one) => Promise.all(numbers.map((value) => one.findOrCreate({ kind: 'phone', value })))),
    );
    expect(mine).toEqual(theirs);
    expect(mine![0]).toEqual(known);
    const alone = await database.db.raw(
      'select count(*) from customer where id not in (select customer_id from identity)',
    );
    expect(alone.rows).toEqual([{ count: 0 }]);
    await Promise.all(pools.map((pool) => pool.destroy()));
  });

  it('who called before are known without the database, until somebody changes them', async () => {
    const bus = memoryBus();
    const customers = createCustomers({ db: database.db, bus });
    const identity = { kind: 'phone', value: '+15550199' } as const;
    const first = await customers.findOrCreate(identity);
    await database.db('customer').where({ id: first.id }).update({ name: 'Kim' });
    expect(await customers.findOrCreate(identity)).toEqual(first);
    bus.publish({ type: 'config.changed', entity: 'customer', id: first.id });
    await vi.waitFor(async () => expect((await customers.findOrCreate(identity)).name).toBe('Kim'));
  });

  it('are made anew when the database has lost them', async () => {
    const customers = createCustomers({ db: database.db, bus: memoryBus() });
    const identity = { kind: 'phone', value: '+15550198' } as const;
    const lost = await customers.findOrCreate(identity);
    await database.db('customer').where({ id: lost.id }).delete();
    customers.forget();
    const { id } = await customers.findOrCreate(identity);
    expect(id).not.toBe(lost.id);
    expect(await customers.get(id)).toBeDefined();
  });

  it('keep what they consented to as a history whose newest word counts', async () => {
    const customers = createCustomers({ db: database.db });
    const { id } = await customers.findOrCreate({ kind: 'email', value: 'Kim@Example.ORG' });
    expect(await customers.consent(id, 'recording')).toBeUndefined();
    await customers.recordConsent(id, {
      kind: 'recording',
      granted: true,
      source: 'ivr',
      at: new Date('2026-01-01T00:00:00Z'),
    });
    await customers.recordConsent(id, {
      kind: 'recording',
      granted: false,
      source: 'agent',
      at: new Date('2026-01-02T00:00:00Z'),
    });
    expect(await customers.consent(id, 'recording')).toBe(false);
    expect((await customers.consents(id)).map(({ granted }) => granted)).toEqual([false, true]);
    await expect(database.db('consent').update({ granted: true })).rejects.toThrow(/append-only/);
  });

  it('cannot share an identity', async () => {
    const customers = createCustomers({ db: database.db });
    const { id } = await customers.findOrCreate({ kind: 'phone', value: '+15550177' });
    await expect(customers.addIdentity(id, { kind: 'phone', value: '+1-555-0123' })).rejects.toMatchObject({
      code: 'already-exists',
    });
  });

  it.each([
    ['phone', ' +1 (555) 01-23 ', '+15550123'],
    ['phone', 'anonymous', 'anonymous'],
    ['email', 'A@B.Org', 'a@b.org'],
    ['chat', ' Visitor 7 ', 'Visitor 7'],
  ] as const)('are spelled one way: %s %j is %j', (kind, value, expected) => {
    expect(normalise(kind, value)).toBe(expected);
  });

  it.each(['', '   ', 'x'.repeat(321)])('refuse an identity of no use: %j', (value) => {
    expect(() => normalise('chat', value)).toThrow(/1 to 320/);
  });
});
