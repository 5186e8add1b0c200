/** A soft two-tone ring made by the browser itself, on the output that the person chose for ringing. */
export class Ringer {
  #context: AudioContext | undefined;
  #timer: ReturnType<typeof setInterval> | undefined;

  start(sinkId: string): void {
    if (this.#context) return;
    const context = new AudioContext();
    this.#context = context;
    // Chromium and Firefox can choose the output of a context; where not, the default one rings.
    const routed = context as AudioContext & { setSinkId?: (id: string) => Promise<void> };
    void (sinkId && routed.setSinkId ? routed.setSinkId(sinkId).catch(() => undefined) : undefined);
    this.#ringOnce(context);
    this.#timer = setInterval(() => this.#ringOnce(context), 3_000);
  }

  stop(): void {
    clearInterval(this.#timer);
    void this.#context?.close();
    this.#context = undefined;
  }

  #ringOnce(context: AudioContext): void {
    for (const [delayS, hz] of [
      [0, 587],
      [0.18, 740],
      [0.55, 587],
      [0.73, 740],
    ] as const) {
      const at = context.currentTime + delayS;
      const tone = context.createOscillator();
      const gain = context.createGain();
      tone.frequency.value = hz;
      gain.gain.setValueAtTime(0, at);
      gain.gain.linearRampToValueAtTime(0.16, at + 0.02);
      gain.gain.exponentialRampToValueAtTime(0.001, at + 0.32);
      tone.connect(gain).connect(context.destination);
      tone.start(at);
      tone.stop(at + 0.34);
    }
  }
}
