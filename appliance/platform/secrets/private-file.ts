import { randomBytes } from 'node:crypto';
import {
  chmodSync,
  closeSync,
  existsSync,
  fsyncSync,
  linkSync,
  mkdirSync,
  openSync,
  readFileSync,
  rmSync,
  statSync,
  writeSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';

/** Reads a private file, making it first when it is not there. Of several processes that make it at once, all get the same content. */
export function readOrMake(file: string, make: () => Buffer): Buffer {
  if (!existsSync(file)) {
    mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
    const making = join(dirname(file), `.${basename(file)}.${randomBytes(6).toString('hex')}`);
    const fd = openSync(making, 'wx', 0o600);
    writeSync(fd, make());
    fsyncSync(fd);
    closeSync(fd);
    try {
      linkSync(making, file);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    } finally {
      rmSync(making, { force: true });
    }
  }
  if ((statSync(file).mode & 0o077) !== 0) chmodSync(file, 0o600);
  return readFileSync(file);
}
