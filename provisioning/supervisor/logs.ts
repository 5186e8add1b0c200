import { copyFileSync, existsSync, readdirSync, renameSync, statSync, truncateSync } from 'node:fs';
import { join } from 'node:path';

const LIMIT_BYTES = 32 * 1024 ** 2;
const KEPT = 5;

/** Keeps each log below 32 MB and five older ones. Writers hold the file open for appending, so it is copied and emptied. */
export function rotateLogs(dir: string): void {
  for (const name of readdirSync(dir).filter((file) => file.endsWith('.log'))) {
    const file = join(dir, name);
    if (statSync(file).size < LIMIT_BYTES) continue;
    for (let number = KEPT - 1; number >= 1; number--) {
      if (existsSync(`${file}.${number}`)) renameSync(`${file}.${number}`, `${file}.${number + 1}`);
    }
    copyFileSync(file, `${file}.1`);
    truncateSync(file);
  }
}
