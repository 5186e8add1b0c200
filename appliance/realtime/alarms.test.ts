import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { BusEvent } from '#appliance/contract/bus.ts';
import { ManualClock } from '#appliance/kernel/clock.ts';
import { openDatabase } from '#appliance/platform/postgres/index.ts';
import { type TestDatabase, testDatabase } from '#test/support/database.ts';
import { type Alarms, createAlarms } from './alarms.ts';

let database: TestDatabase;
let alarms: Alarms;
let published: BusEvent[];
beforeAll(async () => {
  database = await testDatabase();
});
afterAll(() => database.close());
beforeEach(async () => {
  await database.db('alarm').delete();
  published = [];
  alarms = createAlarms({
    db: database.db,
    bus: { publish: (event) => void published.push(event) },
    clock: new ManualClock(),
  });
});

const down = { kind: 'trunk.down', subject: 'lab', severity: 'warning', text: 'Trunk lab does not answer' } as const;

describe('an alarm', () => {
  it('is one, however often it is raised, until it is cleared', async () => {
    const [first, second] = await Promise.all([alarms.raise(down), alarms.raise(down)]);
    expect(second.id).toBe(first.id);
    await alarms.raise({ ...down, subject: 'other' });
    expect(await alarms.open()).toHaveLength(2);
    expect(await alarms.clear('trunk.down', 'lab')).toBe(true);
    expect(await alarms.clear('trunk.down', 'lab')).toBe(false);
    expect((await alarms.raise(down)).id).not.toBe(first.id);
    expect(published.filter((event) => event.type === 'alarm.changed')).toHaveLength(5);
  });

  it('keeps its acknowledgement until it becomes critical', async () => {
    const { id } = await alarms.raise(down);
    await alarms.acknowledge(id, { username: 'sam' });
    await alarms.raise(down);
    expect(await alarms.open()).toMatchObject([{ id, acknowledgedBy: 'sam', severity: 'warning' }]);
    await alarms.raise({ ...down, severity: 'critical' });
    expect(await alarms.open()).toMatchObject([{ id, acknowledgedBy: null, severity: 'critical' }]);
    await expect(alarms.acknowledge('00000000-0000-7000-8000-000000000000', { username: 'sam' })).rejects.toMatchObject(
      { kind: 'not-found' },
    );
  });

  it('shows the worst first', async () => {
    await alarms.raise({ kind: 'a', severity: 'info', text: 'i' });
    await alarms.raise({ kind: 'b', severity: 'critical', text: 'c' });
    await alarms.raise({ kind: 'c', severity: 'warning', text: 'w' });
    expect((await alarms.open()).map(({ severity }) => severity)).toEqual(['critical', 'warning', 'info']);
    const [worst] = await alarms.open();
    await alarms.dismiss(worst!.id);
    expect(await alarms.open()).toHaveLength(2);
  });

  it('is told while the database is away', async () => {
    const gone = openDatabase('postgresql://nobody@localhost/none?host=/nonexistent');
    const blind = createAlarms({ db: gone, bus: { publish() {} }, clock: new ManualClock() });
    await expect(blind.open()).rejects.toThrow();
    const waits = { id: 'a', kind: 'postgres.down', severity: 'critical', text: 'PostgreSQL is away' } as const;
    blind.tellAlso(() => [{ ...waits, since: '2026-01-05T09:00:00Z', acknowledgedBy: null }]);
    expect(await blind.open()).toMatchObject([waits]);
    await gone.destroy();
  });
});
