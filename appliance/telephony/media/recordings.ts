// Recordings as the main thread knows them: which file, which legs, paused or not.
import { realpathSync } from 'node:fs';
import { basename, dirname, isAbsolute, join, resolve, sep } from 'node:path';

export interface Recording {
  recording: string;
  number: number;
  file: string;
  meta: unknown;
  paused: boolean;
  /** Stream of every leg that is in it now. */
  legs: Map<string, number>;
}

const MAX_NUMBER = 0xff_ffff;

export class Recordings {
  readonly #dir: string;
  readonly #byName = new Map<string, Recording>();
  #lastNumber = 0;

  constructor(dir: string) {
    this.#dir = resolve(dir);
  }

  get all(): Recording[] {
    return [...this.#byName.values()];
  }

  get(name: string): Recording | undefined {
    return this.#byName.get(name);
  }

  need(name: string): Recording {
    const recording = this.#byName.get(name);
    if (!recording) throw new Error(`no recording ${name}`);
    return recording;
  }

  of(leg: string): Recording | undefined {
    for (const recording of this.#byName.values()) if (recording.legs.has(leg)) return recording;
    return undefined;
  }

  add(name: string, file: string, meta: unknown): Recording {
    const path = this.#inside(file);
    for (const other of this.#byName.values()) if (other.file === path) throw new Error(`${file} is being written`);
    this.#lastNumber = (this.#lastNumber % MAX_NUMBER) + 1;
    const recording = { recording: name, number: this.#lastNumber, file: path, meta, paused: false, legs: new Map() };
    this.#byName.set(name, recording);
    return recording;
  }

  /** Of a former process. */
  adopt(recording: Recording): void {
    this.#byName.set(recording.recording, recording);
    this.#lastNumber = Math.max(this.#lastNumber, recording.number);
  }

  remove(name: string): void {
    this.#byName.delete(name);
  }

  /** Files are written in the recording folder and nowhere else. */
  #inside(file: string): string {
    const path = isAbsolute(file) ? resolve(file) : resolve(this.#dir, file);
    const root = real(this.#dir);
    const folder = real(dirname(path));
    if (folder !== root && !folder.startsWith(root + sep))
      throw new Error(`${file} is outside of the recording folder`);
    return join(folder, basename(path));
  }
}

/** The path without symbolic links, as far as it exists. */
function real(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    const parent = dirname(path);
    return parent === path ? path : join(real(parent), basename(path));
  }
}
