// The timers of one transaction, by the letters that RFC 3261 gives them.
import type { Clock } from '#appliance/kernel/clock.ts';

export class RunningTimers<Name extends string> {
  readonly #clock: Clock;
  readonly #fired: (name: Name) => void;
  readonly #cancels = new Map<Name, () => void>();

  constructor(clock: Clock, fired: (name: Name) => void) {
    this.#clock = clock;
    this.#fired = fired;
  }

  /** One that runs already begins anew. */
  start(name: Name, ms: number): void {
    this.stop(name);
    this.#cancels.set(
      name,
      this.#clock.after(ms, () => {
        this.#cancels.delete(name);
        this.#fired(name);
      }),
    );
  }

  stop(name: Name): void {
    this.#cancels.get(name)?.();
    this.#cancels.delete(name);
  }

  stopAll(): void {
    for (const cancel of this.#cancels.values()) cancel();
    this.#cancels.clear();
  }
}
