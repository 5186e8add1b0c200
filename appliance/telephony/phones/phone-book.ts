// Phones in memory, found the ways calls look for them.
import type { Clock } from '#appliance/kernel/clock.ts';
import type { PhoneRow } from './store.ts';

export class PhoneBook {
  readonly #clock: Clock;
  readonly #byId = new Map<string, PhoneRow>();
  readonly #byUsername = new Map<string, PhoneRow>();
  readonly #byExtension = new Map<string, Set<string>>();
  readonly #byAgent = new Map<string, Set<string>>();
  readonly #byAddress = new Map<string, Set<string>>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  get ids(): string[] {
    return [...this.#byId.keys()];
  }

  set(row: PhoneRow): void {
    this.remove(row.id);
    this.#byId.set(row.id, row);
    this.#byUsername.set(row.username, row);
    add(this.#byExtension, row.extension, row.id);
    add(this.#byAgent, row.agentId, row.id);
    add(this.#byAddress, row.fixedHost, row.id);
  }

  remove(id: string): void {
    const row = this.#byId.get(id);
    if (!row) return;
    this.#byId.delete(id);
    this.#byUsername.delete(row.username);
    this.#byExtension.get(row.extension ?? '')?.delete(id);
    this.#byAgent.get(row.agentId ?? '')?.delete(id);
    this.#byAddress.get(row.fixedHost ?? '')?.delete(id);
  }

  get(id: string): PhoneRow | undefined {
    return this.#usable(this.#byId.get(id));
  }

  byUsername(username: string): PhoneRow | undefined {
    return this.#usable(this.#byUsername.get(username));
  }

  byExtension(extension: string): PhoneRow[] {
    return this.#all(this.#byExtension.get(extension));
  }

  byAgent(agentId: string): PhoneRow[] {
    return this.#all(this.#byAgent.get(agentId));
  }

  /** Phones that live at an address and do not register; several may share one behind a gateway, told apart by their names. */
  atAddress(remote: { address: string; port: number }, user: string | undefined): PhoneRow | undefined {
    const isHere = (row: PhoneRow) =>
      row.kind === 'fixed' &&
      row.fixedHost === remote.address &&
      (row.fixedPort === null || row.fixedPort === remote.port);
    if (user !== undefined) {
      const named = [this.byUsername(user), ...this.byExtension(user)].find((row) => row && isHere(row));
      if (named) return named;
    }
    // Behind a gateway there may be hundreds: the second one found ends the search.
    let only: PhoneRow | undefined;
    for (const id of this.#byAddress.get(remote.address) ?? []) {
      const row = this.get(id);
      if (!row || !isHere(row)) continue;
      if (only) return undefined;
      only = row;
    }
    return only;
  }

  hasAddress(address: string): boolean {
    for (const id of this.#byAddress.get(address) ?? []) if (this.get(id)) return true;
    return false;
  }

  #all(ids: ReadonlySet<string> | undefined): PhoneRow[] {
    const rows: PhoneRow[] = [];
    for (const id of ids ?? []) {
      const row = this.get(id);
      if (row) rows.push(row);
    }
    return rows;
  }

  #usable(row: PhoneRow | undefined): PhoneRow | undefined {
    if (!row?.enabled) return undefined;
    return row.expiresAt && row.expiresAt <= this.#clock.now() ? undefined : row;
  }
}

function add(map: Map<string, Set<string>>, key: string | null, id: string): void {
  if (key === null) return;
  const set = map.get(key);
  if (set) set.add(id);
  else map.set(key, new Set([id]));
}
