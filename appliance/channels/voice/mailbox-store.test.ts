import { afterAll, beforeAll, expect, it } from 'vitest';
import type { BusEvent } from '#appliance/contract/bus.ts';
import { ManualClock } from '#appliance/kernel/clock.ts';
import { uuidv7 } from '#appliance/kernel/ids.ts';
import { memoryBus } from '#appliance/platform/bus/index.ts';
import { silentLog } from '#appliance/platform/log/index.ts';
import { type Batch, createBatch } from '#appliance/platform/postgres/index.ts';
import { type TestDatabase, testDatabase } from '#test/support/database.ts';
import { createMailboxStore, type MailboxStore } from './mailbox-store.ts';

let database: TestDatabase;
let batch: Batch;
let store: MailboxStore;
const told: BusEvent[] = [];
const clock = new ManualClock();
let [ann, ben] = ['', ''];

beforeAll(async () => {
  database = await testDatabase();
  batch = createBatch(database.db, { log: silentLog });
  const bus = memoryBus();
  bus.subscribe((event) => void told.push(event));
  store = createMailboxStore({ db: database.db, batch, bus });
  [ann, ben] = [await person('Ann'), await person('Ben')];
});
afterAll(async () => {
  await batch.close();
  await database.close();
});

async function person(name: string): Promise<string> {
  const id = uuidv7();
  await database.db('app_user').insert({ id, username: name.toLowerCase(), display_name: name, role: 'agent' });
  await database.db('agent').insert({ id });
  return id;
}
async function recordedCall(recording: { ended: boolean; seconds: number }) {
  const [interactionId, recordingId] = [uuidv7(), uuidv7()];
  const startedAt = new Date(Date.now() - recording.seconds * 1000);
  await database.db('interaction').insert({
    id: interactionId,
    channel: 'voice',
    direction: 'in',
    state: 'flow',
    from_address: '+15550123',
    to_address: '1002',
    created_at: startedAt,
  });
  await database.db('recording').insert({
    id: recordingId,
    interaction_id: interactionId,
    state: 'processing',
    started_at: startedAt,
    ended_at: recording.ended ? new Date() : null,
  });
  return { interactionId, recordingId };
}
async function leave(agentId: string): Promise<string> {
  const id = uuidv7();
  clock.advance(1000);
  const call = await recordedCall({ ended: true, seconds: 5 });
  await store.add({ id, agentId, ...call, from: '+15550123', leftAt: clock.now(), durationS: 5 });
  return id;
}

it('keeps messages for one person each, counts new and heard ones, and tells of every change', async () => {
  const [first, second, third] = [await leave(ann), await leave(ann), await leave(ann)];
  expect(await store.counts(ann)).toEqual({ fresh: 3, heard: 0 });
  expect(await store.counts(ben)).toEqual({ fresh: 0, heard: 0 });
  const page = await store.list(ann, { limit: 2 });
  expect(page).toMatchObject({ items: [{ id: third }, { id: second, heard: false, state: 'processing' }], more: true });
  const rest = await store.list(ann, { limit: 2, after: page.items[1]! });
  expect(rest).toMatchObject({ items: [{ id: first, from: '+15550123', durationS: 5 }], more: false });

  expect(await store.setHeard(ben, first, true), 'not theirs').toBe(false);
  expect(await store.setHeard(ann, first, true)).toBe(true);
  expect(await store.counts(ann)).toEqual({ fresh: 2, heard: 1 });
  expect((await store.fresh(ann)).map(({ id }) => id)).toEqual([third, second]);
  await store.setHeard(ann, first, false);
  expect(await store.remove(ben, first), 'not theirs').toBe(false);
  expect(await store.remove(ann, first)).toBe(true);
  expect(await store.get(ann, first)).toBeUndefined();
  expect(await store.counts(ann)).toEqual({ fresh: 2, heard: 0 });
  expect(told).toEqual(Array.from({ length: 6 }, () => ({ type: 'voicemail.changed', agentId: ann })));
});

it('makes a message of what was recorded when the process died, and of nothing when nothing was said', async () => {
  const said = await recordedCall({ ended: false, seconds: 8 });
  const found = await store.rescue({ id: uuidv7(), agentId: ben, interactionId: said.interactionId, from: '1003' });
  expect(found).toMatchObject({ recordingId: said.recordingId });
  expect(found!.seconds).toBeGreaterThanOrEqual(7);
  expect(await store.counts(ben)).toEqual({ fresh: 1, heard: 0 });
  const silent = await recordedCall({ ended: true, seconds: 1 });
  expect(
    await store.rescue({ id: uuidv7(), agentId: ben, interactionId: silent.interactionId, from: '1003' }),
  ).toBeUndefined();
});
