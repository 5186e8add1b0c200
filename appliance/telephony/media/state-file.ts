// What a successor of the `media` process needs: the leg table beside a JSON page of routes and recordings, and a log of what
// changed since the page was written. Lives on tmpfs.
import {
  closeSync,
  constants,
  ftruncateSync,
  openSync,
  readFileSync,
  renameSync,
  statSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { z } from 'zod';
import { type LegTable, SLOT_BYTES } from './leg-table.ts';
import type { PortPair } from './messages.ts';
import { hearSchema } from './protocol.ts';

const legSchema = z.object({
  leg: z.string(),
  slot: z.int(),
  port: z.int(),
  worker: z.int(),
  hear: hearSchema,
  sinceMs: z.number(),
});
const recordingSchema = z.object({
  recording: z.string(),
  number: z.int(),
  file: z.string(),
  meta: z.unknown().optional(),
  paused: z.boolean(),
  legs: z.array(z.object({ leg: z.string(), stream: z.int() })),
});
const pageSchema = z.object({ boot: z.string(), legs: z.array(legSchema), recordings: z.array(recordingSchema) });
/** A leg or recording as it is now, or the name of one that is no more. */
const changeSchema = z.union([
  legSchema,
  recordingSchema,
  z.object({ noLeg: z.string() }),
  z.object({ noRecording: z.string() }),
]);

export type StatePage = z.infer<typeof pageSchema>;

/** What is written: everything, or what changed since the last time. */
export interface StateSource {
  page(): string;
  /** Legs there are. */
  legs(): number;
  /** Lines of JSON as `changeSchema` has them, and the slots whose bytes belong to them. */
  changes(): { lines: string[]; slots: number[] };
}

/** The log is folded into the page when it is longer. */
const LOG_BYTES = 1 << 20;
const SAVE_EVERY_MS = 200;
/** Without legs there is nothing to copy; the file's time says that its writer lived a moment ago. */
const SIGN_EVERY_SAVES = 10;
const FORGET_AFTER_MS = 10 * 60_000;

export class StateFile {
  readonly #path: string;
  readonly #table: LegTable;
  readonly #source: StateSource;
  readonly #fd: number;
  readonly #logFd: number;
  #logBytes = 0;
  #saves = 0;
  readonly #tick: NodeJS.Timeout;
  #soon: Promise<void> | undefined;
  #closed = false;

  constructor(path: string, table: LegTable, source: StateSource) {
    this.#path = path;
    this.#table = table;
    this.#source = source;
    this.#fd = openSync(path, constants.O_RDWR | constants.O_CREAT, 0o600);
    ftruncateSync(this.#fd, table.bytes.length);
    this.#logFd = openSync(logPath(path), constants.O_RDWR | constants.O_CREAT | constants.O_APPEND, 0o600);
    this.#fold();
    this.#tick = setInterval(() => this.save(), SAVE_EVERY_MS);
  }

  /** Fills the table and gives the page of a predecessor of the same boot; undefined when there is none that fits. */
  static read(path: string, table: LegTable, ports: PortPair[]): StatePage | undefined {
    try {
      const { mtimeMs, size } = statSync(path);
      if (size !== table.bytes.length || Date.now() - mtimeMs > FORGET_AFTER_MS) return undefined;
      const page = pageSchema.parse(JSON.parse(readFileSync(pagePath(path), 'utf8')));
      if (page.boot !== bootId()) return undefined;
      replay(page, path);
      table.bytes.set(readFileSync(path));
      const legs = page.legs.filter(({ leg, slot, port }) => ports[slot]?.port === port && table.slot(slot).id === leg);
      const known = new Set(legs.map(({ slot }) => slot));
      for (let slot = 0; slot < size / SLOT_BYTES; slot++) if (!known.has(slot)) table.slot(slot).clear();
      return { ...page, legs };
    } catch {
      return undefined; // first start, or not readable: begin empty
    }
  }

  /** Something changed that a successor must know. Resolves when it is written; changes of one moment are written together. */
  touch(): Promise<void> {
    this.#soon ??= new Promise((resolve) => {
      setImmediate(() => {
        this.#soon = undefined;
        this.#append();
        resolve();
      });
    });
    return this.#soon;
  }

  /** How far each leg has sent: copied whole, for it changes with every packet. */
  save(): void {
    if (this.#closed) return;
    this.#append();
    this.#saves++;
    if (this.#source.legs() > 0) writeSync(this.#fd, this.#table.bytes, 0, this.#table.bytes.length, 0);
    else if (this.#saves % SIGN_EVERY_SAVES === 0) writeSync(this.#fd, this.#table.bytes, 0, 1, 0);
  }

  close(): void {
    clearInterval(this.#tick);
    this.save();
    this.#closed = true;
    closeSync(this.#fd);
    closeSync(this.#logFd);
  }

  #append(): void {
    if (this.#closed) return;
    const { lines, slots } = this.#source.changes();
    for (const slot of slots) writeSync(this.#fd, this.#table.slotBytes(slot), 0, SLOT_BYTES, slot * SLOT_BYTES);
    if (lines.length === 0) return;
    this.#logBytes += writeSync(this.#logFd, `${lines.join('\n')}\n`);
    if (this.#logBytes > LOG_BYTES) this.#fold();
  }

  /** The page first: a log that it has already is read once more to no harm, for each line is how things are, not what happened. */
  #fold(): void {
    const path = pagePath(this.#path);
    writeFileSync(`${path}.new`, this.#source.page(), { mode: 0o600 });
    renameSync(`${path}.new`, path);
    ftruncateSync(this.#logFd, 0);
    this.#logBytes = 0;
  }
}

/** Brings a page up to date. A last line that was cut short by the death of its writer is left out. */
function replay(page: StatePage, path: string): void {
  const legs = new Map(page.legs.map((one) => [one.leg, one]));
  const recordings = new Map(page.recordings.map((one) => [one.recording, one]));
  for (const line of readLog(path)) {
    const change = changeSchema.parse(JSON.parse(line));
    if ('noLeg' in change) legs.delete(change.noLeg);
    else if ('noRecording' in change) recordings.delete(change.noRecording);
    else if ('slot' in change) legs.set(change.leg, change);
    else recordings.set(change.recording, change);
  }
  page.legs = [...legs.values()];
  page.recordings = [...recordings.values()];
}

function readLog(path: string): string[] {
  try {
    return readFileSync(logPath(path), 'utf8').split('\n').slice(0, -1);
  } catch {
    return []; // a page without a log is whole
  }
}

export function bootId(): string {
  return readFileSync('/proc/sys/kernel/random/boot_id', 'latin1').trim();
}

function pagePath(path: string): string {
  return `${path}.json`;
}

function logPath(path: string): string {
  return `${path}.log`;
}
