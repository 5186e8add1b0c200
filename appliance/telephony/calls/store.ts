// The rows by which another process goes on with our calls.
import type { Batch, Database } from '#appliance/platform/postgres/index.ts';
import type { Codec } from '../media/api.ts';
import type { SdpFacts } from '../sdp/index.ts';
import type { DialogFacts, InviteFacts } from '../sip/index.ts';
import type { LegState, Party } from './api.ts';

/** Plain JSON. */
export interface LegFacts {
  from: Party;
  to: Party;
  codec: Codec;
  telephoneEvent: number | null;
  /** Our address in the SDP, and the switch's port for this leg. */
  local: { address: string; port: number } | null;
  remote: { address: string; port: number } | null;
  sdp: SdpFacts | null;
  dialog: DialogFacts | null;
  /** Outgoing and not answered yet: what a CANCEL needs. */
  invite: InviteFacts | null;
  /** Passes the edge, and what the edge needs to go on. */
  edge: Record<string, unknown> | null;
  hold: string[] | null;
  muted: boolean;
  heldByParty: boolean;
  mix: { name: string; hear: string[] | null } | null;
}

export interface LegRow {
  id: string;
  instance: string;
  direction: 'in' | 'out';
  state: Exclude<LegState, 'ended'>;
  trunkId: string | null;
  phoneId: string | null;
  peerId: string | null;
  facts: LegFacts;
  tag: Record<string, unknown>;
  createdAt: Date;
  answeredAt: Date | null;
}

export interface LegStore {
  /** Resolves after commit. */
  save(row: LegRow): Promise<void>;
  remove(id: string): Promise<void>;
  load(instance: string): Promise<LegRow[]>;
}

const SAVE = `
  insert into call_leg (id, instance, direction, state, trunk_id, phone_id, peer_id, facts, tag, created_at, answered_at)
  select r.id, r.instance, r.direction, r.state, r."trunkId", r."phoneId", r."peerId", r.facts, r.tag, r."createdAt", r."answeredAt"
  from jsonb_to_recordset($1::jsonb) as r(id uuid, instance text, direction text, state text, "trunkId" uuid, "phoneId" uuid,
    "peerId" uuid, facts jsonb, tag jsonb, "createdAt" timestamptz, "answeredAt" timestamptz)
  on conflict (id) do update set state = excluded.state, peer_id = excluded.peer_id, facts = excluded.facts, tag = excluded.tag,
    answered_at = excluded.answered_at, updated_at = now()`;

const REMOVE = 'delete from call_leg using jsonb_to_recordset($1::jsonb) as r(id uuid) where call_leg.id = r.id';

export function createLegStore(db: Database, batch: Pick<Batch, 'statement'>): LegStore {
  const save = batch.statement<LegRow>('call-leg-save', 500, SAVE, {
    key: (row) => row.id,
    merge: (_, later) => later,
  });
  const remove = batch.statement<{ id: string }>('call-leg-remove', 510, REMOVE, { patient: true });
  return {
    save,
    remove: (id) => remove({ id }),
    load: (instance) =>
      db('call_leg').where({ instance }).orderBy('id').select({
        id: 'id',
        instance: 'instance',
        direction: 'direction',
        state: 'state',
        trunkId: 'trunk_id',
        phoneId: 'phone_id',
        peerId: 'peer_id',
        facts: 'facts',
        tag: 'tag',
        createdAt: 'created_at',
        answeredAt: 'answered_at',
      }),
  };
}
