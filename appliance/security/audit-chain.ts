import { createHash } from 'node:crypto';
import { canonicalJson } from './canonical-json.ts';

/** One link as stored. `at` has milliseconds, no more. */
export interface AuditLink {
  seq: number;
  at: Date;
  actorId: string | null;
  actor: string | null;
  address: string | null;
  action: string;
  entity: string;
  entityId: string | null;
  details: Record<string, unknown>;
  prevHash: Buffer;
  hash: Buffer;
}

/** What the first entry points to. */
export const GENESIS: Buffer = createHash('sha256').update('strongroom audit chain 1').digest();

export function hashOf(link: Omit<AuditLink, 'hash'>): Buffer {
  const { seq, at, actorId, actor, address, action, entity, entityId, details, prevHash } = link;
  const text = canonicalJson({
    seq,
    at: at.toISOString(),
    actorId,
    actor,
    address,
    action,
    entity,
    entityId,
    details,
    prevHash: prevHash.toString('hex'),
  });
  return createHash('sha256').update(text).digest();
}

export type Break = { seq: number; why: 'missing' | 'not-linked' | 'changed' };

/** Checks links in order, a page at a time; returns the first break. */
export function chainChecker(): (link: AuditLink) => Break | undefined {
  let previous: { seq: number; hash: Buffer } = { seq: 0, hash: GENESIS };
  return (link) => {
    if (link.seq !== previous.seq + 1) return { seq: previous.seq + 1, why: 'missing' };
    if (!link.prevHash.equals(previous.hash)) return { seq: link.seq, why: 'not-linked' };
    if (!hashOf(link).equals(link.hash)) return { seq: link.seq, why: 'changed' };
    previous = { seq: link.seq, hash: link.hash };
    return undefined;
  };
}
