// Cuts a byte stream into SIP messages: RFC 3261 §18.3, keep-alives of RFC 5626 §4.4.1.
import { MAX_HEAD_BYTES, MAX_MESSAGE_BYTES } from '../message/limits.ts';
import { contentLengthOf, headEnd } from '../message/parser.ts';
import { SipSyntaxError } from '../message/syntax-error.ts';

export type Frame = { kind: 'message'; data: Buffer } | { kind: 'ping' };

const CR = 13;
const LF = 10;

/** Feed it reads in any split; memory is bounded by one message and one read. */
export class StreamFraming {
  #chunks: Buffer[] = [];
  #length = 0;
  /** Total length of the message at the front once its head has been read. */
  #needed: number | undefined;
  #blank = 0;

  /** Bytes kept for a message that is not complete. */
  get pending(): number {
    return this.#length;
  }

  /** @throws {SipSyntaxError} when the stream cannot be followed any more: it must be closed. */
  push(chunk: Buffer): Frame[] {
    const frames: Frame[] = [];
    this.#chunks.push(chunk);
    this.#length += chunk.length;
    for (;;) {
      if (this.#needed === undefined) {
        if (this.#length === 0) break;
        const data = this.#joined();
        const start = this.#skipBlank(data, frames);
        if (start > 0) this.#drop(start);
        if (this.#length === 0) break;
        const rest = this.#joined();
        const end = headEnd(rest, 0);
        if (end < 0 ? rest.length > MAX_HEAD_BYTES : end > MAX_HEAD_BYTES)
          throw new SipSyntaxError('Header too large', 513);
        if (end < 0) break;
        // RFC 3261 §18.3: a stream has no other end of a body.
        const length = contentLengthOf(rest.toString('latin1', 0, end)) ?? 0;
        if (end + length > MAX_MESSAGE_BYTES) throw new SipSyntaxError('Message too large', 513);
        this.#needed = end + length;
      }
      if (this.#length < this.#needed) break;
      const data = this.#joined();
      frames.push({ kind: 'message', data: data.subarray(0, this.#needed) });
      this.#drop(this.#needed);
      this.#needed = undefined;
      this.#blank = 0;
    }
    return frames;
  }

  /** CRLF between messages; a double one is a ping that wants a CRLF back. */
  #skipBlank(data: Buffer, frames: Frame[]): number {
    let at = 0;
    while (at < data.length && (data[at] === CR || data[at] === LF)) {
      if (data[at] === LF && ++this.#blank === 2) {
        frames.push({ kind: 'ping' });
        this.#blank = 0;
      }
      at++;
    }
    if (at < data.length) this.#blank = 0;
    return at;
  }

  #joined(): Buffer {
    if (this.#chunks.length !== 1) this.#chunks = [Buffer.concat(this.#chunks)];
    return this.#chunks[0]!;
  }

  #drop(count: number): void {
    const rest = this.#joined().subarray(count);
    this.#chunks = rest.length > 0 ? [rest] : [];
    this.#length = rest.length;
  }
}
