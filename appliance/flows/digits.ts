import type { Clock } from '#appliance/kernel/clock.ts';
import { type Gathered, type GatherOptions, HostGone } from './host.ts';

const KEPT = 32;

/** Digits of one caller: typed ahead, gathered with time-outs, or ending a prompt. For hosts to build on. */
export class DigitInput {
  readonly #clock: Clock;
  #buffer = '';
  #gone: HostGone | undefined;
  readonly #waiting = new Set<() => void>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  push(digit: string): void {
    if (!/^[0-9*#A-D]$/.test(digit) || this.#buffer.length >= KEPT) return;
    this.#buffer += digit;
    this.#wake();
  }

  clear(): void {
    this.#buffer = '';
  }

  /** Whoever waits, and whoever asks later, gets HostGone. */
  end(why?: string): void {
    this.#gone ??= new HostGone(why);
    this.#buffer = '';
    this.#wake();
  }

  /** Resolves once a digit of `set` is at the front of the buffer (others in front of it are dropped), without taking it. */
  async oneOf(set: string, signal?: AbortSignal): Promise<'digit' | 'aborted'> {
    for (;;) {
      if (this.#gone) throw this.#gone;
      while (this.#buffer && !set.includes(this.#buffer[0]!)) this.#buffer = this.#buffer.slice(1);
      if (this.#buffer) return 'digit';
      if (signal?.aborted) return 'aborted';
      await this.#nextDigit(undefined, signal);
    }
  }

  async gather({ max, terminator, firstTimeoutMs, betweenTimeoutMs }: GatherOptions): Promise<Gathered> {
    let digits = '';
    for (;;) {
      if (this.#gone) throw this.#gone;
      while (this.#buffer) {
        const digit = this.#buffer[0]!;
        this.#buffer = this.#buffer.slice(1);
        if (digit === terminator) return { digits, end: 'terminator' };
        digits += digit;
        if (digits.length >= max) return { digits, end: 'max' };
      }
      const inTime = await this.#nextDigit(digits ? betweenTimeoutMs : firstTimeoutMs);
      if (!inTime && !this.#gone && !this.#buffer) return { digits, end: 'timeout' };
    }
  }

  #wake(): void {
    for (const onDigit of [...this.#waiting]) onDigit();
  }

  #nextDigit(timeoutMs?: number, signal?: AbortSignal): Promise<boolean> {
    return new Promise((resolve) => {
      const done = (inTime: boolean): void => {
        stopTimer?.();
        signal?.removeEventListener('abort', onAbort);
        this.#waiting.delete(onDigit);
        resolve(inTime);
      };
      const onDigit = (): void => done(true);
      const onAbort = (): void => done(false);
      const stopTimer = timeoutMs === undefined ? undefined : this.#clock.after(timeoutMs, () => done(false));
      signal?.addEventListener('abort', onAbort);
      this.#waiting.add(onDigit);
    });
  }
}
