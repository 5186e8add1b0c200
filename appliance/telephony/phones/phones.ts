import type { Clock } from '#appliance/kernel/clock.ts';
import { AppError, messageOf } from '#appliance/kernel/errors.ts';
import type { Log } from '#appliance/platform/log/index.ts';
import { makeCredentials, makePassword } from './credentials.ts';
import { PhoneBook } from './phone-book.ts';
import type { PhoneRow, PhoneStore } from './store.ts';

export interface NewPhone {
  label: string;
  kind: PhoneRow['kind'];
  extension?: string | null | undefined;
  agentId?: string | null | undefined;
  /** Default: the extension when it is free, else made. */
  username?: string | undefined;
  /** For seeds and migrations; otherwise made. */
  password?: string | undefined;
  fixedHost?: string | null | undefined;
  fixedPort?: number | null | undefined;
  fixedTransport?: PhoneRow['fixedTransport'] | undefined;
  enabled?: boolean | undefined;
  unsolicitedMwi?: boolean | undefined;
}

export interface BrowserCredentials {
  phoneId: string;
  username: string;
  password: string;
  extension: string;
  realm: string;
  expiresAt: Date;
}

export interface Phones {
  /** Loads every phone; needed in the process that handles calls. */
  start(): Promise<void>;
  stop(): Promise<void>;
  /** After `config.changed` of a phone; without an id everything. */
  reload(id?: string): Promise<void>;
  readonly book: PhoneBook;
  /** The phone is gone, switched off, or its password changed: whoever is registered with it is no longer welcome. */
  onVoid(listener: (phoneId: string) => void): () => void;
  /** From memory, else from the database: credentials made a moment ago work at once. */
  findByUsername(username: string): Promise<PhoneRow | undefined>;
  create(phone: NewPhone): Promise<{ phone: PhoneRow; password: string }>;
  /** A new password; the old one is void at once. */
  rotate(id: string): Promise<{ phone: PhoneRow; password: string }>;
  /** Short-lived credentials for one browser of an agent. */
  issueBrowserCredentials(
    agentId: string,
    options?: { extension?: string; label?: string },
  ): Promise<BrowserCredentials>;
}

export interface PhonesOptions {
  store: PhoneStore;
  clock: Clock;
  log: Log;
  realm: string;
  browserLifetimeMs?: number;
  /** After commit of whatever this service itself changed. */
  changed?(phoneId: string): void;
}

const BROWSER_LIFETIME_MS = 12 * 3600_000;
const PURGE_EVERY_MS = 600_000;
/** A browser that lost its network may still want its calls back. */
const PURGE_AFTER_MS = 3600_000;
/** Closed tabs and earlier loads of a page. A call lost with its browser is awaited for less than a minute. */
const UNUSED_AFTER_MS = 600_000;
/** Unknown names are asked for once in this time: a scanner must not become a load on the database. */
const UNKNOWN_FOR_MS = 2_000;
const MAX_UNKNOWN = 10_000;

