// Copies what a leg receives into the ring towards the recorder, and does nothing else.
import { FRAME, RECORD_HEADER, writeRecordHeader } from './recfile.ts';
import type { Ring } from './ring.ts';

export class RecordingTap {
  /** 0 = not recorded. Numbers are given by the main thread; the recorder knows which file. */
  recording = 0;
  stream = 0;
  readonly #ring: Ring;

  constructor(ring: Ring) {
    this.#ring = ring;
  }

  frame(m: Buffer, offset: number, end: number, payloadType: number, seq: number, ts: number, nowMs: number): void {
    const length = end - offset;
    const total = (4 + RECORD_HEADER + length + 3) & ~3;
    const at = this.#ring.reserve(total);
    if (at < 0) return;
    const b = this.#ring.bytes;
    b.writeUInt32LE(this.recording, at);
    const tick = Math.floor(nowMs * 8) % 2 ** 32;
    writeRecordHeader(b, at + 4, FRAME, this.stream, payloadType, length, seq, ts, tick);
    m.copy(b, at + 4 + RECORD_HEADER, offset, end);
    this.#ring.commit(at, total);
  }
}
