import type { Batch, Database } from '#appliance/platform/postgres/index.ts';
import type { TransportName } from '../sip/index.ts';

export interface RegistrationRow {
  id: string;
  phoneId: string;
  binding: string;
  contact: string;
  path: string[];
  transport: TransportName;
  address: string;
  port: number;
  localAddress: string;
  localPort: number;
  instance: string;
  callId: string;
  cseq: number;
  userAgent: string | null;
  registeredAt: Date;
  expiresAt: Date;
}

/** With what OPTIONS has shown, which is written apart from the registration. */
export interface StoredRegistration extends RegistrationRow {
  /** Null: it has never answered. */
  reachable: boolean | null;
  roundTripMs: number | null;
  reachSince: Date | null;
}

export interface RegistrationStore {
  save(row: RegistrationRow): Promise<void>;
  saveReach(row: Pick<StoredRegistration, 'id' | 'reachable' | 'roundTripMs' | 'reachSince'>): Promise<void>;
  remove(id: string): Promise<void>;
  /** Everything that has not expired. */
  load(now: Date): Promise<StoredRegistration[]>;
}

const SAVE = `
  insert into registration (id, phone_id, binding, contact, path, transport, address, port, local_address, local_port, instance,
    call_id, cseq, user_agent, registered_at, expires_at)
  select r.id, r."phoneId", r.binding, r.contact, r.path, r.transport, r.address, r.port, r."localAddress", r."localPort", r.instance,
    r."callId", r.cseq, r."userAgent", r."registeredAt", r."expiresAt"
  from jsonb_to_recordset($1::jsonb) as r(id uuid, "phoneId" uuid, binding text, contact text, path jsonb, transport text, address text,
    port integer, "localAddress" text, "localPort" integer, instance text, "callId" text, cseq bigint, "userAgent" text,
    "registeredAt" timestamptz, "expiresAt" timestamptz)
  where exists (select 1 from phone where phone.id = r."phoneId")
  on conflict (phone_id, binding) do update set id = excluded.id, contact = excluded.contact, path = excluded.path,
    transport = excluded.transport, address = excluded.address, port = excluded.port, local_address = excluded.local_address,
    local_port = excluded.local_port, instance = excluded.instance, call_id = excluded.call_id, cseq = excluded.cseq,
    user_agent = excluded.user_agent, registered_at = excluded.registered_at, expires_at = excluded.expires_at`;

const SAVE_REACH = `
  update registration set reachable = r.reachable, round_trip_ms = r."roundTripMs", reach_since = r."reachSince"
  from jsonb_to_recordset($1::jsonb) as r(id uuid, reachable boolean, "roundTripMs" numeric, "reachSince" timestamptz)
  where registration.id = r.id`;

const REMOVE = `delete from registration using jsonb_to_recordset($1::jsonb) as r(id uuid) where registration.id = r.id`;

export function createRegistrationStore(db: Database, batch: Pick<Batch, 'statement'>): RegistrationStore {
  const save = batch.statement<RegistrationRow>('registration-save', 520, SAVE, {
    key: (row) => `${row.phoneId} ${row.binding}`,
  });
  const remove = batch.statement<{ id: string }>('registration-remove', 521, REMOVE);
  const saveReach = batch.statement<Parameters<RegistrationStore['saveReach']>[0]>(
    'registration-reach',
    522,
    SAVE_REACH,
    {
      key: (row) => row.id,
      merge: (_, later) => later,
    },
  );
  return {
    save,
    saveReach,
    remove: (id) => remove({ id }),
    async load(now) {
      await db('registration').where('expires_at', '<=', now).delete();
      return registrations(db);
    },
  };
}

/** For the API: contacts as they are stored. */
export async function registrations(db: Database, phoneId?: string): Promise<StoredRegistration[]> {
  const query = db('registration')
    .select({
      id: 'id',
      phoneId: 'phone_id',
      binding: 'binding',
      contact: 'contact',
      path: 'path',
      transport: 'transport',
      address: 'address',
      port: 'port',
      localAddress: 'local_address',
      localPort: 'local_port',
      instance: 'instance',
      callId: 'call_id',
      cseq: 'cseq',
      userAgent: 'user_agent',
      registeredAt: 'registered_at',
      expiresAt: 'expires_at',
      reachable: 'reachable',
      roundTripMs: 'round_trip_ms',
      reachSince: 'reach_since',
    })
    .orderBy('registered_at', 'desc');
  if (phoneId) query.where({ phone_id: phoneId });
  const rows: StoredRegistration[] = await query;
  return rows.map((row) => ({ ...row, roundTripMs: row.roundTripMs === null ? null : Number(row.roundTripMs) }));
}
