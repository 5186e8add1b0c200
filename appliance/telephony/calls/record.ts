// Keeps the row of one leg up to date: changes of one moment are one write, and writes of one leg never overtake each other.
import type { Clock } from '#appliance/kernel/clock.ts';
import type { LegRow, LegStore } from './store.ts';

/** Small enough to lose nothing that matters, long enough that many legs share one transaction. */
const SOON_MS = 15;

/** What nobody waits for, of all legs together: one flush of the database instead of one for each. */
export class Soon {
  readonly #clock: Pick<Clock, 'after'>;
  readonly #tasks = new Set<() => void>();
  #waiting = false;

  constructor(clock: Pick<Clock, 'after'>) {
    this.#clock = clock;
  }

  add(task: () => void): void {
    this.#tasks.add(task);
    if (this.#waiting) return;
    this.#waiting = true;
    this.#clock.after(SOON_MS, () => this.now());
  }

  /** Before a stop. */
  now(): void {
    this.#waiting = false;
    const tasks = [...this.#tasks];
    this.#tasks.clear();
    for (const run of tasks) run();
  }

  drop(task: () => void): void {
    this.#tasks.delete(task);
  }
}

export interface LegRecordOptions {
  store: Pick<LegStore, 'save' | 'remove'>;
  row(): LegRow;
  soon: Soon;
  /** There is a row already, of a former process. */
  exists: boolean;
  failed(error: unknown): void;
}

export class LegRecord {
  readonly #options: LegRecordOptions;
  readonly #saveSoon = () => this.keep();
  #writing: Promise<void> | undefined;
  #next: Promise<void> | undefined;
  #exists: boolean;
  #removed = false;

  constructor(options: LegRecordOptions) {
    this.#options = options;
    this.#exists = options.exists;
  }

  /** Resolves when everything up to now is committed. */
  save(): Promise<void> {
    if (this.#removed) return Promise.resolve();
    this.#options.soon.drop(this.#saveSoon);
    this.#next ??= this.#write();
    return this.#next;
  }

  /** At once, for what a crash must not lose, though nothing waits for it. */
  keep(): void {
    this.save().catch(this.#options.failed);
  }

  /** Within 15 ms, with other legs: what a restart could do without. */
  touch(): void {
    // A write that is about to begin reads the row as it is then.
    if (!this.#removed && !this.#next) this.#options.soon.add(this.#saveSoon);
  }

  remove(): void {
    if (this.#removed) return;
    this.#removed = true;
    const { store, row, soon, failed } = this.#options;
    soon.drop(this.#saveSoon);
    // A leg that was never written leaves nothing behind; one being written is removed after that.
    if (this.#exists)
      soon.add(() => void (this.#writing ?? Promise.resolve()).then(() => store.remove(row().id)).catch(failed));
  }

  async #write(): Promise<void> {
    if (this.#writing) await this.#writing;
    else await undefined;
    this.#next = undefined;
    if (this.#removed) return;
    this.#exists = true;
    const writing = this.#options.store.save(this.#options.row());
    this.#writing = writing
      .catch(() => {})
      .finally(() => {
        this.#writing = undefined;
      });
    await writing;
  }
}
