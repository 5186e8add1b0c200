import { createReadStream } from 'node:fs';
import { access, mkdir, readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Clock } from '#appliance/kernel/clock.ts';
import { messageOf } from '#appliance/kernel/errors.ts';
import { isUuid } from '#appliance/kernel/ids.ts';
import type { Bus } from '#appliance/platform/bus/index.ts';
import type { Files } from '#appliance/platform/files/index.ts';
import type { Log } from '#appliance/platform/log/index.ts';
import { type Database, isConnectionError } from '#appliance/platform/postgres/index.ts';
import { type Analysis, analyseWav } from './analyse.ts';
import { checkAgainstCall } from './check.ts';
import { encodeOpus } from './encode.ts';
import { recordingStore } from './store.ts';
import {
  type AlarmPort,
  CONTENT_TYPE,
  FILE_CLASS,
  type Gap,
  type InteractionEvents,
  PROCESS_JOB,
  type RawFiles,
  type RawMeta,
  type RecordingRow,
} from './types.ts';

export interface ProcessorDeps {
  db: Database;
  clock: Clock;
  log: Log;
  bus: Pick<Bus, 'publish'>;
  files: Files;
  spool: string;
  raw: RawFiles;
  jobs: { enqueue(name: string, payload: object, options?: { id?: string }): Promise<unknown> };
  event: InteractionEvents;
  alarms: AlarmPort;
  /** Whether the interaction is over: only then an open recording of a process that never came back is closed. */
  isOver: (interactionId: string) => Promise<boolean>;
}

export type Processor = ReturnType<typeof createProcessor>;

/** A raw file this old without a row was not begun just now. */
const ORPHAN_AFTER_MS = 60_000;
const ABANDONED_AFTER_MS = 15 * 60_000;
const GAPS_TOLD = 100;

