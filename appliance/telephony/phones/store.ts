import type { CrudRow, CrudStore, Database } from '#appliance/platform/postgres/index.ts';
import { tableStore } from '#appliance/platform/postgres/index.ts';

export interface PhoneRow extends CrudRow {
  label: string;
  kind: 'sip' | 'browser' | 'fixed';
  extension: string | null;
  agentId: string | null;
  username: string;
  realm: string;
  ha1Md5: string | null;
  ha1Sha256: string | null;
  fixedHost: string | null;
  fixedPort: number | null;
  fixedTransport: 'udp' | 'tcp' | 'tls';
  enabled: boolean;
  /** It is told of waiting messages when it registers and when they change, without having subscribed. */
  unsolicitedMwi: boolean;
  /** A browser session's credentials end then. */
  expiresAt: Date | null;
}

export interface PhoneStore extends CrudStore<PhoneRow> {
  /** Browser credentials that ended, and older ones with which no browser is registered: each load of a page makes new ones. Returns their ids. */
  removeBrowsers(left: { endedBefore: Date; madeBefore: Date }): Promise<string[]>;
  byUsername(username: string): Promise<PhoneRow | undefined>;
  ofAgent(agentId: string): Promise<PhoneRow[]>;
}

const TABLE = {
  table: 'phone',
  columns: [
    'label',
    'kind',
    'extension',
    'agent_id',
    'username',
    'realm',
    'ha1_md5',
    'ha1_sha256',
    'fixed_host',
    'fixed_port',
    'fixed_transport',
    'enabled',
    'unsolicited_mwi',
    'expires_at',
  ],
  search: ['label', 'extension', 'username'],
  order: 'label',
} as const;

export function createPhoneStore(db: Database): PhoneStore {
  const table = tableStore<PhoneRow>(db, TABLE);
  return {
    ...table,
    async removeBrowsers({ endedBefore, madeBefore }) {
      const rows = await db('phone')
        .where('expires_at', '<', endedBefore)
        .orWhere((unused) =>
          unused
            .whereNotNull('expires_at')
            .where('created_at', '<', madeBefore)
            .whereNotExists(db('registration').whereRaw('registration.phone_id = phone.id')),
        )
        .delete('id');
      return rows.map((row: { id: string }) => row.id);
    },
    async byUsername(username) {
      const id = await db('phone').where({ username }).pluck('id');
      return id[0] ? table.get(id[0]) : undefined;
    },
    async ofAgent(agentId) {
      const ids = await db('phone').where({ agent_id: agentId }).orderBy('id').pluck('id');
      const rows = await Promise.all(ids.map((id: string) => table.get(id)));
      return rows.filter((row) => row !== undefined);
    },
  };
}
