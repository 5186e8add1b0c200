// How many calls may begin on a trunk in a second, both ways together: carriers cut off who goes beyond what was agreed.

export class CallRate {
  readonly #perS: number;
  /** Beginnings of the last second, oldest first; never more than `perS`. */
  readonly #begun: number[] = [];

  constructor(perS: number) {
    this.#perS = perS;
  }

  free(nowMs: number): boolean {
    while (this.#begun.length > 0 && Math.abs(nowMs - this.#begun[0]!) >= 1000) this.#begun.shift();
    return this.#begun.length < this.#perS;
  }

  /** False, and nothing is counted, when the second is full. */
  begin(nowMs: number): boolean {
    if (!this.free(nowMs)) return false;
    this.#begun.push(nowMs);
    return true;
  }
}
