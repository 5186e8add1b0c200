// Keeps the row of one leg up to date: changes of one moment are one write, and writes of one leg never overtake each other.
import type { LegRow, LegStore } from './store.ts';

export class LegRecord {
  readonly #store: Pick<LegStore, 'save' | 'remove'>;
  readonly #row: () => LegRow;
  readonly #failed: (error: unknown) => void;
  #writing: Promise<void> | undefined;
  #next: Promise<void> | undefined;
  #exists = false;
  #removed = false;

  constructor(
    store: Pick<LegStore, 'save' | 'remove'>,
    row: () => LegRow,
    options: { exists: boolean; failed(error: unknown): void },
  ) {
    this.#store = store;
    this.#row = row;
    this.#exists = options.exists;
    this.#failed = options.failed;
  }

  /** Resolves when everything up to now is committed. */
  save(): Promise<void> {
    if (this.#removed) return Promise.resolve();
    this.#next ??= this.#write();
    return this.#next;
  }

  /** For changes that nobody waits for. */
  touch(): void {
    this.save().catch(this.#failed);
  }

  remove(): void {
    if (this.#removed) return;
    this.#removed = true;
    // The deletion follows every write in the order handed in; a leg that was never written leaves nothing behind.
    const after = this.#writing ?? Promise.resolve();
    if (this.#exists) after.then(() => this.#store.remove(this.#row().id)).catch(this.#failed);
  }

  async #write(): Promise<void> {
    if (this.#writing) await this.#writing;
    else await undefined;
    this.#next = undefined;
    if (this.#removed) return;
    this.#exists = true;
    const writing = this.#store.save(this.#row());
    this.#writing = writing
      .catch(() => {})
      .finally(() => {
        this.#writing = undefined;
      });
    await writing;
  }
}
