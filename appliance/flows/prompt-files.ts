import { createHash, randomBytes } from 'node:crypto';
import { access, mkdir, open, readdir, readFile, rename, rm, stat, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import { AppError } from '#appliance/kernel/errors.ts';
import { decodeAlaw, encodeAlaw } from './audio.ts';

/** Sound files in the prompt folder, `<name>.al`, headerless A-law. Names follow from the content: a file never changes. */
export interface PromptFiles {
  /** Written, synced and in place when it resolves; the name to play it by. */
  keep(samples: Int16Array): Promise<string>;
  /** The file of a key (a text and its language), made by `make` when it is not there yet. */
  once(key: string, make: () => Promise<Int16Array>): Promise<string>;
  read(name: string): Promise<Int16Array>;
  has(name: string): Promise<boolean>;
  /** At once: a copy that was needed for one hearing. */
  remove(name: string): Promise<void>;
  /** Removes what nobody names any more and was not played for `olderThanMs`. */
  sweep(inUse: ReadonlySet<string>, olderThanMs: number): Promise<number>;
}

/** Spoken for one call or a few; kept for the next one with the same words. */
const SPOKEN = 't-';

export function promptFiles(dir: string): PromptFiles {
  const path = (name: string): string => join(dir, `${name}.al`);
  const making = new Map<string, Promise<string>>();

  async function write(name: string, samples: Int16Array): Promise<void> {
    await mkdir(dir, { recursive: true, mode: 0o750 });
    const part = join(dir, `.${randomBytes(8).toString('hex')}.part`);
    const file = await open(part, 'wx', 0o640);
    try {
      await file.writeFile(encodeAlaw(samples));
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(part, path(name));
  }

  async function exists(name: string): Promise<boolean> {
    return access(path(name)).then(
      () => true,
      () => false,
    );
  }

  return {
    async keep(samples) {
      const name = createHash('sha256').update(encodeAlaw(samples)).digest('hex');
      if (!(await exists(name))) await write(name, samples);
      return name;
    },
    once(key, make) {
      const name = SPOKEN + createHash('sha256').update(key).digest('hex');
      const running = making.get(name);
      if (running) return running;
      const made = (async () => {
        if (await exists(name)) await utimes(path(name), new Date(), new Date()).catch(() => {});
        else await write(name, await make());
        return name;
      })().finally(() => making.delete(name));
      making.set(name, made);
      return made;
    },
    async read(name) {
      if (!/^[a-z0-9-]{1,128}$/.test(name)) throw new AppError('invalid', 'bad-name', 'That is no sound file.');
      const bytes = await readFile(path(name)).catch(() => undefined);
      if (!bytes)
        throw new AppError(
          'not-found',
          'sound-missing',
          'The sound of this prompt is not on this box. Upload or speak it again.',
        );
      return decodeAlaw(bytes);
    },
    has: exists,
    async remove(name) {
      if (/^(t-)?[0-9a-f]{64}$/.test(name)) await rm(path(name), { force: true });
    },
    async sweep(inUse, olderThanMs) {
      let removed = 0;
      const before = Date.now() - olderThanMs;
      for (const entry of await readdir(dir).catch(() => [])) {
        if (!/^(t-)?[0-9a-f]{64}\.al$|^\.[0-9a-f]{16}\.part$/.test(entry) || inUse.has(entry.replace(/\.al$/, '')))
          continue;
        const { mtimeMs } = await stat(join(dir, entry)).catch(() => ({ mtimeMs: Number.POSITIVE_INFINITY }));
        if (mtimeMs >= before) continue;
        await rm(join(dir, entry), { force: true });
        removed++;
      }
      return removed;
    },
  };
}
