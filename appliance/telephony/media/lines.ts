// Cuts a byte stream into lines, bounded.

export class LineCutter {
  readonly #maxBytes: number;
  #rest: Buffer[] = [];
  #length = 0;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /** @returns the lines completed by this chunk, or undefined when a line is longer than allowed. */
  push(chunk: Buffer): string[] | undefined {
    const lines: string[] = [];
    let from = 0;
    for (;;) {
      const end = chunk.indexOf(10, from);
      if (end < 0) break;
      this.#rest.push(chunk.subarray(from, end));
      if (this.#length + end - from > this.#maxBytes) return undefined;
      lines.push(Buffer.concat(this.#rest).toString('utf8'));
      this.#rest = [];
      this.#length = 0;
      from = end + 1;
    }
    if (from < chunk.length) {
      this.#rest.push(chunk.subarray(from));
      this.#length += chunk.length - from;
    }
    return this.#length > this.#maxBytes ? undefined : lines;
  }
}
