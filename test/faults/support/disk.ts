import { spawnSync } from 'node:child_process';
import { closeSync, mkdirSync, openSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';

/** A small disk of its own at a folder, which can be filled to the last byte. Needs root and the right to mount. */
export class SmallDisk {
  readonly path: string;
  readonly #filler: string;

  private constructor(path: string) {
    this.path = path;
    this.#filler = join(path, 'filler');
  }

  /** Undefined where this machine does not allow it. */
  static make(path: string, megabytes: number): SmallDisk | undefined {
    if (process.getuid?.() !== 0) return undefined;
    mkdirSync(path, { recursive: true });
    const { status } = spawnSync('mount', ['-t', 'tmpfs', '-o', `size=${megabytes}m`, 'tmpfs', path]);
    return status === 0 ? new SmallDisk(path) : undefined;
  }

  fill(): void {
    const fd = openSync(this.#filler, 'w');
    try {
      for (let size = 1 << 20; size >= 1; size >>= 1) {
        const block = Buffer.alloc(size);
        try {
          for (;;) if (writeSync(fd, block) < size) break;
        } catch {
          // full for this size
        }
      }
    } finally {
      closeSync(fd);
    }
  }

  free(): void {
    rmSync(this.#filler, { force: true });
  }

  remove(): void {
    spawnSync('umount', ['-l', this.path]);
  }
}
