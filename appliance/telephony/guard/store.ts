import { uuidv7 } from '#appliance/kernel/ids.ts';
import type { Database } from '#appliance/platform/postgres/index.ts';

export interface Ban {
  id: string;
  /** An address, or a network of IPv6. */
  source: string;
  reason: 'flood' | 'unknown-user' | 'wrong-password' | 'scanner' | 'manual';
  /** What was seen last, for a person. */
  detail: string;
  /** How many times this source was banned, this time included. */
  count: number;
  since: Date;
  /** Null: until somebody takes it back. */
  until: Date | null;
}

export interface BanStore {
  /** A source banned again keeps its row; its count goes up. */
  save(ban: Omit<Ban, 'id' | 'count'>): Promise<Ban>;
  extend(id: string, until: Date): Promise<Ban>;
  /** Bans in force. */
  load(now: Date): Promise<Ban[]>;
  get(id: string): Promise<Ban | undefined>;
  lift(id: string, now: Date): Promise<Ban | undefined>;
  /** Rows whose ban is long over: the source begins anew. */
  sweep(before: Date): Promise<void>;
}

export function createBanStore(db: Database): BanStore {
  const columns = ['id', 'source', 'reason', 'detail', 'count', 'since', 'until'];
  return {
    async save({ source, reason, detail, since, until }) {
      const { rows } = await db.raw<{ rows: Ban[] }>(
        `insert into sip_ban as b (id, source, reason, detail, since, until)
         values (:id, :source, :reason, :detail, :since, :until)
         on conflict (source) do update set reason = excluded.reason, detail = excluded.detail, since = excluded.since,
           until = excluded.until, count = b.count + 1
         returning id, source, reason, detail, count, since, until`,
        { id: uuidv7(), source, reason, detail: detail.slice(0, 300), since, until },
      );
      return rows[0]!;
    },
    async extend(id, until) {
      const [row] = await db('sip_ban').where({ id }).update({ until }, columns);
      return row;
    },
    load: (now) =>
      db('sip_ban')
        .select(columns)
        .where((q) => void q.whereNull('until').orWhere('until', '>', now))
        .orderBy('since', 'desc')
        .limit(10_000),
    get: (id) => db('sip_ban').select(columns).where({ id }).first(),
    async lift(id, now) {
      const [row] = await db('sip_ban').where({ id }).update({ until: now }, columns);
      return row;
    },
    async sweep(before) {
      await db('sip_ban').where('until', '<', before).delete();
    },
  };
}
