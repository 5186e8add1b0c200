// One absolute 20 ms schedule for everything that makes frames itself, spread over four phases of 5 ms so that a burst never
// holds the event loop for long.
import { monoMs } from './mono.ts';

export interface Ticker {
  /** Every 20 ms; false when it is finished. */
  tick(nowMs: number): boolean;
}

const PHASES = 4;
const STEP_MS = 20 / PHASES;
const GIVE_UP_MS = 200;

export class Scheduler {
  readonly #phases: Ticker[][] = Array.from({ length: PHASES }, () => []);
  #nextMs = 0;
  #phase = 0;
  #timer: NodeJS.Timeout | undefined;
  lateMaxMs = 0;

  start(): void {
    this.#nextMs = monoMs();
    this.#loop();
  }

  stop(): void {
    clearTimeout(this.#timer);
  }

  add(ticker: Ticker): void {
    let least = this.#phases[0]!;
    for (const phase of this.#phases) if (phase.length < least.length) least = phase;
    least.push(ticker);
  }

  get size(): number {
    return this.#phases.reduce((sum, phase) => sum + phase.length, 0);
  }

  readonly #loop = (): void => {
    let now = monoMs();
    if (now - this.#nextMs > GIVE_UP_MS) this.#nextMs = now; // we were stopped: no burst of old frames
    while (now >= this.#nextMs) {
      this.lateMaxMs = Math.max(this.lateMaxMs, now - this.#nextMs);
      const tickers = this.#phases[this.#phase]!;
      for (let i = tickers.length - 1; i >= 0; i--) {
        if (tickers[i]!.tick(now)) continue;
        tickers[i] = tickers[tickers.length - 1]!;
        tickers.pop();
      }
      this.#phase = (this.#phase + 1) % PHASES;
      this.#nextMs += STEP_MS;
      now = monoMs();
    }
    this.#timer = setTimeout(this.#loop, Math.max(1, Math.floor(this.#nextMs - now)));
  };
}
