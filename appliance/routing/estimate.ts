// Estimated wait. Pure but for the running average it keeps.

/** How it is computed, for screens and people. */
export const ESTIMATE_FORMULA =
  'place in the queue × average handle time (talk, hold, wrap-up; moving average) ÷ agents signed in and not on a break';

/** With no history yet, a handle time of three minutes. */
export const FIRST_HANDLE_S = 180;
const WEIGHT = 0.1;

/** A moving average of handle times: the newest counts a tenth. */
export class HandleTime {
  #averageS: number;

  constructor(startS = FIRST_HANDLE_S) {
    this.#averageS = startS;
  }

  add(seconds: number): void {
    if (Number.isFinite(seconds) && seconds >= 0) this.#averageS += (seconds - this.#averageS) * WEIGHT;
  }

  get averageS(): number {
    return this.#averageS;
  }
}

/** Null when nobody serves the queue: there is no honest number then. */
export function estimatedWaitS(place: number, averageHandleS: number, serving: number): number | null {
  if (serving <= 0) return null;
  return Math.round((place * averageHandleS) / serving);
}
