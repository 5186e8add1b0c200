// What arrives from a party, counted as RFC 3550 A.1, A.3 and A.8 say, and judged by the E-model (ITU-T G.107, simplified).

export class RxStats {
  ssrc = 0;
  started = false;
  jitterTicks = 0;
  received = 0;
  duplicates = 0;
  reordered = 0;
  rttMs = 0;
  /** Middle 32 bits of the NTP time of the last sender report, and when it came; for our own reports. */
  lastReport = 0;
  lastReportMs = 0;
  remoteLossPct = 0;
  #base = 0;
  #cycles = 0;
  #highest = 0;
  #transit = 0;
  #seen = 0;
  #lostBefore = 0;
  #receivedBefore = 0;
  #expectedPrior = 0;
  #receivedPrior = 0;

  /** @param atTicks arrival in 8 kHz ticks. @returns false for a duplicate. */
  update(ssrc: number, seq: number, ts: number, atTicks: number): boolean {
    if (!this.started || ssrc !== this.ssrc) {
      this.#reset(ssrc, seq, ts, atTicks);
      return true;
    }
    const step = ((seq - this.#highest) << 16) >> 16;
    if (step > 3000 || step < -100) {
      this.#reset(ssrc, seq, ts, atTicks); // RFC 3550 A.1: MAX_DROPOUT, MAX_MISORDER
      return true;
    }
    if (step > 0) {
      if (seq < this.#highest) this.#cycles += 65_536;
      this.#highest = seq;
      this.#seen = step > 31 ? 1 : (this.#seen << step) | 1;
    } else {
      const bit = step > -32 ? 1 << -step : 0;
      if (this.#seen & bit) {
        this.duplicates++;
        return false;
      }
      this.#seen |= bit;
      this.reordered++;
    }
    this.received++;
    const transit = atTicks - ts;
    const change = Math.abs(transit - this.#transit);
    this.#transit = transit;
    if (change < 8000) this.jitterTicks += (change - this.jitterTicks) / 16; // jumps and wraps of the timestamp are no jitter
    return true;
  }

  /** Figures of a former process for the same leg. */
  carry(received: number, lost: number): void {
    this.#receivedBefore += received;
    this.#lostBefore += lost;
  }

  get expected(): number {
    return this.started ? this.#cycles + this.#highest - this.#base + 1 : 0;
  }

  get extendedHighest(): number {
    return (this.#cycles + this.#highest) >>> 0;
  }

  get totalReceived(): number {
    return this.received + this.#receivedBefore;
  }

  get totalLost(): number {
    return Math.max(0, this.expected - this.received) + this.#lostBefore;
  }

  get jitterMs(): number {
    return this.jitterTicks / 8;
  }

  /** Fraction lost since the last call, as a report block wants it (0-255). */
  fractionLost(): number {
    const expected = this.expected - this.#expectedPrior;
    const received = this.received - this.#receivedPrior;
    this.#expectedPrior = this.expected;
    this.#receivedPrior = this.received;
    return expected > 0 && expected > received ? Math.floor(((expected - received) * 256) / expected) : 0;
  }

  get lossPct(): number {
    const all = this.totalReceived + this.totalLost;
    return all ? (100 * this.totalLost) / all : 0;
  }

  #reset(ssrc: number, seq: number, ts: number, atTicks: number): void {
    if (this.started) {
      this.#lostBefore += Math.max(0, this.expected - this.received);
      this.#receivedBefore += this.received;
    }
    this.ssrc = ssrc;
    this.#base = this.#highest = seq;
    this.#cycles = 0;
    this.#seen = 1;
    this.received = 1;
    this.#transit = atTicks - ts;
    this.#expectedPrior = this.#receivedPrior = 0;
    this.started = true;
  }
}

/** R and MOS of G.711 with loss concealment (Bpl 25.1), 20 ms packets and a jitter buffer of twice the jitter. */
export function emodel(lossPct: number, jitterMs: number, rttMs: number): { r: number; mos: number } {
  const delayMs = rttMs / 2 + 20 + Math.max(20, 2 * jitterMs);
  const delayImpairment = 0.024 * delayMs + (delayMs > 177.3 ? 0.11 * (delayMs - 177.3) : 0);
  const lossImpairment = (95 * lossPct) / (lossPct + 25.1);
  const r = Math.max(0, Math.min(100, 93.2 - delayImpairment - lossImpairment));
  return { r, mos: r <= 0 ? 1 : Math.max(1, 1 + 0.035 * r + r * (r - 60) * (100 - r) * 7e-6) };
}
