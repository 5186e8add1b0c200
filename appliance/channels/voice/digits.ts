import type { Clock } from '#appliance/kernel/clock.ts';

export interface GatherRules {
  max: number;
  /** Ends the input; not part of the result. */
  terminator: string | null;
  /** Silence before the first digit, ms. */
  firstTimeoutMs: number;
  /** Silence between digits, ms. */
  betweenTimeoutMs: number;
}

export interface Gathered {
  digits: string;
  end: 'max' | 'terminator' | 'timeout' | 'cancelled';
}

const TYPED_AHEAD_MAX = 32;

/** Digits a party pressed: kept until somebody gathers them, so that callers can type ahead. */
export class DigitBuffer {
  readonly #clock: Clock;
  #ahead = '';
  #gathering:
    | { rules: GatherRules; digits: string; done: (result: Gathered) => void; cancelTimer: () => void }
    | undefined;
  #listeners = new Set<(digit: string) => void>();
  #counters = new Set<(count: number) => void>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  push(digit: string): void {
    const current = this.#gathering;
    if (!current) {
      if (this.#ahead.length < TYPED_AHEAD_MAX) this.#ahead += digit;
      for (const listener of [...this.#listeners]) listener(digit);
      return;
    }
    current.cancelTimer();
    const ends = digit === current.rules.terminator;
    if (!ends) current.digits += digit;
    for (const counter of [...this.#counters]) counter(current.digits.length);
    if (ends) this.#finish('terminator');
    else if (current.digits.length >= current.rules.max) this.#finish('max');
    else this.#arm(current.rules.betweenTimeoutMs);
  }

  /** Tells of digits nobody gathers; they stay in the buffer. Returns what takes the listener off. */
  onPressed(listener: (digit: string) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Tells how many digits were gathered so far, never which. Returns what takes the listener off. */
  onCollected(listener: (count: number) => void): () => void {
    this.#counters.add(listener);
    return () => this.#counters.delete(listener);
  }

  /** The first of `digits` already typed ahead. */
  typedAhead(digits: string): boolean {
    return [...this.#ahead].some((digit) => digits.includes(digit));
  }

  clear(): void {
    this.#ahead = '';
  }

  /** Resolves when the rules are met, silence lasted too long, or `cancel` was called. A new gathering cancels the old one. */
  gather(rules: GatherRules): Promise<Gathered> {
    this.cancel();
    const ahead = this.#ahead;
    this.#ahead = '';
    return new Promise((done) => {
      this.#gathering = { rules, digits: '', done, cancelTimer: () => {} };
      this.#arm(rules.firstTimeoutMs);
      for (const digit of ahead) this.push(digit);
    });
  }

  cancel(): void {
    this.#finish('cancelled');
  }

  #arm(ms: number): void {
    const current = this.#gathering;
    if (!current) return;
    current.cancelTimer();
    current.cancelTimer = this.#clock.after(ms, () => this.#finish('timeout'));
  }

  #finish(end: Gathered['end']): void {
    const current = this.#gathering;
    if (!current) return;
    this.#gathering = undefined;
    current.cancelTimer();
    current.done({ digits: current.digits, end });
  }
}
