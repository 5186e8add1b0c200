// What a successor of the `media` process needs: the leg table beside a JSON page of routes and recordings. Lives on tmpfs.
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

const pageSchema = z.object({
  boot: z.string(),
  legs: z.array(
    z.object({ leg: z.string(), slot: z.int(), port: z.int(), worker: z.int(), hear: hearSchema, sinceMs: z.number() }),
  ),
  recordings: z.array(
    z.object({
      recording: z.string(),
      number: z.int(),
      file: z.string(),
      meta: z.unknown().optional(),
      paused: z.boolean(),
      legs: z.array(z.object({ leg: z.string(), stream: z.int() })),
    }),
  ),
});

export type StatePage = z.infer<typeof pageSchema>;
const SAVE_EVERY_MS = 200;
const FORGET_AFTER_MS = 10 * 60_000;

export class StateFile {
  readonly #path: string;
  readonly #table: LegTable;
  readonly #page: () => string;
  readonly #fd: number;
  readonly #tick: NodeJS.Timeout;
  #soon: Promise<void> | undefined;
  #stale = true;
  #closed = false;

  constructor(path: string, table: LegTable, page: () => string) {
    this.#path = path;
    this.#table = table;
    this.#page = page;
    this.#fd = openSync(path, constants.O_RDWR | constants.O_CREAT, 0o600);
    ftruncateSync(this.#fd, table.bytes.length);
    this.#tick = setInterval(() => this.save(), SAVE_EVERY_MS);
  }

  /** Fills the table and gives the page of a predecessor of the same boot; undefined when there is none that fits. */
  static read(path: string, table: LegTable, ports: PortPair[]): StatePage | undefined {
    try {
      const { mtimeMs, size } = statSync(path);
      if (size !== table.bytes.length || Date.now() - mtimeMs > FORGET_AFTER_MS) return undefined;
      const page = pageSchema.parse(JSON.parse(readFileSync(pagePath(path), 'utf8')));
      if (page.boot !== bootId()) return undefined;
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
    this.#stale = true;
    this.#soon ??= new Promise((resolve) => {
      setImmediate(() => {
        this.save();
        resolve();
      });
    });
    return this.#soon;
  }

  save(): void {
    this.#soon = undefined;
    if (this.#closed) return;
    writeSync(this.#fd, this.#table.bytes, 0, this.#table.bytes.length, 0);
    if (!this.#stale) return;
    this.#stale = false;
    const path = pagePath(this.#path);
    writeFileSync(`${path}.new`, this.#page(), { mode: 0o600 });
    renameSync(`${path}.new`, path);
  }

  close(): void {
    clearInterval(this.#tick);
    this.save();
    this.#closed = true;
    closeSync(this.#fd);
  }
}

export function bootId(): string {
  return readFileSync('/proc/sys/kernel/random/boot_id', 'latin1').trim();
}

function pagePath(path: string): string {
  return `${path}.json`;
}
