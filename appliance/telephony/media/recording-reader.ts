// Reads *.rg7 in bounded memory, through everything that a crash can leave in it.
import { type FileHandle, open } from 'node:fs/promises';
import { crc32 } from 'node:zlib';
import {
  BLOCK_HEADER,
  BLOCK_MAGIC,
  FRAME,
  MARK,
  parseFileHeader,
  RECORD_HEADER,
  RECORD_MAGIC,
  type RecordingHeader,
} from './recfile.ts';

export interface RecordedFrame {
  kind: 'frame';
  stream: number;
  payloadType: number;
  seq: number;
  ts: number;
  /** Arrival, 8 kHz ticks since the start of the recording. */
  at: number;
  /** Where the payload lies in the file. */
  offset: number;
  /** Valid until the next record is taken. */
  payload: Buffer;
}

export interface RecordedMark {
  kind: 'mark';
  at: number;
  mark: Record<string, unknown>;
}

/** What was not whole. */
export interface Damage {
  badBlocks: number;
  tornBytes: number;
}

const MAX_BLOCK = 1 << 20;
const HEADER_BYTES = 65_544;
const SEARCH_BYTES = 1 << 16;
const MAGIC = Buffer.from('BLK1', 'latin1');

export class RecordingReader {
  readonly header: RecordingHeader;
  readonly damage: Damage = { badBlocks: 0, tornBytes: 0 };
  readonly #file: FileHandle;
  readonly #start: number;
  readonly #size: number;

  private constructor(file: FileHandle, header: RecordingHeader, start: number, size: number) {
    this.#file = file;
    this.header = header;
    this.#start = start;
    this.#size = size;
  }

  /** @throws {Error} when this is no recording. */
  static async open(path: string): Promise<RecordingReader> {
    const file = await open(path, 'r');
    try {
      const { size } = await file.stat();
      const start = Buffer.alloc(Math.min(size, HEADER_BYTES));
      await file.read(start, 0, start.length, 0);
      const parsed = parseFileHeader(start);
      if (!parsed) throw new Error(`${path} is no recording`);
      return new RecordingReader(file, parsed.header, parsed.end, size);
    } catch (error) {
      await file.close();
      throw error;
    }
  }

  async *records(): AsyncGenerator<RecordedFrame | RecordedMark> {
    let at = this.#start;
    while (at + BLOCK_HEADER <= this.#size) {
      const head = await this.read(at, BLOCK_HEADER);
      const length = head.readUInt32LE(4);
      if (head.readUInt32LE(0) !== BLOCK_MAGIC || length > MAX_BLOCK) {
        at = await this.#nextBlock(at + 1, at);
        continue;
      }
      const body = await this.read(at + BLOCK_HEADER, Math.min(length, this.#size - at - BLOCK_HEADER));
      const whole = body.length === length && crc32(body) === head.readUInt32LE(8);
      const following = whole ? -1 : body.indexOf(MAGIC); // after a torn block the next process went on
      const good = following < 0 ? body : body.subarray(0, following);
      let end = 0;
      for (const record of this.#parse(good, at + BLOCK_HEADER)) {
        end = record.end;
        yield record.record;
      }
      if (whole) at += BLOCK_HEADER + length;
      else {
        this.damage.badBlocks++;
        const stop = at + BLOCK_HEADER + end;
        at = await this.#nextBlock(stop, stop);
      }
    }
    if (at < this.#size) this.damage.tornBytes += this.#size - at;
  }

  async read(at: number, length: number): Promise<Buffer> {
    const b = Buffer.allocUnsafe(length);
    const { bytesRead } = await this.#file.read(b, 0, length, at);
    return b.subarray(0, bytesRead);
  }

  async close(): Promise<void> {
    await this.#file.close();
  }

  *#parse(body: Buffer, offset: number): Generator<{ record: RecordedFrame | RecordedMark; end: number }> {
    let at = 0;
    while (at + RECORD_HEADER <= body.length && body[at] === RECORD_MAGIC) {
      const length = body.readUInt16LE(at + 4);
      const end = at + RECORD_HEADER + length;
      if (end > body.length) return;
      const payload = body.subarray(at + RECORD_HEADER, end);
      const tick = (body.readUInt32LE(at + 12) - this.header.startTick) | 0;
      const type = body[at + 1];
      if (type === FRAME) {
        yield {
          record: {
            kind: 'frame',
            stream: body[at + 2]!,
            payloadType: body[at + 3]!,
            seq: body.readUInt16LE(at + 6),
            ts: body.readUInt32LE(at + 8),
            at: tick,
            offset: offset + at + RECORD_HEADER,
            payload,
          },
          end,
        };
      } else if (type === MARK) {
        const mark = parseMark(payload);
        if (mark) yield { record: { kind: 'mark', at: tick, mark }, end };
      }
      at = end;
    }
  }

  /** The next block at or after `from`; everything from `lostFrom` on up to there is counted as torn. */
  async #nextBlock(from: number, lostFrom: number): Promise<number> {
    for (let at = from; at < this.#size; at += SEARCH_BYTES - MAGIC.length) {
      const found = (await this.read(at, Math.min(SEARCH_BYTES, this.#size - at))).indexOf(MAGIC);
      if (found < 0) continue;
      this.damage.tornBytes += at + found - lostFrom;
      return at + found;
    }
    this.damage.tornBytes += this.#size - lostFrom;
    return this.#size;
  }
}

function parseMark(payload: Buffer): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(payload.toString('utf8'));
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}
