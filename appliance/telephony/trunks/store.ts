import type { CrudRow, CrudStore, Database } from '#appliance/platform/postgres/index.ts';
import { tableStore } from '#appliance/platform/postgres/index.ts';
import type { Codec } from '../sdp/index.ts';
import type { NumberFormat } from './numbers.ts';

/** Whose number callees see on calls out through the trunk. */
export type CallerId =
  /** The caller's own public number; `number` when it has none. */
  | { mode: 'pass'; number?: string | undefined }
  | { mode: 'fixed'; number: string; name?: string | undefined }
  | { mode: 'anonymous'; number?: string | undefined };

export interface TrunkRow extends CrudRow {
  name: string;
  kind: 'address' | 'registration';
  host: string;
  port: number | null;
  transport: 'udp' | 'tcp' | 'tls';
  /** Networks (CIDR) that calls may come from, besides the addresses of `host`. */
  addresses: string[];
  username: string | null;
  passwordSealed: string | null;
  registrar: string | null;
  realm: string | null;
  country: string | null;
  numberFormat: NumberFormat;
  callerId: CallerId;
  codecs: Codec[];
  /** How the far side is told that a call of ours is forwarded: RFC 5806 or RFC 7044. */
  forwardedAs: 'diversion' | 'history-info' | null;
  /** Encrypted audio, where the transport is TLS: keys in SDP must not be read on the way. `offer`: plain when it is refused. */
  srtp: 'off' | 'offer' | 'require';
  maxChannels: number | null;
  /** Calls that may begin in one second, both ways together; null: as many as come. */
  maxCallsPerS: number | null;
  optionsIntervalS: number;
  enabled: boolean;
  /** Calls out try trunks in ascending order. */
  position: number;
}

const TABLE = {
  table: 'trunk',
  columns: [
    'name',
    'kind',
    'host',
    'port',
    'transport',
    'addresses',
    'username',
    'password_sealed',
    'registrar',
    'realm',
    'country',
    'number_format',
    'caller_id',
    'codecs',
    'forwarded_as',
    'srtp',
    'max_channels',
    'max_calls_per_s',
    'options_interval_s',
    'enabled',
    'position',
  ],
  json: ['addresses', 'caller_id', 'codecs'],
  search: ['name', 'host'],
  order: 'position',
} as const;

export function createTrunkStore(db: Database): CrudStore<TrunkRow> {
  return tableStore<TrunkRow>(db, TABLE);
}

/** All rows of a table that fits into memory, page by page. */
export async function everyRow<Row extends CrudRow>(store: Pick<CrudStore<Row>, 'list'>): Promise<Row[]> {
  const rows: Row[] = [];
  let cursor: string | undefined;
  do {
    const page = await store.list({ limit: 500, cursor });
    rows.push(...page.items);
    cursor = page.next ?? undefined;
  } while (cursor);
  return rows;
}
