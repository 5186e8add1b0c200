import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { uuidv7 } from '#appliance/kernel/ids.ts';
import { loadConfig } from '#appliance/platform/config/index.ts';
import { createFiles } from '#appliance/platform/files/index.ts';
import { silentLog } from '#appliance/platform/log/index.ts';
import { openKeyRing } from '#appliance/platform/secrets/index.ts';
import { recordingStore } from '#appliance/recordings/index.ts';
import { LINEAR_TO_A, PCMA } from '#appliance/telephony/media/g711.ts';
import {
  BLOCK_HEADER,
  FRAME,
  fileHeader,
  RECORD_HEADER,
  sealBlock,
  writeRecordHeader,
} from '#appliance/telephony/media/recfile.ts';
import { type TestDatabase, testDatabase } from '#test/support/database.ts';
import { testRedisUrl } from '#test/support/redis.ts';
import type { RoleContext, RunningRole } from './context.ts';
import { start } from './work.ts';

let database: TestDatabase;
let dir: string;
let role: RunningRole | undefined;

beforeAll(async () => {
  database = await testDatabase();
  dir = mkdtempSync(join(tmpdir(), 'strongroom-work-'));
});
afterAll(async () => {
  await role?.stop();
  await database.close();
  rmSync(dir, { recursive: true, force: true });
});

/** What the switch writes of a call of so many seconds: the customer at 440 Hz, the agent at 1000 Hz, a block each 250 ms. */
function rawRecording(recording: string, meta: object, seconds: number): Buffer {
  const parts = [
    fileHeader({ recording, startedAt: new Date(Date.now() - seconds * 1000).toISOString(), startTick: 5000, meta }),
  ];
  for (let first = 0; first < seconds * 50; first += 12) {
    const block = Buffer.alloc(BLOCK_HEADER + 24 * (RECORD_HEADER + 160));
    let at = BLOCK_HEADER;
    for (let frame = first; frame < Math.min(first + 12, seconds * 50); frame++) {
      for (const [stream, hertz] of [
        [0, 440],
        [1, 1000],
      ] as const) {
        writeRecordHeader(block, at, FRAME, stream, PCMA, 160, frame, frame * 160, 5000 + frame * 160);
        for (let index = 0; index < 160; index++) {
          const sample = Math.round(8000 * Math.sin((2 * Math.PI * hertz * (frame * 160 + index)) / 8000));
          block[at + RECORD_HEADER + index] = LINEAR_TO_A[sample & 0xffff]!;
        }
        at += RECORD_HEADER + 160;
      }
    }
    parts.push(Buffer.from(sealBlock(block, at)));
  }
  return Buffer.concat(parts);
}

describe('the role work', () => {
  it('finishes after its start what a power cut left in the spool, up to the last whole record', async () => {
    const config = loadConfig({
      STRONGROOM_DATA: dir,
      STRONGROOM_POSTGRES_URL: database.url,
      STRONGROOM_REDIS_URL: await testRedisUrl(),
    });
    mkdirSync(config.paths.spool, { recursive: true });
    const id = uuidv7();
    const startedAt = new Date(Date.now() - 12_000);
    await database.db('recording').insert({
      id,
      interaction_id: uuidv7(),
      state: 'processing',
      started_at: startedAt,
      ended_at: new Date(),
      layout: JSON.stringify([
        { stream: 0, leg: 'c', side: 'left' },
        { stream: 1, leg: 'a', side: 'right' },
      ]),
    });
    // The last block was torn in the middle of the write.
    const raw = rawRecording(id, {}, 12);
    writeFileSync(join(config.paths.spool, `${id}.rg7`), raw.subarray(0, raw.length - 1000));

    role = await start({ config, log: silentLog, role: 'work', instance: 'box' } as RoleContext);
    const store = recordingStore(database.db);
    await expect.poll(async () => (await store.get(id))?.state, { timeout: 20_000 }).toBe('ready');
    const row = (await store.get(id))!;
    expect(row.durationS).toBeGreaterThan(11.8);
    expect(row).toMatchObject({ silent: false, silenceLeft: 0, silenceRight: 0, error: null });
    await expect.poll(() => readdirSync(config.paths.spool)).toEqual([]);
    const files = createFiles({ dir: config.paths.files, keys: openKeyRing(config.paths.keys) });
    const sound = await files.readAll({
      fileClass: 'recording',
      hash: row.fileHash!,
      size: row.fileSize!,
      keyId: row.fileKeyId!,
    });
    expect(sound.toString('latin1', 0, 4)).toBe('OggS');
  }, 30_000);
});
