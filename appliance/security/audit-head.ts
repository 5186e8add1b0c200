import { createHmac, timingSafeEqual } from 'node:crypto';
import { readFile, rename, writeFile } from 'node:fs/promises';
import { oneAtATime } from '#appliance/kernel/async.ts';
import type { AuditLink } from './audit-chain.ts';

/** Remembers the newest link that this box wrote, outside the database. */
export interface HeadKeeper {
  keep(link: Pick<AuditLink, 'seq' | 'hash'>): void;
  /** Undefined when none was kept yet; `forged` when the file does not bear our mark. */
  read(): Promise<{ seq: number; hash: string } | 'forged' | undefined>;
  flush(): Promise<void>;
}

/** A small file, marked with a key of the box: who cuts the end of the chain off cannot also write this. */
export function fileHead({
  file,
  key,
  onError,
}: {
  file: string;
  key: Buffer;
  onError?: (error: unknown) => void;
}): HeadKeeper {
  const inTurn = oneAtATime();
  let newest: { seq: number; hash: string } | undefined;
  let writing: Promise<void> | undefined;

  async function write(): Promise<void> {
    let written = 0;
    while (newest && newest.seq > written) {
      const { seq, hash } = newest;
      const text = JSON.stringify({ seq, hash, mark: mark(key, seq, hash) });
      await inTurn(async () => {
        await writeFile(`${file}.new`, text, { mode: 0o600 });
        await rename(`${file}.new`, file);
      });
      written = seq;
    }
  }

  return {
    keep(link) {
      if (newest && newest.seq >= link.seq) return;
      newest = { seq: link.seq, hash: link.hash.toString('hex') };
      writing ??= write()
        .catch((error) => onError?.(error))
        .finally(() => {
          writing = undefined;
        });
    },
    async read() {
      await writing;
      const text = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
        if (error.code === 'ENOENT') return undefined;
        throw error;
      });
      if (text === undefined) return undefined;
      try {
        const { seq, hash, mark: found } = JSON.parse(text) as Record<string, unknown>;
        if (typeof seq !== 'number' || typeof hash !== 'string' || typeof found !== 'string') return 'forged';
        const wanted = Buffer.from(mark(key, seq, hash));
        const given = Buffer.from(found);
        return wanted.length === given.length && timingSafeEqual(wanted, given) ? { seq, hash } : 'forged';
      } catch {
        return 'forged';
      }
    },
    async flush() {
      await writing;
    },
  };
}

function mark(key: Buffer, seq: number, hash: string): string {
  return createHmac('sha256', key).update(`audit head ${seq} ${hash}`).digest('hex');
}
