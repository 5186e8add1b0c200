import { copyFileSync, existsSync, readdirSync, readFileSync, renameSync, statSync, truncateSync } from 'node:fs';
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

/** The last complaint in a role's log, and where the rest stands. */
export function lastWords(file: string): string {
  const lines = existsSync(file) ? readFileSync(file, 'utf8').trim().split('\n').slice(-50).reverse() : [];
  for (const line of lines) {
    try {
      const entry = JSON.parse(line) as { level?: string; msg?: string; err?: { message?: string } };
      if (!['warn', 'error', 'fatal'].includes(entry.level ?? '')) continue;
      return `${[entry.msg, entry.err?.message].filter(Boolean).join(': ').slice(0, 300)} (${file})`;
    } catch {
      // not a line of ours: what Node prints when it cannot even begin
      if (/^\w*Error\b/.test(line)) return `${line.slice(0, 300)} (${file})`;
    }
  }
  return `see ${file}`;
}
