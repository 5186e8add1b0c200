import type { Knex } from 'knex';
import type { AuditInput } from '#appliance/contract/identity.ts';
import type { Clock } from '#appliance/kernel/clock.ts';
import { AppError } from '#appliance/kernel/errors.ts';
import type { Log } from '#appliance/platform/log/index.ts';
import type { Database } from '#appliance/platform/postgres/index.ts';
import { type AuditLink, type Break, chainChecker, hashOf } from './audit-chain.ts';
import type { HeadKeeper } from './audit-head.ts';
import { appendLinks, linksAfter, type NewLink, searchLinks } from './audit-store.ts';
import { storable, storableText } from './canonical-json.ts';

const MAX_QUEUED = 10_000;
const MAX_PER_FLUSH = 500;
const VERIFY_PAGE = 2000;

export type Audit = ReturnType<typeof createAudit>;

interface Deps {
  db: Database;
  clock: Clock;
  log: Log;
  /** Where this box remembers the newest link it wrote, so that a cut-off end is noticed. */
  head?: HeadKeeper;
}

/** The chain's writer. Entries handed in while a write is running go together into the next one. */
export function createAudit({ db, clock, log, head }: Deps) {
  let queue: { link: NewLink; done: () => void; failed: (error: unknown) => void }[] = [];
  let flushing: Promise<void> | undefined;

  /** Resolves after commit; inside a transaction of the caller, after the insertion in it. */
  async function record(input: AuditInput, trx?: Knex.Transaction): Promise<void> {
    const link = linkOf(input, clock.now());
    if (trx) {
      const newest = await appendLinks(trx, [link]);
      // A transaction that is rolled back afterwards must not leave its head behind: only committed ones count.
      trx.executionPromise?.then(
        () => newest && head?.keep(newest),
        () => {},
      );
      return;
    }
    if (queue.length >= MAX_QUEUED)
      throw new AppError('unavailable', 'audit-behind', 'The audit chain is behind; try again');
    await new Promise<void>((done, failed) => {
      queue.push({ link, done, failed });
      flushing ??= flush().finally(() => {
        flushing = undefined;
      });
    });
  }

  async function flush(): Promise<void> {
    while (queue.length > 0) {
      const batch = queue.slice(0, MAX_PER_FLUSH);
      queue = queue.slice(MAX_PER_FLUSH);
      try {
        const newest = await db.transaction((trx) =>
          appendLinks(
            trx,
            batch.map(({ link }) => link),
          ),
        );
        if (newest) head?.keep(newest);
        for (const { done } of batch) done();
      } catch (error) {
        log.error({ err: error, entries: batch.length }, 'audit entries could not be written');
        for (const { failed } of batch) failed(error);
      }
    }
  }

  async function search(filter: Parameters<typeof searchLinks>[1]): Promise<AuditLink[]> {
    return searchLinks(db, filter);
  }

  /** Waits for what was handed in. */
  async function close(): Promise<void> {
    await flushing;
    await head?.flush();
  }

  return { record, search, verify: () => verifyAudit(db, { ...(head && { head }) }), close };
}

export type AuditReport =
  | { ok: true; entries: number; head: { seq: number; hash: string } | null }
  | {
      ok: false;
      entries: number;
      broken: { seq: number; why: Break['why'] | 'cut-off' | 'head-forged'; sentence: string };
    };

/** Walks the whole chain. For `GET /audit/verify` and for `strongroom audit verify`. */
export async function verifyAudit(db: Database, { head }: { head?: HeadKeeper } = {}): Promise<AuditReport> {
  // Read first: what is written while we walk may only be newer.
  const remembered = await head?.read();
  const check = chainChecker();
  let last: AuditLink | undefined;
  let entries = 0;
  let seen = remembered === undefined || remembered === 'forged';
  for (;;) {
    const page = await linksAfter(db, last?.seq ?? 0, VERIFY_PAGE);
    for (const link of page) {
      const broken = check(link);
      if (broken) return { ok: false, entries, broken: { ...broken, sentence: SENTENCES[broken.why](broken.seq) } };
      if (typeof remembered === 'object' && link.seq === remembered.seq)
        seen = hashOf(link).toString('hex') === remembered.hash;
      entries++;
      last = link;
    }
    if (page.length < VERIFY_PAGE) break;
  }
  if (remembered === 'forged') {
    return {
      ok: false,
      entries,
      broken: {
        seq: last?.seq ?? 0,
        why: 'head-forged',
        sentence: 'The remembered end of the chain in the data folder does not bear the mark of this box.',
      },
    };
  }
  if (!seen && remembered) {
    const { seq } = remembered;
    return {
      ok: false,
      entries,
      broken: {
        seq,
        why: 'cut-off',
        sentence: `Entry ${seq}, which this box wrote, is gone or another: the end of the chain was cut off or rewritten.`,
      },
    };
  }
  return { ok: true, entries, head: last ? { seq: last.seq, hash: last.hash.toString('hex') } : null };
}

const SENTENCES: Record<Break['why'], (seq: number) => string> = {
  missing: (seq) => `Entry ${seq} is missing.`,
  'not-linked': (seq) => `Entry ${seq} does not continue the one before it.`,
  changed: (seq) => `Entry ${seq} was changed after it was written.`,
};

function linkOf({ actor, address, action, entity, entityId, details }: AuditInput, now: Date): NewLink {
  return {
    at: new Date(now.getTime()),
    actorId: actor?.userId ?? null,
    actor: actor ? storableText(actor.username, 200) : null,
    address: address === null ? null : storableText(address, 100),
    action: storableText(action, 100),
    entity: storableText(entity, 100),
    entityId: entityId === null ? null : storableText(entityId, 200),
    details: storable(details ?? {}) as Record<string, unknown>,
  };
}
