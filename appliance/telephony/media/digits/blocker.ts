// While digits are blocked a leg's audio waits some 45 ms, so that a tone found in it can still be taken out from its start.

interface Waiting {
  m: Buffer;
  offset: number;
  end: number;
  seq: number;
  ts: number;
  ssrc: number;
  /** Samples this packet covers, counted since blocking began. */
  from: number;
  to: number;
  muted: boolean;
}

export interface BlockerPorts {
  silence(): number;
  deliver(m: Buffer, offset: number, end: number, seq: number, ts: number, ssrc: number): void;
  /** A packet was left out. */
  skip(): void;
}

const DELAY_SAMPLES = 360; // a tone is found within three detector blocks of 102 samples from its start
const MAX_WAITING = 64;

export class DigitBlocker {
  readonly #ports: BlockerPorts;
  readonly #line: (Waiting | 'skip')[] = [];
  #position = 0;
  #muteUntil = 0;

  constructor(ports: BlockerPorts) {
    this.#ports = ports;
  }

  audio(m: Buffer, offset: number, end: number, seq: number, ts: number, ssrc: number): void {
    const from = this.#position;
    this.#position += end - offset;
    this.#line.push({ m, offset, end, seq, ts, ssrc, from, to: this.#position, muted: from < this.#muteUntil });
  }

  /** Sends on what has waited long enough; after the detector has heard the newest packet. */
  advance(): void {
    this.#emit(this.#position - DELAY_SAMPLES);
  }

  /** A packet that carries nothing new takes its place in the order, and leaves a hole to be closed. */
  nothing(): void {
    this.#line.push('skip');
    if (this.#line.length > MAX_WAITING) this.#emit(this.#position);
  }

  /** The `length` samples that end `back` samples before the newest one sound like a key. */
  mute(back: number, length: number): void {
    const to = this.#position - back;
    const from = to - length;
    this.#muteUntil = Math.max(this.#muteUntil, to);
    for (const waiting of this.#line) {
      if (waiting !== 'skip' && waiting.to > from && waiting.from < to) waiting.muted = true;
    }
  }

  /** End of blocking: what still waits goes out, silent where it sounded like a key. */
  release(): void {
    this.#emit(this.#position);
  }

  #emit(upTo: number): void {
    for (;;) {
      const next = this.#line[0];
      if (next === undefined || (next !== 'skip' && next.to > upTo)) return;
      this.#line.shift();
      if (next === 'skip') {
        this.#ports.skip();
        continue;
      }
      if (next.muted) next.m.fill(this.#ports.silence(), next.offset, next.end);
      this.#ports.deliver(next.m, next.offset, next.end, next.seq, next.ts, next.ssrc);
    }
  }
}
