// Prompts: headerless A-law, 8 kHz, one file `<name>.al` each. Loaded when first wanted, kept while there is room.
import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { monoMs } from './mono.ts';

export interface Prompt {
  readonly name: string;
  /** A-law, whole frames of 160 bytes. */
  readonly audio: Buffer;
}

const FRAME_BYTES = 160;
const MAX_FILE_BYTES = 64 << 20; // over two hours
const NAME = /^[A-Za-z0-9._-]{1,128}$/;

/** A prompt that was looked at so recently is played as it is: each look is a trip to another thread. */
const FRESH_MS = 1000;

interface Kept extends Prompt {
  mtimeMs: number;
  size: number;
  seenMs: number;
}

export class Prompts {
  readonly #dir: string;
  readonly #maxBytes: number;
  readonly #kept = new Map<string, Kept>(); // oldest use first
  #bytes = 0;

  constructor(dir: string, maxBytes = 128 << 20) {
    this.#dir = dir;
    this.#maxBytes = maxBytes;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** @throws {Error} when there is no such prompt, or it cannot be played. */
  async load(name: string): Promise<Prompt> {
    if (!NAME.test(name) || /^\.+$/.test(name)) throw new Error(`bad prompt name '${name.slice(0, 128)}'`);
    const known = this.#kept.get(name);
    if (known && monoMs() - known.seenMs < FRESH_MS) return known;
    const file = join(this.#dir, `${name}.al`);
    const found = await stat(file).catch(() => undefined);
    if (!found?.isFile()) throw new Error(`no prompt '${name}'`);
    const kept = this.#kept.get(name);
    if (kept && kept.mtimeMs === found.mtimeMs && kept.size === found.size) {
      kept.seenMs = monoMs();
      this.#kept.delete(name);
      this.#kept.set(name, kept);
      return kept;
    }
    if (found.size === 0) throw new Error(`prompt '${name}' is empty`);
    if (found.size > MAX_FILE_BYTES) throw new Error(`prompt '${name}' is longer than two hours`);
    const audio = wholeFrames(await readFile(file));
    this.#keep({ name, audio, mtimeMs: found.mtimeMs, size: found.size, seenMs: monoMs() });
    return { name, audio };
  }

  #keep(prompt: Kept): void {
    this.#drop(prompt.name);
    this.#kept.set(prompt.name, prompt);
    this.#bytes += prompt.audio.length;
    for (const name of this.#kept.keys()) {
      if (this.#bytes <= this.#maxBytes || name === prompt.name) break;
      this.#drop(name); // players that still use it hold their own reference
    }
  }

  #drop(name: string): void {
    const old = this.#kept.get(name);
    if (!old) return;
    this.#kept.delete(name);
    this.#bytes -= old.audio.length;
  }
}

function wholeFrames(raw: Buffer): Buffer {
  const missing = (FRAME_BYTES - (raw.length % FRAME_BYTES)) % FRAME_BYTES;
  return missing ? Buffer.concat([raw, Buffer.alloc(missing, 0xd5)]) : raw;
}
