// One absolute 20 ms schedule for everything that makes frames itself. Many are spread over four phases of 5 ms, so that a burst
// never holds the event loop for long; a few share one phase, and without any nothing wakes.
import { monoMs } from './mono.ts';

export interface Ticker {
  /** Every 20 ms; false when it is finished. */
  tick(nowMs: number): boolean;
}

const PHASES = 4;
const STEP_MS = 20 / PHASES;
const GIVE_UP_MS = 200;
/** A burst of so many packets takes less than half a millisecond. */
const SMALL_BURST = 16;

export class Scheduler {
  readonly #phases: Ticker[][] = Array.from({ length: PHASES }, () => []);
  #nextMs = 0;
  #phase = 0;
  #timer: NodeJS.Timeout | undefined;
  #started = false;
  lateMaxMs = 0;

  start(): void {
    this.#started = true;
    this.#wake();
  }

  stop(): void {
    this.#started = false;
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  add(ticker: Ticker): void {
    let chosen = this.#phases[0]!;
    for (const phase of this.#phases) {
      if (chosen.length < SMALL_BURST) break;
      if (phase.length < chosen.length) chosen = phase;
    }
    chosen.push(ticker);
    this.#wake();
  }

  get size(): number {
    return this.#phases.reduce((sum, phase) => sum + phase.length, 0);
  }

  #wake(): void {
    if (!this.#started || this.#timer || this.size === 0) return;
    this.#nextMs = monoMs();
    this.#phase = 0;
    this.#timer = setTimeout(this.#loop, 0);
  }

  readonly #loop = (): void => {
    let now = monoMs();
    if (now - this.#nextMs > GIVE_UP_MS) this.#nextMs = now; // we were stopped: no burst of old frames
    while (now >= this.#nextMs) {
      const tickers = this.#phases[this.#phase]!;
      if (tickers.length > 0) this.lateMaxMs = Math.max(this.lateMaxMs, now - this.#nextMs);
      for (let i = tickers.length - 1; i >= 0; i--) {
        if (tickers[i]!.tick(now)) continue;
        tickers[i] = tickers[tickers.length - 1]!;
        tickers.pop();
      }
      this.#advance();
      now = monoMs();
    }
    this.#timer = undefined;
    if (!this.#started || this.size === 0) return;
    while (this.#phases[this.#phase]!.length === 0) this.#advance();
    this.#timer = setTimeout(this.#loop, Math.max(1, Math.floor(this.#nextMs - now)));
  };

  #advance(): void {
    this.#phase = (this.#phase + 1) % PHASES;
    this.#nextMs += STEP_MS;
  }
}
