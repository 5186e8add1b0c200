// RFC 4733 telephone-events as received: one key press is many packets with one timestamp.

export const DIGITS = '0123456789*#ABCD';
const LOST_END_MS = 1000;

export type DigitListener = (digit: string, phase: 'down' | 'up', ms: number | undefined) => void;

export class EventReceiver {
  /** Duration already covered by packets seen, in ticks: the place of the next piece of the event. */
  coveredTicks = 0;
  #ts = -1;
  #code = 0;
  #ticks = 0;
  #open = false;
  #lastMs = 0;
  readonly #tell: DigitListener;

  constructor(tell: DigitListener) {
    this.#tell = tell;
  }

  get active(): boolean {
    return this.#open;
  }

  get code(): number {
    return this.#code;
  }

  /** The digit that is down, or was within the last `withinMs`. */
  recent(withinMs: number, nowMs: number): string | undefined {
    return this.#ts >= 0 && nowMs - this.#lastMs <= withinMs ? DIGITS[this.#code] : undefined;
  }

  /** @returns how many ticks of the event this packet adds; 0 for repeats. */
  packet(m: Buffer, offset: number, end: number, ts: number, nowMs: number): number {
    if (end < offset + 4) return 0;
    const code = m[offset]!;
    if (code > 15) return 0; // flash and other events are no digits
    const last = (m[offset + 1]! & 0x80) !== 0;
    const ticks = (m[offset + 2]! << 8) | m[offset + 3]!;
    if (ts !== this.#ts) {
      // RFC 4733 §2.5.1.5: a new timestamp is a new event, even when the end of the one before was lost
      if (this.#ts >= 0 && ((ts - this.#ts) | 0) < 0 && nowMs - this.#lastMs < LOST_END_MS) return 0; // late packet of an old event
      this.#close();
      this.#ts = ts;
      this.#code = code;
      this.#ticks = 0;
      this.coveredTicks = 0;
      this.#open = true;
      this.#lastMs = nowMs;
      this.#tell(DIGITS[code]!, 'down', undefined);
    }
    this.#lastMs = nowMs;
    const added = Math.max(0, ticks - this.#ticks);
    this.coveredTicks = this.#ticks;
    this.#ticks = Math.max(this.#ticks, ticks);
    if (last) this.#close();
    return added;
  }

  /** Once a second: a key whose end packets were all lost does not stay down. */
  housekeeping(nowMs: number): void {
    if (this.#open && nowMs - this.#lastMs > LOST_END_MS) this.#close();
  }

  #close(): void {
    if (!this.#open) return;
    this.#open = false;
    this.#tell(DIGITS[this.#code]!, 'up', Math.round(this.#ticks / 8));
  }
}
