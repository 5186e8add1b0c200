import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { BusEvent } from '#appliance/contract/bus.ts';
import { ManualClock } from '#appliance/kernel/clock.ts';
import { uuidv7 } from '#appliance/kernel/ids.ts';
import { memoryBus } from '#appliance/platform/bus/index.ts';
import { silentLog } from '#appliance/platform/log/index.ts';
import { createBatch } from '#appliance/platform/postgres/index.ts';
import type { TestDatabase } from '#test/support/database.ts';
import { testDatabase } from '#test/support/database.ts';
import { createInteractions } from './index.ts';

describe('interactions', () => {
  let database: TestDatabase;
  let clock: ManualClock;
  const ann = uuidv7();
  const ben = uuidv7();
  const sales = uuidv7();
  const events: BusEvent[] = [];

  function spine() {
    const batch = createBatch(database.db, { log: silentLog });
    const bus = memoryBus();
    bus.subscribe((event) => events.push(event));
    return { batch, ...createInteractions({ db: database.db, batch, bus, clock, log: silentLog }) };
  }
  const call = { channel: 'voice', direction: 'in', from: '+15550123', to: '+15550100' } as const;

  beforeEach(async () => {
    database = await testDatabase();
    clock = new ManualClock();
    events.length = 0;
    for (const [id, name] of [
      [ann, 'ann'],
      [ben, 'ben'],
    ] as const) {
      await database.db('app_user').insert({ id, username: name, display_name: name, role: 'agent' });
      await database.db('agent').insert({ id });
    }
    await database.db('queue').insert({ id: sales, name: 'Sales' });
  });
  afterEach(() => database.close());

  it('are in the database when open() answers', async () => {
    const { open } = spine();
    const { id } = await open(call);
    const { rows } = await database.db.raw('select state, from_address from interaction where id = ?', [id]);
    expect(rows).toEqual([{ state: 'flow', from_address: '+15550123' }]);
  });

  it('tell their whole life as segments without a gap, also when everything happens in one turn', async () => {
    const house = spine();
    const { id } = await house.open(call);
    house.startSegment(id, { kind: 'flow' });
    house.startSegment(id, { kind: 'queue', queueId: sales });
    house.startSegment(id, { kind: 'agent', queueId: sales, agentId: ann });
    clock.advance(10_000);
    house.startSegment(id, { kind: 'hold' });
    clock.advance(5000);
    house.startSegment(id, { kind: 'agent' });
    const consult = house.startSegment(id, { kind: 'consult', agentId: ben });
    clock.advance(3000);
    await house.endSegment(consult.id, 'completed');
    house.startSegment(id, { kind: 'agent', agentId: ben, queueId: sales });
    house.startSegment(id, { kind: 'wrap-up', agentId: ann, queueId: sales });
    clock.advance(20_000);
    await house.end(id, { reason: 'customer' });
    expect(house.get(id)?.state).toBe('wrap-up');
    await house.finishWrapUp(id, { agentId: ann, disposition: 'sold', notes: null });
    const trace = await house.trace(id);
    expect(trace.segments.map(({ kind, end, durationS, agentName }) => [kind, end, durationS, agentName])).toEqual([
      ['flow', 'queued', 0, null],
      ['queue', 'answered', 0, null],
      ['agent', 'hold', 10, 'ann'],
      ['hold', 'resumed', 5, 'ann'],
      ['agent', 'transferred', 3, 'ann'],
      ['consult', 'completed', 3, 'ben'],
      ['agent', 'completed', 20, 'ben'],
      ['wrap-up', 'completed', 20, 'ann'],
    ]);
    expect(trace).toMatchObject({
      state: 'ended',
      disposition: 'sold',
      agentId: ben,
      queueName: 'Sales',
      endReason: 'customer',
    });
    expect(trace.answeredAt).toBe('2026-01-05T09:00:00.000Z');
  });

  it('end no earlier than their last place, whenever their end is told for', async () => {
    const house = spine();
    const { id, createdAt } = await house.open(call);
    const { id: place } = house.startSegment(id, { kind: 'queue', queueId: sales });
    clock.advance(3000);
    await house.endSegment(place, 'abandoned');
    await house.end(id, { reason: 'customer', at: createdAt });
    expect(house.get(id)?.endedAt).toEqual(clock.now());
    const other = await house.open(call);
    clock.advance(1000);
    house.startSegment(other.id, { kind: 'flow' });
    await house.end(other.id, { reason: 'customer', at: other.createdAt });
    expect(house.get(other.id)?.endedAt).toEqual(clock.now());
  });

  it('keep closed segments and events as facts that nobody changes', async () => {
    const house = spine();
    const { id } = await house.open(call);
    const segment = house.startSegment(id, { kind: 'flow' });
    await house.event(id, 'digit', { digit: '2' });
    await house.end(id, { reason: 'customer' });
    const { db } = database;
    await expect(db('segment').where({ id: segment.id }).update({ ended_at: new Date() })).rejects.toThrow(
      /never changes/,
    );
    await expect(db('segment').where({ id: segment.id }).delete()).rejects.toThrow(/stays/);
    await expect(db('interaction_event').where({ interaction_id: id }).update({ type: 'x' })).rejects.toThrow(
      /append-only/,
    );
    await expect(db('interaction_event').where({ interaction_id: id }).delete()).rejects.toThrow(/append-only/);
  });

  it('are in one place only: the database refuses a second open segment', async () => {
    const house = spine();
    const { id } = await house.open(call);
    await house.startSegment(id, { kind: 'flow' }).committed;
    await expect(
      database.db('segment').insert({ id: uuidv7(), interaction_id: id, kind: 'dial', started_at: new Date() }),
    ).rejects.toThrow(/segment_one_open/);
  });

  it('survive a clock that is set back', async () => {
    const house = spine();
    const { id } = await house.open({ ...call, at: new Date('2026-01-05T10:00:00Z') });
    house.startSegment(id, { kind: 'flow', at: new Date('2026-01-05T10:00:05Z') });
    house.startSegment(id, { kind: 'queue', queueId: sales });
    await house.end(id, { reason: 'customer' });
    const { segments } = await house.trace(id);
    expect(segments.map(({ kind, durationS }) => [kind, durationS])).toEqual([
      ['flow', 0],
      ['queue', 0],
    ]);
  });

  it('merge what two roles write at the same time', async () => {
    const [voice, web] = [spine(), spine()];
    const { id } = await voice.open(call);
    await Promise.all([
      voice.update(id, { agentId: ann }),
      web.update(id, { notes: 'rang twice' }),
      voice.update(id, { agentId: ben }),
    ]);
    expect(await voice.trace(id)).toMatchObject({ agentId: ben, notes: 'rang twice' });
  });

  it('are found again after a stop, and what was left half done is repaired', async () => {
    const before = spine();
    const [lost, talking, over] = [await before.open(call), await before.open(call), await before.open(call)];
    await before.startSegment(talking.id, { kind: 'agent', agentId: ann }).committed;
    const left = before.startSegment(over.id, { kind: 'flow' });
    await left.committed;
    await database
      .db('interaction')
      .where({ id: over.id })
      .update({ state: 'ended', ended_at: clock.now(), end_reason: 'customer' });
    clock.advance(60_000);
    const house = spine();
    const live = await house.live();
    expect(live.map(({ id, segments }) => [id, segments.length])).toEqual([
      [lost.id, 0],
      [talking.id, 1],
    ]);
    expect(await house.reconcile()).toEqual({ ended: [lost.id], closed: [left.id] });
    expect(await house.trace(lost.id)).toMatchObject({ state: 'ended', endReason: 'lost' });
    expect((await house.trace(over.id)).segments).toMatchObject([{ end: 'restarted', durationS: 0 }]);
    await house.end(talking.id, { reason: 'agent' });
    expect((await house.trace(talking.id)).segments).toMatchObject([{ end: 'completed', durationS: 60 }]);
    expect(await house.reconcile()).toEqual({ ended: [], closed: [] });
  });

  it('are listed newest first, by what a person asks for, page by page', async () => {
    const house = spine();
    const ids: string[] = [];
    for (let index = 0; index < 5; index++) {
      const { id } = await house.open({ ...call, channel: index === 2 ? 'chat' : 'voice' });
      ids.unshift(id);
      clock.advance(60_000);
    }
    const first = await house.list({ limit: 2 });
    expect(first.items.map(({ id }) => id)).toEqual(ids.slice(0, 2));
    const second = await house.list({ limit: 2, cursor: first.next! });
    expect(second.items.map(({ id }) => id)).toEqual(ids.slice(2, 4));
    expect((await house.list({ channel: 'chat' })).items).toHaveLength(1);
    expect(
      (await house.list({ from: new Date('2026-01-05T09:01:00Z'), to: new Date('2026-01-05T09:03:00Z') })).items,
    ).toHaveLength(2);
    expect((await house.list({ agentId: ann })).items).toEqual([]);
    await expect(house.list({ cursor: 'x' })).rejects.toMatchObject({ code: 'invalid-cursor' });
    await expect(house.trace(uuidv7())).rejects.toMatchObject({ kind: 'not-found' });
  });

  it('tell the others after the commit', async () => {
    const house = spine();
    const { id } = await house.open(call);
    await house.startSegment(id, { kind: 'queue', queueId: sales }).committed;
    await new Promise((resolve) => setImmediate(resolve));
    expect(events).toMatchObject([
      { type: 'interaction.changed', interactionId: id, state: 'flow' },
      { type: 'interaction.changed', interactionId: id, state: 'waiting', queueId: sales },
    ]);
  });
});
