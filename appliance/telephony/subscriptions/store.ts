// The rows by which another process goes on with a subscription.
import type { Batch, Database } from '#appliance/platform/postgres/index.ts';
import type { DialogFacts } from '../sip/index.ts';
import type { EventPackage } from './api.ts';

export interface SubscriptionRow {
  id: string;
  instance: string;
  phoneId: string;
  package: EventPackage;
  extension: string;
  eventId: string | null;
  /** Of the next document. */
  version: number;
  facts: DialogFacts;
  expiresAt: Date;
}

export interface SubscriptionStore {
  /** Resolves after commit. */
  save(row: SubscriptionRow): Promise<void>;
  remove(id: string): Promise<void>;
  /** What has not expired. */
  load(instance: string, now: Date, limit: number): Promise<SubscriptionRow[]>;
}

const SAVE = `
  insert into subscription (id, instance, phone_id, package, extension, event_id, version, facts, expires_at)
  select r.id, r.instance, r."phoneId", r.package, r.extension, r."eventId", r.version, r.facts, r."expiresAt"
  from jsonb_to_recordset($1::jsonb) as r(id uuid, instance text, "phoneId" uuid, package text, extension text, "eventId" text,
    version integer, facts jsonb, "expiresAt" timestamptz)
  where exists (select 1 from phone where phone.id = r."phoneId")
  on conflict (id) do update set version = excluded.version, facts = excluded.facts, expires_at = excluded.expires_at`;

const REMOVE =
  'delete from subscription using jsonb_to_recordset($1::jsonb) as r(id uuid) where subscription.id = r.id';

export function createSubscriptionStore(db: Database, batch: Pick<Batch, 'statement'>): SubscriptionStore {
  const save = batch.statement<SubscriptionRow>('subscription-save', 530, SAVE, {
    key: (row) => row.id,
    merge: (_, later) => later,
  });
  const remove = batch.statement<{ id: string }>('subscription-remove', 531, REMOVE);
  return {
    save,
    remove: (id) => remove({ id }),
    async load(instance, now, limit) {
      await db('subscription').where({ instance }).where('expires_at', '<=', now).delete();
      return db('subscription').where({ instance }).orderBy('id').limit(limit).select({
        id: 'id',
        instance: 'instance',
        phoneId: 'phone_id',
        package: 'package',
        extension: 'extension',
        eventId: 'event_id',
        version: 'version',
        facts: 'facts',
        expiresAt: 'expires_at',
      });
    },
  };
}
