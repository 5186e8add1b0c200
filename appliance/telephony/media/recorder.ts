// Recorder thread: takes frames out of the workers' rings ten times a second and writes every recording four times a second. Only
// this thread waits for the disk.
import { closeSync, fdatasync, fstatSync, ftruncateSync, mkdirSync, openSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';
import { parentPort, workerData } from 'node:worker_threads';
import { messageOf } from '#appliance/kernel/errors.ts';
import type { RecorderHealth, RecorderRequest, RecorderSetup, ThreadMessage } from './messages.ts';
import { monoMs } from './mono.ts';
import { Outbox } from './outbox.ts';
import { fileHeader, RECORD_HEADER } from './recfile.ts';
import { RecordingFile } from './recording-file.ts';
import { Ring } from './ring.ts';

const DRAIN_MS = 100;
const FLUSH_MS = 250;
const SYNC_MS = 10_000;
const SYNCS_AT_ONCE = 2;

interface Open {
  recording: string;
  path: string;
  fd: number;
  file: RecordingFile;
  flushedMs: number;
  syncedMs: number;
  synced: Promise<void>;
}

const main = parentPort!;
const outbox = new Outbox<ThreadMessage>((messages) => main.postMessage(messages));
const rings = (workerData as RecorderSetup).rings.map((shared) => new Ring(shared));
const open = new Map<number, Open>();
/** Runs while something is recorded. */
let working: NodeJS.Timeout | undefined;
let syncing = 0;
let slowestWriteMs = 0;

main.on('message', (messages: { n: number; request: RecorderRequest }[]) => {
  for (const { n, request } of messages) {
    try {
      const ok = handle(request);
      if (ok instanceof Promise) void ok.then((value) => post({ n, ok: value }));
      else post({ n, ok });
    } catch (error) {
      post({ n, error: messageOf(error) });
    }
  }
});

function handle(request: RecorderRequest): unknown {
  drain();
  switch (request.op) {
    case 'open':
      return start(request);
    case 'mark':
      return need(request.number).file.mark(tick(), request.mark);
    case 'pause':
      return need(request.number).file.pause(tick(), request.paused);
    case 'close':
      return close(request.number);
    case 'flush':
      for (const o of open.values()) flush(o);
      return undefined;
    case 'health':
      return health();
  }
}

function start({ number, recording, file: path, meta, paused, mark }: Extract<RecorderRequest, { op: 'open' }>): void {
  if (open.has(number)) return;
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  const fd = openSync(path, 'a', 0o600);
  try {
    let { size } = fstatSync(fd);
    if (size === 0) {
      const header = fileHeader({ recording, startedAt: new Date().toISOString(), startTick: tick(), meta });
      if (writeSync(fd, header) !== header.length) throw new Error('disk full');
      size = header.length;
    }
    const disk = {
      write: (block: Buffer, from: number) => writeSync(fd, block, from),
      truncate: (length: number) => ftruncateSync(fd, length),
    };
    const file = new RecordingFile(disk, size, (error) => failed(recording, error));
    file.paused = paused;
    if (mark !== undefined) file.mark(tick(), mark);
    const nowMs = monoMs();
    const flushedMs = nowMs - Math.random() * FLUSH_MS; // spreads the writes of many recordings
    const syncedMs = nowMs - Math.random() * SYNC_MS;
    working ??= setInterval(work, DRAIN_MS);
    open.set(number, { recording, path, fd, file, flushedMs, syncedMs, synced: Promise.resolve() });
  } catch (error) {
    closeSync(fd);
    throw error;
  }
}

function work(): void {
  drain();
  const nowMs = monoMs();
  for (const o of open.values()) {
    if (nowMs - o.flushedMs >= FLUSH_MS) flush(o);
    if (o.file.dirty && nowMs - o.syncedMs >= SYNC_MS && syncing < SYNCS_AT_ONCE) void sync(o);
  }
}

function drain(): void {
  for (const ring of rings) {
    const { bytes } = ring;
    ring.drain((at) => {
      const o = open.get(bytes.readUInt32LE(at));
      o?.file.frame(bytes, at + 4, RECORD_HEADER + bytes.readUInt16LE(at + 8));
    });
  }
}

function flush(o: Open): boolean {
  o.flushedMs = monoMs();
  const whole = o.file.flush(tick());
  slowestWriteMs = Math.max(slowestWriteMs, monoMs() - o.flushedMs);
  return whole;
}

function sync(o: Open): Promise<void> {
  o.syncedMs = monoMs();
  o.file.dirty = false;
  syncing++;
  const before = o.synced;
  o.synced = new Promise((resolve) => {
    fdatasync(o.fd, (error) => {
      syncing--;
      if (error) failed(o.recording, error);
      void before.then(resolve);
    });
  });
  return o.synced;
}

async function close(number: number): Promise<void> {
  const o = need(number);
  o.file.mark(tick(), { stopped: new Date().toISOString() });
  const whole = flush(o);
  open.delete(number);
  if (open.size === 0) {
    clearInterval(working);
    working = undefined;
  }
  await sync(o);
  closeSync(o.fd);
  if (!whole) return; // it has been reported as failed
  post({ event: 'recording-closed', data: { recording: o.recording, file: o.path, frames: o.file.frames } });
}

function failed(recording: string, error: unknown): void {
  post({ event: 'recording-failed', data: { recording, error: messageOf(error) } });
}

function need(number: number): Open {
  const o = open.get(number);
  if (!o) throw new Error('recording is not open');
  return o;
}

function tick(): number {
  return Math.floor(monoMs() * 8) % 2 ** 32;
}

function health(): RecorderHealth {
  const figures = { open: open.size, dropped: rings.reduce((sum, ring) => sum + ring.dropped, 0), slowestWriteMs };
  slowestWriteMs = 0;
  return figures;
}

function post(message: ThreadMessage): void {
  outbox.add(message);
}
