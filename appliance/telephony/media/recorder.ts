// Recorder thread: takes frames out of the workers' rings ten times a second, keeps one buffer per recording and writes each four
// times a second. Only this thread waits for the disk.
import { closeSync, fdatasync, fstatSync, ftruncateSync, mkdirSync, openSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';
import { parentPort, workerData } from 'node:worker_threads';
import { messageOf } from '#appliance/kernel/errors.ts';
import type { RecorderHealth, RecorderRequest, RecorderSetup, ThreadMessage } from './messages.ts';
import { monoMs } from './mono.ts';
import { BLOCK_HEADER, fileHeader, markRecord, RECORD_HEADER, sealBlock } from './recfile.ts';
import { Ring } from './ring.ts';

const DRAIN_MS = 100;
const FLUSH_MS = 250;
const SYNC_MS = 10_000;
const SYNCS_AT_ONCE = 2;
const BUFFER_BYTES = 64 << 10;

interface Open {
  number: number;
  recording: string;
  file: string;
  fd: number;
  /** Length of the file that is known to be whole. */
  size: number;
  buffer: Buffer;
  used: number;
  frames: number;
  paused: boolean;
  failing: boolean;
  lostFrames: number;
  flushedMs: number;
  syncedMs: number;
  dirty: boolean;
  synced: Promise<void>;
}

const main = parentPort!;
const rings = (workerData as RecorderSetup).rings.map((shared) => new Ring(shared));
const open = new Map<number, Open>();
let syncing = 0;
let slowestWriteMs = 0;

setInterval(work, DRAIN_MS);
main.on('message', ({ n, request }: { n: number; request: RecorderRequest }) => {
  try {
    const ok = handle(request);
    if (ok instanceof Promise) void ok.then((value) => post({ n, ok: value }));
    else post({ n, ok });
  } catch (error) {
    post({ n, error: messageOf(error) });
  }
});

function handle(request: RecorderRequest): unknown {
  drain();
  switch (request.op) {
    case 'open':
      return start(request);
    case 'mark':
      return mark(need(request.number), request.mark);
    case 'pause': {
      const o = need(request.number);
      if (o.paused !== request.paused) mark(o, { [request.paused ? 'pause' : 'resume']: new Date().toISOString() });
      o.paused = request.paused;
      return undefined;
    }
    case 'close':
      return close(need(request.number));
    case 'flush':
      for (const o of open.values()) flush(o);
      return undefined;
    case 'health':
      return health();
  }
}

function start(request: Extract<RecorderRequest, { op: 'open' }>): void {
  if (open.has(request.number)) return;
  mkdirSync(dirname(request.file), { recursive: true, mode: 0o700 });
  const fd = openSync(request.file, 'a', 0o600);
  try {
    let { size } = fstatSync(fd);
    if (size === 0) {
      const { recording, meta } = request;
      const startTick = Math.floor(monoMs() * 8) % 2 ** 32;
      const header = fileHeader({ recording, startedAt: new Date().toISOString(), startTick, meta });
      if (writeSync(fd, header) !== header.length) throw new Error('disk full');
      size = header.length;
    }
    const nowMs = monoMs();
    open.set(request.number, {
      number: request.number,
      recording: request.recording,
      file: request.file,
      fd,
      size,
      buffer: Buffer.alloc(BLOCK_HEADER + BUFFER_BYTES),
      used: BLOCK_HEADER,
      frames: 0,
      paused: request.paused,
      failing: false,
      lostFrames: 0,
      flushedMs: nowMs - Math.random() * FLUSH_MS, // spreads the writes of many recordings
      syncedMs: nowMs - Math.random() * SYNC_MS,
      dirty: true,
      synced: Promise.resolve(),
    });
  } catch (error) {
    closeSync(fd);
    throw error;
  }
  if (request.mark !== undefined) mark(need(request.number), request.mark);
}

function work(): void {
  drain();
  const nowMs = monoMs();
  for (const o of open.values()) {
    if (nowMs - o.flushedMs >= FLUSH_MS) flush(o);
    if (o.dirty && nowMs - o.syncedMs >= SYNC_MS && syncing < SYNCS_AT_ONCE) void sync(o);
  }
}

function drain(): void {
  for (const ring of rings) {
    ring.drain((offset) => {
      const o = open.get(ring.bytes.readUInt32LE(offset));
      if (!o || o.paused) return;
      const length = RECORD_HEADER + ring.bytes.readUInt16LE(offset + 8);
      append(o, ring.bytes, offset + 4, length, 1);
    });
  }
}

function append(o: Open, source: Buffer, offset: number, length: number, frames: number): void {
  if (o.used + length > o.buffer.length) flush(o);
  if (o.used + length > o.buffer.length) {
    o.lostFrames += frames; // the disk takes nothing: the newest is lost, and counted
    return;
  }
  source.copy(o.buffer, o.used, offset, offset + length);
  o.used += length;
  o.frames += frames;
}

function mark(o: Open, what: unknown): void {
  const record = markRecord(monoMs() * 8, what);
  append(o, record, 0, record.length, 0);
}

/** One block, one write. What was written half is cut off again, and tried anew with the next flush. */
function flush(o: Open): boolean {
  o.flushedMs = monoMs();
  if (o.used === BLOCK_HEADER) return true;
  const block = sealBlock(o.buffer, o.used);
  try {
    let written = 0;
    while (written < block.length) written += writeSync(o.fd, block, written);
  } catch (error) {
    failed(o, error);
    return false;
  }
  slowestWriteMs = Math.max(slowestWriteMs, monoMs() - o.flushedMs);
  o.size += block.length;
  o.used = BLOCK_HEADER;
  o.dirty = true;
  if (o.failing) {
    o.failing = false;
    mark(o, { gap: 'write-failed', lostFrames: o.lostFrames, until: new Date().toISOString() });
    o.lostFrames = 0;
  }
  return true;
}

function failed(o: Open, error: unknown): void {
  try {
    ftruncateSync(o.fd, o.size);
  } catch {
    // the reader skips a torn block
  }
  if (o.failing) return;
  o.failing = true;
  post({ event: 'recording-failed', data: { recording: o.recording, error: messageOf(error) } });
}

function sync(o: Open): Promise<void> {
  o.syncedMs = monoMs();
  o.dirty = false;
  syncing++;
  const before = o.synced;
  o.synced = new Promise((resolve) => {
    fdatasync(o.fd, (error) => {
      syncing--;
      if (error) failed(o, error);
      void before.then(resolve);
    });
  });
  return o.synced;
}

async function close(o: Open): Promise<void> {
  mark(o, { stopped: new Date().toISOString() });
  const whole = flush(o);
  open.delete(o.number);
  await sync(o);
  closeSync(o.fd);
  if (!whole) return;
  post({ event: 'recording-closed', data: { recording: o.recording, file: o.file, frames: o.frames } });
}

function need(number: number): Open {
  const o = open.get(number);
  if (!o) throw new Error('recording is not open');
  return o;
}

function health(): RecorderHealth {
  const figures = { open: open.size, dropped: rings.reduce((sum, ring) => sum + ring.dropped, 0), slowestWriteMs };
  slowestWriteMs = 0;
  return figures;
}

function post(message: ThreadMessage): void {
  main.postMessage(message);
}
