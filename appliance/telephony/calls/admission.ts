// How many of the new calls are taken when there is more to do than can be done in time. Calls in progress are never asked:
// what is refused early costs a hundredth of a call, and leaves the time to those who are in. Pure but for its own numbers.

export interface Load {
  /** How late the event loop ran a timer. */
  loopLateMs: number;
  /** How long the last group commit took. */
  commitMs: number;
}

export interface AdmissionLimits {
  loopLateMs: number;
  commitMs: number;
}

/** A quarter of T1 (RFC 3261 §17.1.1.1) late, and peers begin to repeat themselves. */
export const ADMISSION_LIMITS: AdmissionLimits = { loopLateMs: 125, commitMs: 400 };
/** Of the share refused, for each observation past a limit: all are refused within a second of them, five times a second. */
const HARDER = 0.1;
/** And for each one within: slowly, so that the share settles near the one that fits. */
const EASIER = 0.02;
/** So many calls for each observation are taken whatever happens: that the machine is slow is no reason to refuse the only caller. */
const ALWAYS = 1;
const ALWAYS_AT_ONCE = 10;

export class Admissions {
  readonly #limits: AdmissionLimits;
  #share = 0;
  #debt = 0;
  #always = ALWAYS_AT_ONCE;

  constructor(limits: AdmissionLimits = ADMISSION_LIMITS) {
    this.#limits = limits;
  }

  /** The part of new calls that is refused now, 0 to 1. */
  get share(): number {
    return this.#share;
  }

  /** A few times a second. */
  observe({ loopLateMs, commitMs }: Load): void {
    const pressure = Math.max(loopLateMs / this.#limits.loopLateMs, commitMs / this.#limits.commitMs);
    if (pressure > 1) this.#share = Math.min(1, this.#share + HARDER * Math.min(pressure, 3));
    else this.#share = Math.max(0, this.#share - EASIER);
    if (this.#share === 0) this.#debt = 0;
    this.#always = Math.min(ALWAYS_AT_ONCE, this.#always + ALWAYS);
  }

  /** One new call: taken or not. Refusals are spread evenly, not drawn by lot. */
  take(): boolean {
    if (this.#share === 0) return true;
    if (this.#always > 0) {
      this.#always--;
      return true;
    }
    this.#debt += this.#share;
    if (this.#debt < 1) return true;
    this.#debt -= 1;
    return false;
  }
}
