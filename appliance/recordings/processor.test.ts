import { execFileSync } from 'node:child_process';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Server } from '@hapi/hapi';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { fakeAudit, fakeGatekeeper, tokenOf } from '#appliance/http/fake-gatekeeper.ts';
import { createServer } from '#appliance/http/server.ts';
import { systemClock } from '#appliance/kernel/clock.ts';
import { uuidv7 } from '#appliance/kernel/ids.ts';
import { createFiles, type Files } from '#appliance/platform/files/index.ts';
import { silentLog } from '#appliance/platform/log/index.ts';
import { openKeyRing } from '#appliance/platform/secrets/index.ts';
import { type TestDatabase, testDatabase } from '#test/support/database.ts';
import { createKeeping } from './keeping.ts';
import { noteStore } from './note-store.ts';
import { createProcessor, type Processor, type ProcessorDeps } from './processor.ts';
import { recordingRoutes } from './routes.ts';
import { recordingStore } from './store.ts';

let database: TestDatabase;
let dir: string;
let spool: string;
let files: Files;
let events: { interactionId: string; type: string; data: Record<string, unknown> }[];
let alarms: string[];
let enqueued: string[];
let wav: string;

beforeAll(async () => {
  database = await testDatabase();
  dir = mkdtempSync(join(tmpdir(), 'strongroom-processor-'));
  files = createFiles({ dir: join(dir, 'files'), keys: openKeyRing(join(dir, 'keys')) });
  wav = join(dir, 'call.wav');
  // The customer whistles at 440 Hz, the agent at 1200 Hz, twelve seconds long.
  execFileSync('ffmpeg', [
    ...[
      '-loglevel',
      'error',
      '-f',
      'lavfi',
      '-i',
      'sine=frequency=440:sample_rate=8000:duration=12',
      '-f',
      'lavfi',
      '-i',
      'sine=frequency=1200:sample_rate=8000:duration=12',
    ],
    ...['-filter_complex', '[0][1]join=inputs=2:channel_layout=stereo', '-c:a', 'pcm_s16le', wav],
  ]);
});
afterAll(async () => {
  await database.close();
  rmSync(dir, { recursive: true, force: true });
});
beforeEach(async () => {
  await database.db('recording').delete();
  spool = mkdtempSync(join(dir, 'spool-'));
  [events, alarms, enqueued] = [[], [], []];
});

function build(more: Partial<ProcessorDeps> = {}): Processor {
  return createProcessor({
    db: database.db,
    clock: systemClock,
    log: silentLog,
    bus: { publish() {} },
    files,
    spool,
    raw: {
      // The raw file of these tests is the WAV itself.
      async render(rawFile, wavFile) {
        if (readFileSync(rawFile, 'latin1').startsWith('broken')) throw new Error('no recording');
        copyFileSync(rawFile, wavFile);
        return { durationS: 12 };
      },
      describe: async (rawFile) =>
        existsSync(rawFile)
          ? {
              startedAt: new Date('2026-01-05T09:00:00Z'),
              meta: { interactionId: ORPHAN, ruleId: null, instance: 'box' },
            }
          : undefined,
    },
    jobs: { enqueue: async (_name, payload) => enqueued.push((payload as { recordingId: string }).recordingId) },
    event: (interactionId, type, data) => void events.push({ interactionId, type, data }),
    alarms: { raise: async ({ kind }) => alarms.push(kind), clear: async (kind) => alarms.push(`cleared ${kind}`) },
    isOver: async () => true,
    ...more,
  });
}

const ORPHAN = uuidv7();

async function ended(seconds = 12, more: Record<string, unknown> = {}): Promise<string> {
  const id = uuidv7();
  const startedAt = new Date('2026-01-05T09:00:00Z');
  await database.db('recording').insert({
    id,
    interaction_id: uuidv7(),
    state: 'processing',
    started_at: startedAt,
    ended_at: new Date(startedAt.getTime() + seconds * 1000),
    layout: JSON.stringify([
      { stream: 0, leg: 'c', side: 'left', agentId: null, from: '' },
      { stream: 1, leg: 'a', side: 'right', agentId: null, from: '' },
    ]),
    ...more,
  });
  copyFileSync(wav, join(spool, `${id}.rg7`));
  return id;
}

