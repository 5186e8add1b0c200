import { mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { ManualClock } from '#appliance/kernel/clock.ts';
import { Emitter } from '#appliance/kernel/emitter.ts';
import { uuidv7 } from '#appliance/kernel/ids.ts';
import { memoryBus } from '#appliance/platform/bus/index.ts';
import { silentLog } from '#appliance/platform/log/index.ts';
import { type Batch, createBatch } from '#appliance/platform/postgres/index.ts';
import { type TestDatabase, testDatabase } from '#test/support/database.ts';
import { recordingsOf } from './index.ts';
import { createRecordings, type Recordings } from './recordings.ts';
import { recordingStore } from './store.ts';
import type { RecorderEvents, RecorderPort } from './types.ts';

let database: TestDatabase;
let batch: Batch;
let dir: string;
let clock: ManualClock;
let recordings: Recordings;
let switch_: ReturnType<typeof fakeSwitch>;
let events: { type: string; data: Record<string, unknown> }[];
let alarms: string[];
let enqueued: unknown[];

/** The media switch: what it was told, and what it records. */
function fakeSwitch() {
  const emitter = new Emitter<RecorderEvents>();
  const told: string[] = [];
  const running = new Set<string>();
  const state = { away: false, refuses: '' };
  const ask = async (what: string, recording: string, detail = ''): Promise<void> => {
    if (state.away) throw new Error('media is away');
    if (state.refuses === what) throw new Error('disk full');
    if (what !== 'start' && !running.has(recording)) throw new Error(`no recording ${recording}`);
    told.push(`${what}${detail}`);
  };
  const port: RecorderPort = {
    async startRecording({ recording, legs }) {
      await ask('start', recording, ` ${legs.map(({ leg, stream }) => `${leg}:${stream}`).join(' ')}`);
      running.add(recording);
    },
    addToRecording: (recording, leg, stream) => ask('add', recording, ` ${leg}:${stream}`),
    markRecording: (recording) => ask('mark', recording),
    pauseRecording: (recording) => ask('pause', recording),
    resumeRecording: (recording) => ask('resume', recording),
    async stopRecording(recording) {
      await ask('stop', recording);
      running.delete(recording);
    },
    async list() {
      if (state.away) throw new Error('media is away');
      return { recordings: [...running] };
    },
    on: (name, listener) => emitter.on(name, listener),
  };
  return { ...port, emitter, told, running, state };
}

function build(): Recordings {
  return createRecordings({
    db: database.db,
    batch,
    clock,
    log: silentLog,
    bus: memoryBus(),
    instance: 'box',
    spool: dir,
    recorder: switch_,
    jobs: { enqueue: async (_name, payload) => enqueued.push(payload) },
    event: (_, type, data) => void events.push({ type, data }),
    alarms: { raise: async ({ kind }) => alarms.push(kind), clear: async () => true },
    sound: (prompt, language) => [`${prompt}.${language}`],
  });
}

const call = (more: object = {}) => ({
  interactionId: uuidv7(),
  customer: { id: 'cust' },
  queueId: null,
  trunkId: null,
  agentId: null,
  ...more,
});
const types = (): string[] => events.map(({ type }) => type);

beforeAll(async () => {
  database = await testDatabase();
  batch = createBatch(database.db, { log: silentLog });
  dir = mkdtempSync(join(tmpdir(), 'strongroom-recordings-'));
  await recordingStore(database.db).rules.create({
    name: 'All',
    queueId: null,
    trunkId: null,
    agentId: null,
    mode: 'always',
    percent: 100,
    announcement: 'recording-notice',
    position: 0,
    active: true,
  });
});
afterAll(async () => {
  await batch.close();
  await database.close();
  rmSync(dir, { recursive: true, force: true });
});
beforeEach(async () => {
  // What the last test did not wait for must not turn up in this one.
  await batch.flushed();
  await database.db('recording').delete();
  [events, alarms, enqueued] = [[], [], []];
  clock = new ManualClock();
  switch_ = fakeSwitch();
  batch = createBatch(database.db, { log: silentLog });
  recordings = build();
  await recordings.recover();
});

describe('recording a call', () => {
  it('follows the customer over a transfer and ends in a job', async () => {
    const one = call();
    expect(recordings.announcement(one, 'de')).toEqual(['recording-notice.de']);
    expect(await recordings.begin(one)).toBe('on');
    await recordings.join(one.interactionId, { id: 'alice' }, '11111111-1111-7111-8111-111111111111');
    await recordings.join(one.interactionId, { id: 'alice' }, null);
    await recordings.join(one.interactionId, { id: 'bob' }, null);
    clock.advance(60_000);
    await recordings.end(one.interactionId);
    await recordings.flushed();
    expect(switch_.told).toEqual(['start cust:0', 'add alice:1', 'add bob:2', 'stop']);
    const [row] = await recordingStore(database.db).of([one.interactionId]);
    expect(row).toMatchObject({
      state: 'processing',
      endedAt: clock.now(),
      layout: [{ side: 'left' }, { side: 'right', leg: 'alice' }, { leg: 'bob' }],
    });
    expect(enqueued).toEqual([{ recordingId: row!.id }]);
    expect(types()).toEqual(['recording-started', 'recording-ended']);
    expect(await recordingsOf(database.db)(one.interactionId)).toMatchObject([
      { id: row!.id, state: 'processing', durationS: null },
    ]);
    expect(
      (await recordingStore(database.db).list({ agentId: '11111111-1111-7111-8111-111111111111', limit: 5 })).items,
    ).toHaveLength(1);
  });

  it('is paused while anybody has a reason', async () => {
    const one = call();
    await recordings.begin(one);
    expect(await recordings.control(one, 'pause', 'agent')).toBe('paused');
    expect(await recordings.control(one, 'pause', 'secure-entry')).toBe('paused');
    expect(await recordings.control(one, 'resume', 'secure-entry')).toBe('paused');
    expect(await recordings.control(one, 'resume', 'agent')).toBe('on');
    expect(await recordings.control(one, 'resume', 'agent')).toBe('on');
    expect(switch_.told).toEqual(['start cust:0', 'pause', 'resume']);
  });

  it('says so when it cannot pause', async () => {
    const one = call();
    await recordings.begin(one);
    switch_.state.refuses = 'pause';
    expect(await recordings.control(one, 'pause', 'secure-entry')).toBe('on');
    expect(types()).toContain('recording-failed');
  });

  it('is an event and an alarm when it cannot begin', async () => {
    switch_.state.refuses = 'start';
    const one = call();
    expect(await recordings.begin(one)).toBe('off');
    await batch.flushed();
    expect(types()).toEqual(['recording-failed']);
    expect(alarms).toEqual(['recording.failed']);
    expect(await recordingStore(database.db).of([one.interactionId])).toMatchObject([
      { state: 'failed', error: 'disk full' },
    ]);
  });

  it('is an event and an alarm when the disk fills up on the way', async () => {
    const one = call();
    await recordings.begin(one);
    switch_.emitter.emit('recording-failed', { recording: [...switch_.running][0]!, error: 'no space left' });
    expect(events.at(-1)).toMatchObject({ type: 'recording-failed', data: { error: 'no space left' } });
    expect(alarms).toEqual(['recording.failed']);
  });

  it('starts by hand where no rule says so, and records a message alone', async () => {
    await database.db('recording_rule').update({ active: false });
    await recordings.reloadRules();
    const one = call();
    expect(await recordings.begin(one)).toBe('off');
    expect(await recordings.control(one, 'start', 'agent')).toBe('on');
    expect(await recordings.control(one, 'stop', 'agent')).toBe('off');
    const message = await recordings.message(one);
    expect(message?.recordingId).toBeDefined();
    await recordings.end(one.interactionId);
    await recordings.flushed();
    expect(await recordingStore(database.db).of([one.interactionId])).toHaveLength(2);
    await database.db('recording_rule').update({ active: true });
  });
});

describe('recordings over a crash', () => {
  it('of voice go on where the switch goes on', async () => {
    const one = call();
    await recordings.begin(one);
    await recordings.control(one, 'pause', 'secure-entry');
    await batch.flushed();
    batch = createBatch(database.db, { log: silentLog });
    recordings = build();
    expect(await recordings.recover()).toEqual({ live: 1, closed: 0 });
    expect(recordings.state(one.interactionId)).toBe('paused');
    await recordings.join(one.interactionId, { id: 'alice' }, null);
    expect(await recordings.control(one, 'resume', 'secure-entry')).toBe('on');
    await recordings.end(one.interactionId);
    await recordings.flushed();
    expect(await recordingStore(database.db).of([one.interactionId])).toMatchObject([
      { state: 'processing', pauses: [{ reason: 'secure-entry', to: clock.now().toISOString() }] },
    ]);
  });

  it('of the whole box end when the file was last written', async () => {
    const one = call();
    await recordings.begin(one);
    await batch.flushed();
    const [row] = await recordingStore(database.db).of([one.interactionId]);
    const file = join(dir, `${row!.id}.rg7`);
    writeFileSync(file, 'raw');
    const lastWritten = new Date('2026-01-05T09:03:21Z');
    utimesSync(file, lastWritten, lastWritten);
    switch_.running.clear();
    batch = createBatch(database.db, { log: silentLog });
    recordings = build();
    expect(await recordings.recover()).toEqual({ live: 0, closed: 1 });
    await recordings.flushed();
    expect(await recordingStore(database.db).get(row!.id)).toMatchObject({ state: 'processing', endedAt: lastWritten });
    expect(enqueued).toEqual([{ recordingId: row!.id }]);
  });

  it('of the switch go on in the same file', async () => {
    const one = call();
    await recordings.begin(one);
    await recordings.join(one.interactionId, { id: 'alice' }, null);
    switch_.running.clear();
    switch_.emitter.emit('connected', {});
    await expect.poll(() => switch_.told.at(-1)).toBe('start cust:0 alice:1');
    expect(types()).toContain('recording-interrupted');
  });

  it('that ended while the switch was away are ended when it is back', async () => {
    const one = call();
    await recordings.begin(one);
    switch_.state.away = true;
    await recordings.end(one.interactionId);
    await recordings.flushed();
    expect(enqueued).toEqual([]);
    switch_.state.away = false;
    switch_.emitter.emit('connected', {});
    await expect.poll(() => enqueued.length).toBe(1);
    expect(switch_.told.at(-1)).toBe('stop');
  });
});
