import type { Database } from '#appliance/platform/postgres/index.ts';
import { type IdentityKind, normalise } from './identity.ts';
import { createStore } from './store.ts';

export type { IdentityKind } from './identity.ts';
export type { ConsentRow, CustomerRow, IdentityRow } from './store.ts';
export type Customers = ReturnType<typeof createCustomers>;

/** The customer as screens show one: known once somebody gave a name. */
export interface CustomerRef {
  id: string;
  name: string | null;
  known: boolean;
}

/** The customer file. */
export function createCustomers({ db }: { db: Database }) {
  const store = createStore(db);
  return {
    /** The customer behind an identity, made when it is new; two callers at once get the same one. */
    async findOrCreate(identity: { kind: IdentityKind; value: string }): Promise<CustomerRef> {
      const row = await store.findOrCreate(identity.kind, normalise(identity.kind, identity.value));
      return { id: row.id, name: row.name, known: row.name !== null };
    },
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