/** Share of the energy at one frequency, per side of a stored recording. */
async function heard(id: string, frequency: number): Promise<[left: number, right: number]> {
  const row = (await recordingStore(database.db).get(id))!;
  const ogg = join(dir, `${id}.ogg`);
  writeFileSync(
    ogg,
    await files.readAll({ fileClass: 'recording', hash: row.fileHash!, size: row.fileSize!, keyId: row.fileKeyId! }),
  );
  const pcm = execFileSync('ffmpeg', ['-loglevel', 'error', '-i', ogg, '-ar', '8000', '-f', 's16le', '-'], {
    maxBuffer: 1 << 26,
  });
  return [0, 1].map((side) => {
    const samples = Array.from({ length: Math.floor(pcm.length / 4) }, (_, index) =>
      pcm.readInt16LE(index * 4 + side * 2),
    ).slice(8000, 80_000);
    const turn = 2 * Math.cos((2 * Math.PI * frequency) / 8000);
    let [a, b] = [0, 0];
    for (const sample of samples) [a, b] = [sample + turn * a - b, a];
    return (
      (2 * (a * a + b * b - turn * a * b)) / samples.length / samples.reduce((sum, sample) => sum + sample * sample, 1)
    );
  }) as [number, number];
}

describe('finishing a recording', () => {
  it('makes one encrypted stereo file, customer left and agent right, and then removes the raw one', async () => {
    const id = await ended();
    await build().process(id);
    const row = (await recordingStore(database.db).get(id))!;
    expect(row).toMatchObject({
      state: 'ready',
      silent: false,
      contentType: 'audio/ogg; codecs=opus',
      peaksPerSide: 120,
    });
    expect(row.durationS).toBeCloseTo(12, 1);
    expect(row.fileSize).toBeLessThan(80_000);
    const [left, right] = await heard(id, 440);
    expect(left).toBeGreaterThan(0.95);
    expect(right).toBeLessThan(0.001);
    const agent = await heard(id, 1200);
    expect(agent[0]).toBeLessThan(0.001);
    expect(agent[1]).toBeGreaterThan(0.95);
    expect(readdirSync(spool)).toEqual([]);
    const stored = readdirSync(join(dir, 'files', 'recording'), { recursive: true, withFileTypes: true }).filter(
      (entry) => entry.isFile(),
    );
    for (const file of stored) expect(readFileSync(join(file.parentPath, file.name), 'latin1')).not.toContain('Opus');
    expect(events.map(({ type }) => type)).toEqual(['recording-ready']);
    expect(alarms).toEqual([]);
  });

  it('may be repeated at any point', async () => {
    const id = await ended();
    const processor = build();
    await processor.process(id);
    const first = await recordingStore(database.db).get(id);
    // The power went after the commit: the raw file is still there.
    copyFileSync(wav, join(spool, `${id}.rg7`));
    await processor.process(id);
    expect(readdirSync(spool)).toEqual([]);
    // The power went before the commit: the same work makes the same file.
    await database.db('recording').where({ id }).update({ state: 'processing', file_hash: null });
    copyFileSync(wav, join(spool, `${id}.rg7`));
    mkdirSync(join(spool, `making-${id}`));
    writeFileSync(join(spool, `making-${id}`, 'sound.wav'), 'half');
    await processor.process(id);
    expect((await recordingStore(database.db).get(id))?.fileHash).toBe(first?.fileHash);
  });

  it('raises an alarm when the file is not as long as the call', async () => {
    await build().process(await ended(30));
    expect(alarms).toEqual(['recording.length']);
    expect(events.at(-1)).toMatchObject({ type: 'recording-wrong', data: { kind: 'length' } });
  });

  it('raises an alarm when somebody is not to be heard', async () => {
    const id = await ended();
    execFileSync('ffmpeg', [
      '-y',
      '-loglevel',
      'error',
      '-i',
      wav,
      '-af',
      'pan=stereo|c0=c0',
      '-f',
      'wav',
      join(spool, `${id}.rg7`),
    ]);
    await build().process(id);
    expect(alarms).toEqual(['recording.silent']);
    expect(await recordingStore(database.db).get(id)).toMatchObject({ silent: true, silenceRight: 1, state: 'ready' });
  });

  it('says where something is missing because the switch or the disk failed', async () => {
    const id = await ended();
    const gaps = [{ atS: 3.2, lengthS: 0.3, why: 'restart' }];
    await build({
      raw: {
        async render(rawFile, wavFile) {
          copyFileSync(rawFile, wavFile);
          return { durationS: 12, gaps };
        },
        describe: async () => undefined,
      },
    }).process(id);
    expect(events.find(({ type }) => type === 'recording-ready')).toMatchObject({ data: { recordingId: id, gaps } });
  });

  it('is an event and an alarm when it fails, once, and is finished when the cause is gone', async () => {
    const id = await ended();
    writeFileSync(join(spool, `${id}.rg7`), 'broken');
    const processor = build();
    await expect(processor.process(id)).rejects.toThrow('no recording');
    await expect(processor.process(id)).rejects.toThrow('no recording');
    expect(events.map(({ type }) => type)).toEqual(['recording-failed']);
    expect(alarms).toEqual(['recording.failed', 'recording.failed']);
    expect(await recordingStore(database.db).get(id)).toMatchObject({ state: 'failed', error: 'no recording' });
    expect(existsSync(join(spool, `${id}.rg7`))).toBe(true);
    copyFileSync(wav, join(spool, `${id}.rg7`));
    await processor.process(id);
    expect((await recordingStore(database.db).get(id))?.state).toBe('ready');
    expect(alarms.at(-1)).toBe('cleared recording.failed');
  });

  it('says so when the raw file is gone', async () => {
    const id = await ended();
    rmSync(join(spool, `${id}.rg7`));
    await expect(build().process(id)).rejects.toThrow('not on this box');
    expect(alarms).toEqual(['recording.failed']);
  });
});