/** Makes files of raw recordings. Everything may be repeated at any point; the raw file goes last. */
export function createProcessor({
  db,
  clock,
  log,
  bus,
  files,
  spool,
  raw,
  jobs,
  event,
  alarms,
  isOver,
}: ProcessorDeps) {
  const store = recordingStore(db);
  const rawFile = (id: string): string => join(spool, `${id}.rg7`);

  async function process(id: string): Promise<void> {
    const row = await store.get(id);
    if (!row) throw new Error(`There is no recording ${id}`);
    if (row.state === 'ready' || row.state === 'deleted') return rm(rawFile(id), { force: true });
    if (row.state === 'recording') throw new Error('the recording is still being written'); // tried again later
    try {
      await finish(row);
    } catch (error) {
      if (isConnectionError(error)) throw error; // says nothing about the recording
      const why = messageOf(error);
      if (await store.fail(id, why)) event(row.interactionId, 'recording-failed', { recordingId: id, error: why });
      await alarms.raise({
        kind: 'recording.failed',
        subject: id,
        severity: 'critical',
        text: `A recording could not be finished: ${why}`,
        data: { interactionId: row.interactionId, recordingId: id },
      });
      told(row);
      throw error;
    }
  }

  async function finish(row: RecordingRow): Promise<void> {
    const { id } = row;
    if (!(await exists(rawFile(id)))) throw new Error('the raw recording is not on this box');
    const work = join(spool, `making-${id}`);
    await rm(work, { recursive: true, force: true });
    await mkdir(work, { recursive: true, mode: 0o700 });
    try {
      const wav = join(work, 'sound.wav');
      const ogg = join(work, 'sound.ogg');
      const { damagedBytes = 0, gaps = [] } = await raw.render(rawFile(id), wav);
      const analysis = await analyseWav(wav);
      await encodeOpus(wav, ogg);
      const ref = await files.put(createReadStream(ogg), FILE_CLASS);
      const check = checkAgainstCall(row, analysis);
      await store.finish(id, {
        ...analysis,
        fileHash: ref.hash,
        fileSize: ref.size,
        fileKeyId: ref.keyId,
        contentType: CONTENT_TYPE,
        silent: check.silent,
        lengthOffS: check.lengthOffS,
      });
      await report(row, analysis, check, { damagedBytes, gaps });
    } finally {
      await rm(work, { recursive: true, force: true });
    }
    await rm(rawFile(id), { force: true });
  }

  async function report(
    row: RecordingRow,
    analysis: Analysis,
    check: ReturnType<typeof checkAgainstCall>,
    { damagedBytes, gaps }: { damagedBytes: number; gaps: Gap[] },
  ): Promise<void> {
    const { id, interactionId } = row;
    event(interactionId, 'recording-ready', {
      recordingId: id,
      durationS: round(analysis.durationS),
      ...(check.silent && { silent: true }),
      ...(damagedBytes > 0 && { damagedBytes }),
      // Whoever listens is told that something is missing, and where.
      ...(gaps.length > 0 && { gaps: gaps.slice(0, GAPS_TOLD) }),
    });
    for (const { kind, text } of check.wrong) {
      event(interactionId, 'recording-wrong', { recordingId: id, kind, text });
      await alarms.raise({
        kind: `recording.${kind}`,
        subject: id,
        severity: 'warning',
        text,
        data: { interactionId, recordingId: id },
      });
    }
    // Raised while it was written, or by a former try: what is there now is all there will be, and its holes are told.
    if (row.state === 'failed' || row.error) await alarms.clear('recording.failed', id);
    told(row);
  }

  function told({ id, interactionId }: RecordingRow): void {
    bus.publish({ type: 'recording.changed', recordingId: id, interactionId });
  }

  /** After a start and now and then: raw files and rows that nobody is working on. */
  async function scan(): Promise<{ enqueued: string[]; removed: string[] }> {
    const nowMs = clock.now().getTime();
    const entries = await readdir(spool).catch(() => []);
    const ids = entries.flatMap((name) =>
      name.endsWith('.rg7') && isUuid(name.slice(0, -4)) ? [name.slice(0, -4)] : [],
    );
    const rows = new Map((await store.byIds(ids)).map((row) => [row.id, row]));
    const enqueued = new Set(await store.waiting(new Date(nowMs - ORPHAN_AFTER_MS)));
    const removed: string[] = [];
    for (const id of ids) {
      const written = (await stat(rawFile(id)).catch(() => undefined))?.mtime;
      if (!written) continue;
      const ageMs = nowMs - written.getTime();
      const row = rows.get(id);
      switch (row?.state) {
        case undefined:
          if (ageMs > ORPHAN_AFTER_MS && (await adopt(id, written))) enqueued.add(id);
          break;
        case 'recording':
          if (ageMs > ABANDONED_AFTER_MS && (await isOver(row.interactionId)) && (await store.close(id, written)))
            enqueued.add(id);
          break;
        case 'processing':
          enqueued.add(id);
          break;
        case 'ready':
        case 'deleted':
          await rm(rawFile(id), { force: true });
          removed.push(id);
          break;
        case 'failed':
          break; // in the list of failed jobs, for a person
      }
    }
    for (const id of enqueued) await jobs.enqueue(PROCESS_JOB, { recordingId: id }, { id });
    return { enqueued: [...enqueued], removed };
  }

  /** A raw file whose row was never committed: its header says which call it belongs to. */
  async function adopt(id: string, written: Date): Promise<boolean> {
    const found = await raw.describe(rawFile(id)).catch(() => undefined);
    const meta = found?.meta as Partial<RawMeta> | undefined;
    if (!found || typeof meta?.interactionId !== 'string' || !isUuid(meta.interactionId)) {
      log.warn({ file: rawFile(id) }, 'a file in the spool belongs to no call');
      return false;
    }
    await store.adopt({
      id,
      interactionId: meta.interactionId,
      ruleId: typeof meta.ruleId === 'string' && isUuid(meta.ruleId) ? meta.ruleId : null,
      instance: typeof meta.instance === 'string' ? meta.instance : null,
      startedAt: found.startedAt,
      endedAt: written,
    });
    event(meta.interactionId, 'recording-recovered', { recordingId: id });
    return true;
  }

  return { process, scan };
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}

function round(seconds: number): number {
  return Math.round(seconds * 1000) / 1000;
}
