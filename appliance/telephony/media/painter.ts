// Paints the frames of one stream, in order, onto a time line that is handed out window by window.

import type { FrameList } from './frame-list.ts';
import { toLinear } from './g711.ts';
import type { Placement } from './placement.ts';
import type { RecordingReader } from './recording-reader.ts';

const CONCEAL_SAMPLES = 480; // losses up to 60 ms are bridged by the fading last frame
const FADE_SAMPLES = 40;
const SLACK = 2048; // a frame may reach into the next window
const READ_AT_ONCE = 4 << 20;

export class Painter {
  readonly #frames: FrameList;
  readonly #placement: Placement;
  readonly #samples: Int16Array;
  readonly #window: number;
  #painted = false;
  #next = 0;
  #start = 0;
  #end = 0;
  #last: Int16Array | undefined;

  constructor(frames: FrameList, placement: Placement, windowSamples: number) {
    this.#frames = frames;
    this.#placement = placement;
    this.#window = windowSamples;
    this.#samples = new Int16Array(windowSamples + SLACK);
  }

  /** The next window's samples; valid until the next call. */
  async paint(reader: RecordingReader): Promise<Int16Array> {
    if (this.#painted) {
      this.#start += this.#window;
      this.#samples.copyWithin(0, this.#window);
      this.#samples.fill(0, SLACK);
    }
    this.#painted = true;
    const { order, place } = this.#placement;
    const until = this.#start + this.#window;
    const from = this.#next;
    let to = from;
    while (to < order.length && place[to]! < until) to++;
    for await (const [i, payload] of this.#payloads(reader, from, to)) this.#frame(i, payload);
    this.#next = to;
    return this.#samples.subarray(0, this.#window);
  }

  async *#payloads(reader: RecordingReader, from: number, to: number): AsyncGenerator<[number, Buffer]> {
    const { order } = this.#placement;
    const frames = this.#frames;
    let low = Number.POSITIVE_INFINITY;
    let high = 0;
    for (let k = from; k < to; k++) {
      low = Math.min(low, frames.offset(order[k]!));
      high = Math.max(high, frames.offset(order[k]!) + frames.ticks(order[k]!));
    }
    const together = high - low <= READ_AT_ONCE && to > from ? await reader.read(low, high - low) : undefined;
    for (let k = from; k < to; k++) {
      const i = order[k]!;
      const at = frames.offset(i);
      const length = frames.ticks(i);
      yield [k, together ? together.subarray(at - low, at - low + length) : await reader.read(at, length)];
    }
  }

  #frame(k: number, payload: Buffer): void {
    const decode = toLinear(this.#frames.codec(this.#placement.order[k]!));
    const pcm = Int16Array.from(payload, (byte) => decode[byte]!);
    let at = Math.max(0, this.#placement.place[k]!);
    if (this.#last && at > this.#end && at - this.#end <= CONCEAL_SAMPLES) this.#conceal(at);
    let skip = 0;
    if (at < this.#end) {
      // moved for drift: cross-fade into what is there
      skip = Math.min(this.#end - at, pcm.length);
      this.#crossFade(pcm, skip);
      at = this.#end;
    }
    for (let i = skip; i < pcm.length; i++) this.#put(at + i - skip, pcm[i]!);
    this.#end = Math.max(this.#end, at + pcm.length - skip);
    this.#last = pcm;
  }

  #conceal(until: number): void {
    const last = this.#last!;
    for (let i = this.#end, k = 0; i < until; i++, k++) {
      this.#put(i, Math.trunc(last[k % last.length]! * (1 - k / CONCEAL_SAMPLES)));
    }
  }

  #crossFade(pcm: Int16Array, skip: number): void {
    const n = Math.min(FADE_SAMPLES, skip);
    for (let k = 0; k < n; k++) {
      const at = this.#end - n + k;
      const index = at - this.#start;
      if (index < 0 || index >= this.#samples.length) continue;
      this.#samples[index] = (this.#samples[index]! * (n - k) + pcm[skip - n + k]! * k) / n;
    }
  }

  #put(at: number, sample: number): void {
    const index = at - this.#start;
    if (index >= 0 && index < this.#samples.length) this.#samples[index] = sample;
  }
}
