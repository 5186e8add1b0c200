/** The box's time, ticking once a second for every timer on the screen. */
class Clock {
  #offsetMs = 0;
  #now = $state(Date.now());

  /** Milliseconds since 1970 by the clock of the box. */
  get now(): number {
    return this.#now;
  }

  set offsetMs(value: number) {
    // Small jitter of the measurement must not make timers jump.
    if (Math.abs(value - this.#offsetMs) > 400) this.#offsetMs = value;
  }

  tick(): void {
    this.#now = Date.now() + this.#offsetMs;
  }
}

export const clock = new Clock();
