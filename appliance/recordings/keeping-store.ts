import type { Knex } from 'knex';
import type { Database } from '#appliance/platform/postgres/index.ts';

interface Gone {
  id: string;
  interactionId: string;
}

/** SQL of keeping and deleting. Each change asks for the state it needs: two at once cannot both have it. */
export function keepingStore(db: Database | Knex.Transaction) {
  const one = async (sql: string, values: unknown[]): Promise<Gone | undefined> =>
    (await db.raw(`${sql} returning id, interaction_id as "interactionId"`, values as never)).rows[0];

  return {
    async stateOf(id: string): Promise<{ state: string; held: boolean } | undefined> {
      const { rows } = await db.raw('select state, hold_at is not null as held from recording where id = ?', [id]);
      return rows[0];
    },

    async remove(
      id: string,
      { at, by, reason }: { at: Date; by: string | null; reason: string | null },
    ): Promise<Gone | undefined> {
      const gone = await one(
        `update recording set state = 'deleted', deleted_at = ?, deleted_by = ?, deleted_reason = ?, peaks = null, peaks_per_side = null,
           updated_at = now() where id = ? and state in ('ready', 'failed') and hold_at is null`,
        [at, by, reason, id],
      );
      if (gone) await db('recording_note').where({ recording_id: id }).delete();
      return gone;
    },

    hold: (id: string, { at, by, reason }: { at: Date; by: string; reason: string }): Promise<Gone | undefined> =>
      one(
        `update recording set hold_at = coalesce(hold_at, ?), hold_by = ?, hold_reason = ?, updated_at = now()
         where id = ? and state <> 'deleted'`,
        [at, by, reason, id],
      ),

    release: (id: string): Promise<Gone | undefined> =>
      one(
        `update recording set hold_at = null, hold_by = null, hold_reason = null, updated_at = now() where id = ? and hold_at is not null`,
        [id],
      ),

    /** Older than the rule they were made by lets them be. */
    async due(
      now: Date,
      limit: number,
    ): Promise<{ id: string; ruleId: string; ruleName: string; retentionDays: number }[]> {
      const { rows } = await db.raw(
        `select r.id, u.id as "ruleId", u.name as "ruleName", u.retention_days as "retentionDays"
         from recording_rule u join recording r on r.rule_id = u.id
         where u.retention_days is not null and r.state in ('ready', 'failed') and r.hold_at is null
           and r.started_at < ?::timestamptz - u.retention_days * interval '1 day'
         order by r.started_at limit ?`,
        [now, limit],
      );
      return rows;
    },

    /** `shared`: another recording has the very same sound. */
    async fileToRemove(
      id: string,
    ): Promise<{ hash: string; size: number; keyId: string; shared: boolean } | undefined> {
      const { rows } = await db.raw(
        `select r.file_hash as hash, r.file_size::float8 as size, r.file_key_id as "keyId", exists (
           select 1 from recording o where o.file_hash = r.file_hash and o.file_key_id = r.file_key_id and o.id <> r.id and o.state <> 'deleted'
         ) as shared
         from recording r where r.id = ? and r.state = 'deleted' and r.file_hash is not null`,
        [id],
      );
      return rows[0];
    },

    async fileRemoved(id: string): Promise<void> {
      await db('recording').where({ id, state: 'deleted' }).update({ file_hash: null, file_key_id: null });
    },

    async leftovers(): Promise<string[]> {
      const rows = await db('recording').where({ state: 'deleted' }).whereNotNull('file_hash').limit(1000).select('id');
      return rows.map(({ id }) => id);
    },

    /** What people are told about the keeping of these. */
    async of(ids: string[]): Promise<Map<string, Kept>> {
      const { rows } = await db.raw(
        `select r.id, r.hold_at as "holdAt", r.hold_reason as "holdReason", h.display_name as "holdBy",
           r.deleted_at as "deletedAt", r.deleted_reason as "deletedReason", d.display_name as "deletedBy",
           r.started_at + u.retention_days * interval '1 day' as "keptUntil"
         from recording r left join recording_rule u on u.id = r.rule_id left join app_user h on h.id = r.hold_by
           left join app_user d on d.id = r.deleted_by
         where r.id = any(?)`,
        [ids],
      );
      return new Map(rows.map(({ id, ...kept }: Kept & { id: string }) => [id, kept]));
    },
  };
}

export interface Kept {
  holdAt: Date | null;
  holdReason: string | null;
  holdBy: string | null;
  deletedAt: Date | null;
  deletedReason: string | null;
  deletedBy: string | null;
  /** By its rule; null: until somebody deletes it. */
  keptUntil: Date | null;
}
