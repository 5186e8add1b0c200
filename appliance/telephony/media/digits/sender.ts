// Digits towards a party: RFC 4733 when it can, tones when it cannot. Heard instead of the leg's source while it lasts.
import type { Outlet, Source } from '../outlet.ts';
import type { Ticker } from '../scheduler.ts';
import { DIGITS } from './telephone-event.ts';
import { toneInto } from './tones.ts';

const TONE_FRAMES = 6; // 120 ms
const END_REPEATS = 2; // RFC 4733 §2.5.1.4: the end packet is sent three times
const GAP_FRAMES = 4; // 80 ms
const COMMA_FRAMES = 25; // 0.5 s
const FRAME_TICKS = 160;

export class DigitSender implements Ticker, Source {
  readonly slotIndex = -1;
  readonly #outlet: Outlet;
  readonly #samples = new Int16Array(FRAME_TICKS);
  #digits: string;
  #at = 0;
  #frame = 0;
  #pause = 0;

  constructor(outlet: Outlet, digits: string) {
    this.#outlet = outlet;
    this.#digits = digits.toUpperCase();
    outlet.overlay = this;
  }

  /** More digits while the former ones are still being sent. */
  append(digits: string): void {
    this.#digits += digits.toUpperCase();
  }

  tick(nowMs: number): boolean {
    const outlet = this.#outlet;
    if (outlet.overlay !== this) return false;
    const inBand = outlet.telephoneEvent === 0;
    if (this.#pause > 0) {
      this.#pause--;
      if (inBand) {
        this.#samples.fill(0);
        outlet.playSamples(this, this.#samples, nowMs);
      }
      return true;
    }
    const digit = this.#digits[this.#at];
    if (digit === undefined) {
      outlet.overlay = undefined;
      return false;
    }
    if (digit === ',' || digit === 'W') {
      this.#pause = COMMA_FRAMES;
      this.#at++;
    } else if (inBand) this.#tone(digit, nowMs);
    else this.#event(digit, nowMs);
    return true;
  }

  #tone(digit: string, nowMs: number): void {
    toneInto(this.#samples, digit, this.#frame * FRAME_TICKS);
    this.#outlet.playSamples(this, this.#samples, nowMs);
    if (++this.#frame === TONE_FRAMES) this.#next();
  }

  #event(digit: string, nowMs: number): void {
    const n = ++this.#frame;
    const ticks = Math.min(n, TONE_FRAMES) * FRAME_TICKS;
    this.#outlet.event(this, DIGITS.indexOf(digit), ticks, n === 1, n >= TONE_FRAMES, nowMs);
    if (n === TONE_FRAMES + END_REPEATS) this.#next();
  }

  #next(): void {
    this.#frame = 0;
    this.#at++;
    this.#pause = GAP_FRAMES;
  }
}