export function createPhones(options: PhonesOptions): Phones {
  const { store, clock, log, realm } = options;
  const book = new PhoneBook(clock);
  const voidListeners = new Set<(phoneId: string) => void>();
  const unknown = new Map<string, number>();
  let cancelPurge: (() => void) | undefined;
  let loading: Promise<void> = Promise.resolve();

  async function loadAll(): Promise<void> {
    const rows: PhoneRow[] = [];
    let cursor: string | undefined;
    do {
      const page = await store.list({ limit: 1000, cursor });
      rows.push(...page.items);
      cursor = page.next ?? undefined;
    } while (cursor);
    const ids = new Set(rows.map((row) => row.id));
    for (const id of book.ids) if (!ids.has(id)) book.remove(id);
    for (const row of rows) keep(row);
  }

  async function loadOne(id: string): Promise<void> {
    const row = await store.get(id);
    if (row) keep(row);
    else {
      book.remove(id);
      for (const listener of voidListeners) listener(id);
    }
  }

  function keep(row: PhoneRow): void {
    const before = book.get(row.id);
    book.set(row);
    const isVoid = before && (before.ha1Md5 !== row.ha1Md5 || before.ha1Sha256 !== row.ha1Sha256 || !book.get(row.id));
    if (isVoid) for (const listener of voidListeners) listener(row.id);
  }

  function purgeLater(): void {
    cancelPurge = clock.after(PURGE_EVERY_MS, () => {
      const now = clock.now().getTime();
      store
        .removeBrowsers({ endedBefore: new Date(now - PURGE_AFTER_MS), madeBefore: new Date(now - UNUSED_AFTER_MS) })
        .then((ids) => {
          for (const id of ids) book.remove(id);
        })
        .catch((error) => log.warn({ error: messageOf(error) }, 'old browser credentials could not be removed'))
        .finally(purgeLater);
    });
  }

  async function save(fields: Partial<PhoneRow>): Promise<PhoneRow> {
    const row = await store.create(fields);
    book.set(row);
    options.changed?.(row.id);
    return row;
  }

  async function freeUsername(wanted: string | null | undefined): Promise<string> {
    if (wanted && !(await store.byUsername(wanted))) return wanted;
    return `${wanted ?? 'phone'}-${makePassword(6).toLowerCase()}`;
  }

  return {
    book,
    onVoid(listener) {
      voidListeners.add(listener);
      return () => voidListeners.delete(listener);
    },
    async start() {
      await loadAll();
      purgeLater();
    },
    async stop() {
      cancelPurge?.();
    },
    reload(id) {
      loading = loading.then(
        () => (id ? loadOne(id) : loadAll()),
        () => loadAll(),
      );
      return loading;
    },
    async findByUsername(username) {
      const known = book.byUsername(username);
      if (known) return known;
      if (!/^[A-Za-z0-9._~-]{1,64}$/.test(username)) return undefined;
      const now = clock.now().getTime();
      if ((unknown.get(username) ?? 0) > now) return undefined;
      const row = await store.byUsername(username);
      if (row) book.set(row);
      else {
        if (unknown.size >= MAX_UNKNOWN) unknown.clear();
        unknown.set(username, now + UNKNOWN_FOR_MS);
      }
      return book.byUsername(username);
    },
    async create(phone) {
      const username = phone.username ?? (await freeUsername(phone.extension));
      const { password, ...secrets } = makeCredentials(username, realm, phone.password);
      const row = await save({
        label: phone.label,
        kind: phone.kind,
        extension: phone.extension ?? null,
        agentId: phone.agentId ?? null,
        username,
        realm,
        ...secrets,
        fixedHost: phone.fixedHost ?? null,
        fixedPort: phone.fixedPort ?? null,
        fixedTransport: phone.fixedTransport ?? 'udp',
        enabled: phone.enabled ?? true,
        unsolicitedMwi: phone.unsolicitedMwi ?? false,
      });
      return { phone: row, password };
    },
    async rotate(id) {
      const row = await store.get(id);
      if (!row) throw new AppError('not-found', 'not-found', `There is no phone ${id}`);
      const { password, ...secrets } = makeCredentials(row.username, realm);
      const phone = await store.update(id, row.version, { ...secrets, realm });
      keep(phone);
      options.changed?.(id);
      return { phone, password };
    },
    async issueBrowserCredentials(agentId, { extension, label } = {}) {
      const own =
        extension ??
        (await store.ofAgent(agentId)).find((phone) => phone.extension !== null && phone.expiresAt === null)?.extension;
      if (!own)
        throw new AppError('conflict', 'no-extension', 'The agent has no extension, so no phone can ring for them.');
      const username = `web-${own.replace(/[^0-9]/g, '')}-${makePassword(12)}`;
      const { password, ...secrets } = makeCredentials(username, realm);
      const expiresAt = new Date(clock.now().getTime() + (options.browserLifetimeMs ?? BROWSER_LIFETIME_MS));
      const row = await save({
        label: label ?? `Browser of ${own}`,
        kind: 'browser',
        extension: own,
        agentId,
        username,
        realm,
        ...secrets,
        enabled: true,
        expiresAt,
      });
      return { phoneId: row.id, username, password, extension: own, realm, expiresAt };
    },
  };
}