describe('the spool after a power cut', () => {
  const aged = (id: string, minutes: number): void => {
    const at = new Date(Date.now() - minutes * 60_000);
    utimesSync(join(spool, `${id}.rg7`), at, at);
  };

  it('is searched for everything that is not finished', async () => {
    const waiting = await ended();
    const abandoned = await ended(12, { state: 'recording', ended_at: null });
    aged(abandoned, 20);
    const running = await ended(12, { state: 'recording', ended_at: null });
    const done = await ended(12, { state: 'failed' });
    const orphan = uuidv7();
    copyFileSync(wav, join(spool, `${orphan}.rg7`));
    aged(orphan, 2);
    const fresh = uuidv7();
    copyFileSync(wav, join(spool, `${fresh}.rg7`));
    writeFileSync(join(spool, 'notes.txt'), '');

    await build().scan();
    expect(enqueued.sort()).toEqual([waiting, abandoned, orphan].sort());
    expect((await recordingStore(database.db).get(running))?.state).toBe('recording');
    expect((await recordingStore(database.db).get(done))?.state).toBe('failed');
    expect(await recordingStore(database.db).get(orphan)).toMatchObject({
      interactionId: ORPHAN,
      state: 'processing',
      startedAt: new Date('2026-01-05T09:00:00Z'),
    });
    expect(events.map(({ type }) => type)).toContain('recording-recovered');
    await build().process(orphan);
    expect((await recordingStore(database.db).get(orphan))?.state).toBe('ready');
  });

  it('leaves a recording alone whose call may go on', async () => {
    const quiet = await ended(12, { state: 'recording', ended_at: null });
    aged(quiet, 60);
    await build({ isOver: async () => false }).scan();
    expect(enqueued).toEqual([]);
  });
});

