// DTMF in the audio: Goertzel filters in blocks of 102 samples, judged by level, twist and share of the energy.
// Limits follow ITU-T Q.24 as receivers commonly apply them: -42 dBm0, twist +8/-4 dB, keys of 40 ms, gaps of 40 ms.

import type { DigitListener } from './telephone-event.ts';
import { HIGH_HZ, KEYPAD, LOW_HZ } from './tones.ts';

export const BLOCK = 102; // 12.75 ms: the eight frequencies fall near bin centres
const COEFFICIENTS = Float64Array.from([...LOW_HZ, ...HIGH_HZ], (hz) => 2 * Math.cos((2 * Math.PI * hz) / 8000));
const MIN_TONE_POWER = ((32_768 * 10 ** ((-42 - 3.14) / 20) * BLOCK) / 2) ** 2; // +3.14 dBm0 is full scale
const SUSPICIOUS_POWER = MIN_TONE_POWER / 4;
const TWIST_NORMAL = 10 ** 0.8; // high group above low
const TWIST_REVERSE = 10 ** 0.4; // low group above high
const TWIST_SUSPICIOUS = 10 ** 1.5;
const PEAK_OVER_OTHERS = 10 ** 0.8;
const ENERGY_SHARE = 0.8; // speech rarely puts 80 % of its energy into one pair for two blocks: talk-off
const STILL_THERE = 1 / 16;
const SUSPICIOUS_SHARE = 0.35;

/** The newest heard: how many samples ago the doubtful stretch ended (negative: still ahead), and its length. */
export type SuspicionListener = (back: number, length: number) => void;

export class InbandDetector {
  onSuspicion: SuspicionListener | undefined;
  readonly #tell: DigitListener;
  readonly #s1 = new Float64Array(8);
  readonly #s2 = new Float64Array(8);
  readonly #power = new Float64Array(8);
  #energy = 0;
  #n = 0;
  #lastHit = '';
  #digit = '';
  #blocks = 0;
  #misses = 0;
  #row = 0;
  #column = 4;
  #level = 0;

  constructor(tell: DigitListener) {
    this.#tell = tell;
  }

  audio(toLinear: Int16Array, m: Buffer, offset: number, end: number): void {
    const s1 = this.#s1;
    const s2 = this.#s2;
    for (let i = offset; i < end; i++) {
      const x = toLinear[m[i]!]!;
      this.#energy += x * x;
      for (let k = 0; k < 8; k++) {
        const s = x + COEFFICIENTS[k]! * s1[k]! - s2[k]!;
        s2[k] = s1[k]!;
        s1[k] = s;
      }
      if (++this.#n === BLOCK) this.#block(end - 1 - i);
    }
  }

  #block(samplesAfter: number): void {
    const power = this.#power;
    for (let k = 0; k < 8; k++) {
      const a = this.#s1[k]!;
      const b = this.#s2[k]!;
      power[k] = a * a + b * b - COEFFICIENTS[k]! * a * b;
    }
    const energy = this.#energy;
    this.#s1.fill(0);
    this.#s2.fill(0);
    this.#energy = 0;
    this.#n = 0;
    const row = strongest(power, 0);
    const column = strongest(power, 4);
    const low = power[row]!;
    const high = power[column]!;
    // power of a sine = (A n / 2)^2, its energy = n A^2 / 2
    const share = energy > 0 ? (2 * (low + high)) / (BLOCK * energy) : 0;
    if (this.onSuspicion && doubtful(low, high, share)) this.onSuspicion(samplesAfter - 2 * BLOCK, 4 * BLOCK);
    this.#hit(isKey(power, row, column, share) ? KEYPAD[row * 4 + column - 4]! : '', power);
  }

  /** A key counts after two equal blocks, and ends after two blocks without its tones: ITU-T Q.24 bridges holes of 20 ms. */
  #hit(hit: string, power: Float64Array): void {
    if (this.#digit) {
      this.#blocks++;
      const own = power[this.#row]! + power[this.#column]!;
      if (hit === this.#digit || (hit === '' && own > this.#level * STILL_THERE)) this.#misses = 0;
      else if (++this.#misses >= 2) this.#end();
    }
    if (!this.#digit && hit && hit === this.#lastHit) {
      const key = KEYPAD.indexOf(hit);
      this.#row = key >> 2;
      this.#column = 4 + (key & 3);
      this.#level = power[this.#row]! + power[this.#column]!;
      this.#digit = hit;
      this.#blocks = 2;
      this.#misses = 0;
      this.#tell(hit, 'down', undefined);
    }
    this.#lastHit = hit;
  }

  #end(): void {
    const ms = Math.round(((this.#blocks - this.#misses) * BLOCK) / 8);
    this.#tell(this.#digit, 'up', ms);
    this.#digit = '';
  }
}

function strongest(power: Float64Array, from: number): number {
  let best = from;
  for (let k = from + 1; k < from + 4; k++) if (power[k]! > power[best]!) best = k;
  return best;
}

function isKey(power: Float64Array, row: number, column: number, share: number): boolean {
  const low = power[row]!;
  const high = power[column]!;
  if (low < MIN_TONE_POWER || high < MIN_TONE_POWER) return false;
  if (high > low * TWIST_NORMAL || low > high * TWIST_REVERSE) return false;
  if (share < ENERGY_SHARE) return false;
  for (let k = 0; k < 8; k++) {
    if (k !== row && k < 4 && power[k]! * PEAK_OVER_OTHERS > low) return false;
    if (k !== column && k >= 4 && power[k]! * PEAK_OVER_OTHERS > high) return false;
  }
  return true;
}

/** Rather a syllable too much than a digit of a card heard. */
function doubtful(low: number, high: number, share: number): boolean {
  if (low < SUSPICIOUS_POWER || high < SUSPICIOUS_POWER || share < SUSPICIOUS_SHARE) return false;
  return high < low * TWIST_SUSPICIOUS && low < high * TWIST_SUSPICIOUS;
}
