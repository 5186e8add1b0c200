/** How loud a stream is, 0 to 1, about 12 times a second while somebody looks. */
export class Level {
  #value = $state(0);
  #context: AudioContext | undefined;
  #timer: ReturnType<typeof setInterval> | undefined;

  get value(): number {
    return this.#value;
  }

  listen(stream: MediaStream): void {
    this.stop();
    const context = new AudioContext();
    const analyser = context.createAnalyser();
    analyser.fftSize = 512;
    context.createMediaStreamSource(stream).connect(analyser);
    const samples = new Float32Array(analyser.fftSize);
    this.#context = context;
    this.#timer = setInterval(() => {
      analyser.getFloatTimeDomainData(samples);
      this.#value = loudness(samples);
    }, 80);
  }

  stop(): void {
    clearInterval(this.#timer);
    void this.#context?.close();
    this.#context = undefined;
    this.#value = 0;
  }
}

/** −60 dBFS is nothing, −6 dBFS is full: speech then fills the middle of the meter. */
function loudness(samples: Float32Array): number {
  let sum = 0;
  for (const sample of samples) sum += sample * sample;
  const dB = 10 * Math.log10(sum / samples.length + 1e-10);
  return Math.min(1, Math.max(0, (dB + 60) / 54));
}
