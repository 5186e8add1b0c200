// The frames of one stream of a recording, in columns: some 25 bytes each, so that a call of hours fits.

export class FrameList {
  #seq = new Uint16Array(1024);
  #ts = new Uint32Array(1024);
  #at = new Int32Array(1024);
  #ticks = new Uint16Array(1024);
  #codec = new Uint8Array(1024);
  #active = new Uint8Array(1024);
  #offset = new Float64Array(1024);
  length = 0;

  push(seq: number, ts: number, at: number, ticks: number, codec: number, active: boolean, offset: number): void {
    if (this.length === this.#seq.length) this.#grow();
    const i = this.length++;
    this.#seq[i] = seq;
    this.#ts[i] = ts;
    this.#at[i] = at;
    this.#ticks[i] = ticks;
    this.#codec[i] = codec;
    this.#active[i] = active ? 1 : 0;
    this.#offset[i] = offset;
  }

  seq(i: number): number {
    return this.#seq[i]!;
  }

  ts(i: number): number {
    return this.#ts[i]!;
  }

  at(i: number): number {
    return this.#at[i]!;
  }

  ticks(i: number): number {
    return this.#ticks[i]!;
  }

  codec(i: number): number {
    return this.#codec[i]!;
  }

  active(i: number): boolean {
    return this.#active[i] === 1;
  }

  offset(i: number): number {
    return this.#offset[i]!;
  }

  #grow(): void {
    const size = this.#seq.length * 2;
    this.#seq = enlarged(this.#seq, new Uint16Array(size));
    this.#ts = enlarged(this.#ts, new Uint32Array(size));
    this.#at = enlarged(this.#at, new Int32Array(size));
    this.#ticks = enlarged(this.#ticks, new Uint16Array(size));
    this.#codec = enlarged(this.#codec, new Uint8Array(size));
    this.#active = enlarged(this.#active, new Uint8Array(size));
    this.#offset = enlarged(this.#offset, new Float64Array(size));
  }
}

function enlarged<T extends { set(from: T): void }>(from: T, to: T): T {
  to.set(from);
  return to;
}
