import type { Knex } from 'knex';
import type { Database } from '#appliance/platform/postgres/index.ts';
import { type AuditLink, GENESIS, hashOf } from './audit-chain.ts';

/** One writer at a time: sequence and hash of a link depend on the one before. */
const LOCK = 7002;

export type NewLink = Omit<AuditLink, 'seq' | 'prevHash' | 'hash'>;

interface AuditFilter {
  q?: string | undefined;
  actor?: string | undefined;
  action?: string | undefined;
  entity?: string | undefined;
  entityId?: string | undefined;
  from?: Date | undefined;
  to?: Date | undefined;
  before?: number | undefined;
  limit: number;
}

interface Row {
  seq: string;
  at: Date;
  actor_id: string | null;
  actor: string | null;
  address: string | null;
  action: string;
  entity: string;
  entity_id: string | null;
  details: Record<string, unknown>;
  prev_hash: Buffer;
  hash: Buffer;
}

/** Appends inside the transaction; the chain's lock is held until it ends. Returns the new head. */
export async function appendLinks(trx: Knex.Transaction, entries: readonly NewLink[]): Promise<AuditLink | undefined> {
  await trx.raw('select pg_advisory_xact_lock(?)', [LOCK]);
  const last = await trx<Row>('audit_entry').orderBy('seq', 'desc').first('seq', 'hash');
  let head = { seq: Number(last?.seq ?? 0), hash: last?.hash ?? GENESIS };
  const links = entries.map((entry) => {
    const unsealed = { ...entry, seq: head.seq + 1, prevHash: head.hash };
    const link: AuditLink = { ...unsealed, hash: hashOf(unsealed) };
    head = link;
    return link;
  });
  if (links.length === 0) return undefined;
  await trx('audit_entry').insert(
    links.map((link) => ({
      seq: link.seq,
      at: link.at,
      actor_id: link.actorId,
      actor: link.actor,
      address: link.address,
      action: link.action,
      entity: link.entity,
      entity_id: link.entityId,
      details: JSON.stringify(link.details),
      prev_hash: link.prevHash,
      hash: link.hash,
    })),
  );
  return links.at(-1);
}

/** Links in order from `after`, exclusive. */
export async function linksAfter(db: Database, after: number, limit: number): Promise<AuditLink[]> {
  const rows = await db<Row>('audit_entry').where('seq', '>', after).orderBy('seq').limit(limit);
  return rows.map(linkOf);
}

/** Newest first. */
export async function searchLinks(db: Database, filter: AuditFilter): Promise<AuditLink[]> {
  const query = db<Row>('audit_entry').orderBy('seq', 'desc').limit(filter.limit);
  if (filter.before !== undefined) query.where('seq', '<', filter.before);
  if (filter.actor) query.where('actor', filter.actor);
  if (filter.action) query.where('action', filter.action);
  if (filter.entity) query.where('entity', filter.entity);
  if (filter.entityId) query.where('entity_id', filter.entityId);
  if (filter.from) query.where('at', '>=', filter.from);
  if (filter.to) query.where('at', '<', filter.to);
  if (filter.q) {
    const pattern = `%${filter.q.replace(/[\\%_]/g, '\\$&')}%`;
    query.where((any) => {
      for (const column of ['actor', 'action', 'entity', 'entity_id', 'address']) any.orWhere(column, 'ilike', pattern);
      any.orWhereRaw('details::text ilike ?', [pattern]);
    });
  }
  return (await query).map(linkOf);
}

function linkOf(row: Row): AuditLink {
  return {
    seq: Number(row.seq),
    at: row.at,
    actorId: row.actor_id,
    actor: row.actor,
    address: row.address,
    action: row.action,
    entity: row.entity,
    entityId: row.entity_id,
    details: row.details,
    prevHash: row.prev_hash,
    hash: row.hash,
  };
}
