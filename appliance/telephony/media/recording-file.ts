// One open recording: gathers records into a block and writes the block whole or not at all. A disk that refuses is reported once,
// tried again with every flush, and what was lost meanwhile is noted in the file when it takes something again.
import { BLOCK_HEADER, markRecord, sealBlock } from './recfile.ts';

/** What is needed of a file, open for appending. */
export interface Disk {
  /** Number of bytes written, which may be fewer. @throws when nothing can be written. */
  write(block: Buffer, from: number): number;
  truncate(size: number): void;
}

const BUFFER_BYTES = 64 << 10;

export class RecordingFile {
  paused = false;
  frames = 0;
  lostFrames = 0;
  /** Written since the last sync. */
  dirty = true;
  readonly #disk: Disk;
  readonly #failed: (error: unknown) => void;
  readonly #buffer = Buffer.alloc(BLOCK_HEADER + BUFFER_BYTES);
  #used = BLOCK_HEADER;
  #size: number;
  #failing = false;
  #lastTick = 0;

  /** @param size length of the file that is known to be whole. */
  constructor(disk: Disk, size: number, failed: (error: unknown) => void) {
    this.#disk = disk;
    this.#size = size;
    this.#failed = failed;
  }

  /** A record with its header, copied from `source`. */
  frame(source: Buffer, offset: number, length: number): void {
    if (this.paused) return;
    if (this.#append(source, offset, length)) this.frames++;
    else this.lostFrames++; // the disk takes nothing: the newest is lost, and counted
  }

  mark(tick: number, what: unknown): void {
    const record = markRecord(tick, what);
    this.#append(record, 0, record.length);
  }

  pause(tick: number, paused: boolean): void {
    if (this.paused !== paused) this.mark(tick, { [paused ? 'pause' : 'resume']: new Date().toISOString() });
    this.paused = paused;
  }

  /** One block, one write. @returns false when the disk refused. */
  flush(tick: number): boolean {
    this.#lastTick = tick;
    if (this.#used === BLOCK_HEADER) return true;
    const block = sealBlock(this.#buffer, this.#used);
    try {
      let written = 0;
      while (written < block.length) written += this.#disk.write(block, written);
    } catch (error) {
      this.#refused(error);
      return false;
    }
    this.#size += block.length;
    this.#used = BLOCK_HEADER;
    this.dirty = true;
    if (this.#failing) {
      this.#failing = false;
      this.mark(tick, { gap: 'write-failed', lostFrames: this.lostFrames, until: new Date().toISOString() });
      this.lostFrames = 0;
    }
    return true;
  }

  #append(source: Buffer, offset: number, length: number): boolean {
    if (this.#used + length > this.#buffer.length) this.flush(this.#lastTick);
    if (this.#used + length > this.#buffer.length) return false;
    source.copy(this.#buffer, this.#used, offset, offset + length);
    this.#used += length;
    return true;
  }

  /** What was written of the block is cut off again, so that the file stays whole. */
  #refused(error: unknown): void {
    try {
      this.#disk.truncate(this.#size);
    } catch {
      // the reader skips a torn block
    }
    if (this.#failing) return;
    this.#failing = true;
    this.#failed(error);
  }
}
