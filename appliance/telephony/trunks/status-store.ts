import type { Batch, Database } from '#appliance/platform/postgres/index.ts';

export interface TrunkStatusRow {
  trunkId: string;
  instance: string;
  up: boolean;
  detail: string;
  roundTripMs: number | null;
  registeredUntil: Date | null;
  since: Date;
  checkedAt: Date;
}

/** What voice writes about its trunks. */
export function trunkStatusWriter(batch: Pick<Batch, 'statement'>): (row: TrunkStatusRow) => Promise<void> {
  return batch.statement<TrunkStatusRow>(
    'trunk-status',
    530,
    `insert into trunk_status (trunk_id, instance, up, detail, round_trip_ms, registered_until, since, checked_at)
     select r."trunkId", r.instance, r.up, r.detail, r."roundTripMs", r."registeredUntil", r.since, r."checkedAt"
     from jsonb_to_recordset($1::jsonb) as r("trunkId" uuid, instance text, up boolean, detail text, "roundTripMs" numeric,
       "registeredUntil" timestamptz, since timestamptz, "checkedAt" timestamptz)
     where exists (select 1 from trunk where trunk.id = r."trunkId")
     on conflict (trunk_id, instance) do update set up = excluded.up, detail = excluded.detail, round_trip_ms = excluded.round_trip_ms,
       registered_until = excluded.registered_until, since = excluded.since, checked_at = excluded.checked_at`,
    { key: (row) => `${row.trunkId} ${row.instance}` },
  );
}

/** What the API shows: one line per voice process, and the calls that run through the trunk now. */
export async function trunkStatusOf(
  db: Database,
  trunkId: string,
): Promise<{ instances: TrunkStatusRow[]; channels: number }> {
  const [instances, [counted]] = await Promise.all([
    db('trunk_status').where({ trunk_id: trunkId }).orderBy('instance').select({
      trunkId: 'trunk_id',
      instance: 'instance',
      up: 'up',
      detail: 'detail',
      roundTripMs: 'round_trip_ms',
      registeredUntil: 'registered_until',
      since: 'since',
      checkedAt: 'checked_at',
    }),
    db('call_leg').where({ trunk_id: trunkId }).count({ count: '*' }),
  ]);
  return { instances: instances as TrunkStatusRow[], channels: Number(counted?.count ?? 0) };
}
