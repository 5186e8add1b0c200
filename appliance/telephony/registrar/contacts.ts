// Where phones are now: contacts in memory, each with its end and, for connections, its flow.
import type { Clock } from '#appliance/kernel/clock.ts';
import { type Flow, parseNameAddr, parseUri, type SipUri, sameUri } from '../sip/index.ts';
import type { RegistrationRow } from './store.ts';

/** One place where a phone can be rung. */
export interface Contact {
  id: string;
  phoneId: string;
  uri: SipUri;
  row: RegistrationRow;
  /** RFC 3327: the way to it, when a proxy stands between. */
  path: SipUri[];
  /** The connection to use; undefined after a restart, when the contact's address must do. */
  flow: Flow | undefined;
}

export class Contacts {
  readonly #clock: Clock;
  readonly #onChange: (phoneId: string, online: boolean) => void;
  readonly #byPhone = new Map<string, Map<string, Contact>>();
  readonly #byUser = new Map<string, Set<Contact>>();
  readonly #byFlow = new Map<string, Set<Contact>>();
  readonly #byId = new Map<string, Contact>();
  readonly #timers = new Map<string, () => void>();
  readonly #onExpired: (contact: Contact) => void;

  constructor(
    clock: Clock,
    onChange: (phoneId: string, online: boolean) => void,
    onExpired: (contact: Contact) => void,
  ) {
    this.#clock = clock;
    this.#onChange = onChange;
    this.#onExpired = onExpired;
  }

  get(phoneId: string, binding: string): Contact | undefined {
    return this.#byPhone.get(phoneId)?.get(binding);
  }

  byId(id: string): Contact | undefined {
    return this.#byId.get(id);
  }

  /** Newest first. What expires is taken out by its timer: a clock that is stepped takes nobody away. */
  of(phoneId: string): Contact[] {
    return [...(this.#byPhone.get(phoneId)?.values() ?? [])].sort(
      (a, b) => b.row.registeredAt.getTime() - a.row.registeredAt.getTime(),
    );
  }

  hasAddress(address: string): boolean {
    for (const contacts of this.#byPhone.values()) {
      for (const { row } of contacts.values()) if (row.address === address) return true;
    }
    return false;
  }

  online(phoneId: string): boolean {
    return this.of(phoneId).length > 0;
  }

  set(row: RegistrationRow, flow: Flow | undefined): Contact {
    const before = this.online(row.phoneId);
    const old = this.get(row.phoneId, row.binding);
    if (old) this.#forget(old);
    const contact: Contact = {
      id: row.id,
      phoneId: row.phoneId,
      uri: parseUri(row.contact),
      row,
      path: row.path.map((value) => parseNameAddr(value).uri),
      flow,
    };
    let mine = this.#byPhone.get(row.phoneId);
    if (!mine) {
      mine = new Map();
      this.#byPhone.set(row.phoneId, mine);
    }
    mine.set(row.binding, contact);
    this.#byId.set(row.id, contact);
    addTo(this.#byUser, contact.uri.user ?? '', contact);
    if (flow) addTo(this.#byFlow, flow.id, contact);
    const inMs = row.expiresAt.getTime() - this.#clock.now().getTime();
    this.#timers.set(
      row.id,
      this.#clock.after(Math.max(0, inMs), () => {
        this.remove(contact);
        this.#onExpired(contact);
      }),
    );
    if (!before && this.online(row.phoneId)) this.#onChange(row.phoneId, true);
    return contact;
  }

  remove(contact: Contact): void {
    if (this.get(contact.phoneId, contact.row.binding) !== contact) return;
    this.#forget(contact);
    if (!this.online(contact.phoneId)) this.#onChange(contact.phoneId, false);
  }

  onFlow(flow: Flow): Contact[] {
    return [...(this.#byFlow.get(flow.id) ?? [])];
  }

  /** The contact that a URI of a dialog means. */
  find(uri: SipUri): Contact | undefined {
    for (const contact of this.#byUser.get(uri.user ?? '') ?? []) {
      if (sameUri(contact.uri, uri) || (contact.uri.host === uri.host && contact.uri.port === uri.port)) return contact;
    }
    return undefined;
  }

  clear(): void {
    for (const cancel of this.#timers.values()) cancel();
    for (const map of [this.#timers, this.#byPhone, this.#byUser, this.#byFlow, this.#byId]) map.clear();
  }

  #forget(contact: Contact): void {
    this.#timers.get(contact.id)?.();
    this.#timers.delete(contact.id);
    this.#byId.delete(contact.id);
    const mine = this.#byPhone.get(contact.phoneId);
    mine?.delete(contact.row.binding);
    if (mine?.size === 0) this.#byPhone.delete(contact.phoneId);
    dropFrom(this.#byUser, contact.uri.user ?? '', contact);
    if (contact.flow) dropFrom(this.#byFlow, contact.flow.id, contact);
  }
}

function addTo(map: Map<string, Set<Contact>>, key: string, contact: Contact): void {
  const set = map.get(key);
  if (set) set.add(contact);
  else map.set(key, new Set([contact]));
}

function dropFrom(map: Map<string, Set<Contact>>, key: string, contact: Contact): void {
  const set = map.get(key);
  set?.delete(contact);
  if (set?.size === 0) map.delete(key);
}
