import type { Bus } from '#appliance/platform/bus/index.ts';
import type { Database } from '#appliance/platform/postgres/index.ts';
import { CustomerCache } from './cache.ts';
import { createFinder } from './finder.ts';
import { type IdentityKind, normalise } from './identity.ts';
import { createStore } from './store.ts';

export type { IdentityKind } from './identity.ts';
export type { ConsentRow, CustomerRow, IdentityRow } from './store.ts';
export interface CustomersDeps {
  db: Database;
  bus?: Pick<Bus, 'subscribe'>;
  callers?: Database;
}

export type Customers = ReturnType<typeof createCustomers>;

/** The customer as screens show one: known once somebody gave a name. */
export interface CustomerRef {
  id: string;
  name: string | null;
  known: boolean;
}

/**
 * The customer file. With a bus, who was found stays known in memory until somebody changes it. `callers` is a connection for
 * those who look up many: see `finder.ts`.
 */
export function createCustomers({ db, bus, callers }: CustomersDeps) {
  const store = createStore(db);
  const findOrCreate = callers ? createFinder(callers) : store.findOrCreate;
  const cache = bus && new CustomerCache<CustomerRef>(bus);
  return {
    /** The customer behind an identity, made when it is new; two callers at once get the same one. */
    async findOrCreate(identity: { kind: IdentityKind; value: string }): Promise<CustomerRef> {
      const value = normalise(identity.kind, identity.value);
      const key = `${identity.kind} ${value}`;
      const known = cache?.get(key);
      if (known) return known;
      const row = await findOrCreate(identity.kind, value);
      const found = { id: row.id, name: row.name, known: row.name !== null };
      cache?.set(key, found);
      return found;
    },
    /** What memory knows is looked up again: a database that fell takes along what it had not brought to the disk. */
    forget: () => cache?.clear(),
    async find(identity: { kind: IdentityKind; value: string }): Promise<CustomerRef | undefined> {
      const row = await store.findByIdentity(identity.kind, normalise(identity.kind, identity.value));
      return row && { id: row.id, name: row.name, known: row.name !== null };
    },
    async get(id: string): Promise<CustomerRef | undefined> {
      const row = await store.get(id);
      return row && { id: row.id, name: row.name, known: row.name !== null };
    },
    identities: store.identities,
    addIdentity: (customerId: string, identity: { kind: IdentityKind; value: string; label?: string | null }) =>
      store.addIdentity(customerId, identity.kind, normalise(identity.kind, identity.value), identity.label ?? null),
    removeIdentity: store.removeIdentity,
    consents: store.consents,
    consent: store.consent,
    recordConsent: store.recordConsent,
    search: store.search,
  };
}
