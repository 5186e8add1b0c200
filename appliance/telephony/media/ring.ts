// Byte ring in a SharedArrayBuffer, one writer (an RTP worker) and one reader (the recorder). The worker never waits for the
// disk: a stalled disk fills the ring, then recording frames are dropped and counted, never audio.

const HEAD = 0;
const TAIL = 1;
const DROPPED = 2;
const CONTROL_BYTES = 64;

export class Ring {
  readonly bytes: Buffer;
  readonly #control: Int32Array;
  readonly #size: number;

  constructor(shared: SharedArrayBuffer) {
    this.#control = new Int32Array(shared, 0, 4);
    this.#size = shared.byteLength - CONTROL_BYTES;
    this.bytes = Buffer.from(shared, CONTROL_BYTES, this.#size);
  }

  static allocate(bytes: number): SharedArrayBuffer {
    return new SharedArrayBuffer(bytes + CONTROL_BYTES);
  }

  get dropped(): number {
    return Atomics.load(this.#control, DROPPED);
  }

  /** Room for a contiguous record of `length` bytes (a multiple of 4): write it at the offset returned, then commit. -1 when full. */
  reserve(length: number): number {
    const total = length + 4;
    const head = this.#control[HEAD]!;
    const tail = Atomics.load(this.#control, TAIL);
    if (head + total + 4 > this.#size) {
      // No room before the end: a zero length tells the reader to go on at the start.
      if (tail > head || total + 8 >= tail) return this.#drop();
      this.bytes.writeUInt32LE(0, head);
      this.bytes.writeUInt32LE(total, 0);
      return 4;
    }
    const free = head >= tail ? this.#size : tail - head;
    if (free <= total + 8) return this.#drop();
    this.bytes.writeUInt32LE(total, head);
    return head + 4;
  }

  commit(offset: number, length: number): void {
    Atomics.store(this.#control, HEAD, offset + length);
  }

  /** Hands over every record available. */
  drain(take: (offset: number, length: number) => void): void {
    let tail = this.#control[TAIL]!;
    const head = Atomics.load(this.#control, HEAD);
    while (tail !== head) {
      const total = this.bytes.readUInt32LE(tail);
      if (total === 0) {
        tail = 0;
        continue;
      }
      take(tail + 4, total - 4);
      tail += total;
    }
    Atomics.store(this.#control, TAIL, tail);
  }

  #drop(): number {
    Atomics.add(this.#control, DROPPED, 1);
    return -1;
  }
}