describe('playback', () => {
  let server: Server;
  let audit: ReturnType<typeof fakeAudit>;
  let id: string;
  const as = (role: 'admin' | 'agent') => ({ authorization: `Bearer ${tokenOf(role)}` });
  const get = (path: string, headers: Record<string, string> = {}, role: 'admin' | 'agent' = 'admin') =>
    server.inject({ url: `/api/v1/recordings/${id}${path}`, headers: { ...as(role), ...headers } });

  beforeEach(async () => {
    audit = fakeAudit();
    server = await createServer({ log: silentLog, gatekeeper: fakeGatekeeper(), audit, bus: { publish() {} } });
    recordingRoutes(server, {
      store: recordingStore(database.db),
      files,
      clock: systemClock,
      keeping: createKeeping({
        ...{ db: database.db, clock: systemClock, log: silentLog, bus: { publish() {} }, files },
        event() {},
      }),
      notes: noteStore(database.db),
      hasPrompt: (name) => name === 'recording-notice',
    });
    id = await ended();
    await build().process(id);
  });

  it('gives the whole file, and any part of it', async () => {
    const whole = await get('/audio');
    expect(whole.statusCode).toBe(200);
    expect(whole.headers).toMatchObject({
      'content-type': expect.stringContaining('audio/ogg'),
      'accept-ranges': 'bytes',
    });
    expect(whole.rawPayload.toString('latin1', 0, 4)).toBe('OggS');
    const part = await get('/audio', { range: 'bytes=100-299' });
    expect(part.statusCode).toBe(206);
    expect(part.headers['content-range']).toBe(`bytes 100-299/${whole.rawPayload.length}`);
    expect(part.rawPayload.equals(whole.rawPayload.subarray(100, 300))).toBe(true);
    const tail = await get('/audio', { range: 'bytes=-50' });
    expect(tail.rawPayload.equals(whole.rawPayload.subarray(-50))).toBe(true);
    const beyond = await get('/audio', { range: 'bytes=9999999-' });
    expect(beyond.statusCode).toBe(416);
  });

  it('writes one entry of the audit chain per listening', async () => {
    await get('/audio', { range: 'bytes=0-99' });
    await get('/audio', { range: 'bytes=100-199' });
    expect(audit.entries).toMatchObject([{ action: 'recording.played', entityId: id, actor: { username: 'admin' } }]);
  });

  it('lets nobody download without a permission and a reason', async () => {
    expect((await get('/download?reason=complaint+4711', {}, 'agent')).statusCode).toBe(403);
    expect((await get('/audio', {}, 'agent')).statusCode).toBe(403);
    expect((await get('/download')).statusCode).toBe(400);
    const file = await get('/download?reason=complaint+4711');
    expect(file.statusCode).toBe(200);
    expect(file.headers['content-disposition']).toBe(`attachment; filename="recording-${id}.ogg"`);
    expect(audit.entries.at(-1)).toMatchObject({
      action: 'recording.downloaded',
      details: { reason: 'complaint 4711' },
    });
  });

  it('shows the waveform and the list', async () => {
    const peaks = JSON.parse((await get('/peaks')).payload);
    expect(peaks.left).toHaveLength(120);
    expect(Math.min(...peaks.left.slice(1, -1))).toBeGreaterThan(10);
    const list = JSON.parse(
      (await server.inject({ url: '/api/v1/recordings?limit=1&state=ready', headers: as('admin') })).payload,
    );
    expect(list).toMatchObject({ items: [{ id, state: 'ready', silent: false }], next: null });
    expect(JSON.stringify(list)).not.toContain('fileHash');
  });

  it('refuses what is not finished or not there', async () => {
    await database.db('recording').where({ id }).update({ state: 'failed' });
    expect((await get('/audio')).statusCode).toBe(409);
    id = uuidv7();
    expect((await get('/audio')).statusCode).toBe(404);
  });

  it('keeps rules, with announcements that exist', async () => {
    const post = (payload: object) =>
      server.inject({ method: 'POST', url: '/api/v1/recording-rules', headers: as('admin'), payload });
    expect(
      (await post({ name: 'Sales', queueId: uuidv7(), mode: 'percent', percent: 20, announcement: 'recording-notice' }))
        .statusCode,
    ).toBe(201);
    expect(JSON.parse((await post({ name: 'Other', mode: 'always', announcement: 'gone' })).payload)).toMatchObject({
      code: 'prompt-unknown',
    });
  });
});
