import type { Plugin } from '@hapi/hapi';
import { z } from 'zod';
import { crud } from '#appliance/http/crud.ts';
import { route } from '#appliance/http/route.ts';
import { idParams, text, time, uuid } from '#appliance/http/schemas.ts';
import { type CrudRow, type Database, type Parts, tableStore, withParts } from '#appliance/platform/postgres/index.ts';
import { IDENTITY_KINDS } from './identity.ts';
import type { Customers } from './index.ts';
import type { CustomerRow, IdentityRow } from './store.ts';

const fields = z.object({
  name: text(200, 1).nullable().default(null),
  company: text(200).nullable().default(null),
  language: z
    .string()
    .regex(/^[a-z]{2,3}(-[A-Za-z0-9]{2,8})*$/)
    .nullable()
    .default(null),
  notes: text(20_000).default(''),
  attributes: z
    .record(z.string().max(100), z.union([z.string().max(2000), z.number(), z.boolean(), z.null()]))
    .default({})
    .refine((value) => Object.keys(value).length <= 100, 'at most 100 attributes'),
});
const identity = z.object({
  id: uuid,
  kind: z.enum(IDENTITY_KINDS),
  value: z.string(),
  label: z.string().nullable(),
});
const identityIn = identity
  .omit({ id: true })
  .extend({ value: text(320, 1), label: text(100).nullable().default(null) });
const consent = z.object({
  id: uuid,
  kind: z.string(),
  granted: z.boolean(),
  source: z.string(),
  interactionId: uuid.nullable(),
  at: time,
});
const consentIn = z.object({
  kind: text(60, 1),
  granted: z.boolean(),
  source: text(200, 1),
  interactionId: uuid.nullable().default(null),
});

type Row = CrudRow & CustomerRow & { identities: IdentityRow[] };

const IDENTITIES: Parts<Row> = {
  async read(db, ids) {
    const { rows } = await db.raw(
      `select customer_id as "customerId", jsonb_agg(jsonb_build_object('id', id, 'kind', kind, 'value', value, 'label', label)
         order by kind, value) as identities from identity where customer_id = any(?) group by customer_id`,
      [ids],
    );
    const found = new Map<string, Partial<Row>>(ids.map((id) => [id, { identities: [] }]));
    for (const { customerId, identities } of rows) found.set(customerId, { identities });
    return found;
  },
  write: async () => {}, // identities have routes of their own
};

/** The customer file, its identities and consents. */
export const customerRoutes: Plugin<{ db: Database; customers: Customers }> = {
  name: 'customers/routes',
  register(server, { db, customers }) {
    const base = tableStore<Row>(db, {
      table: 'customer',
      columns: ['name', 'company', 'language', 'notes', 'attributes'],
      json: ['attributes'],
      search: ['name', 'company'],
    });
    crud(server, {
      path: '/customers',
      noun: 'customer',
      permission: 'customers',
      schema: fields,
      viewSchema: fields.extend({ identities: z.array(identity) }),
      readOnly: ['identities'],
      store: withParts(db, base, IDENTITIES),
    });

    route(server, {
      method: 'POST',
      path: '/customers/{id}/identities',
      permission: 'customers:write',
      summary: 'Adds an identity to a customer',
      params: idParams,
      payload: identityIn.strict(),
      response: identity,
      status: 201,
      audit: { action: 'customer.identity-added', entity: 'customer' },
      handler: async ({ params, payload }) => {
        const added = await customers.addIdentity(params.id, payload);
        server.app.bus.publish({ type: 'config.changed', entity: 'customer', id: params.id });
        return added;
      },
    });

    route(server, {
      method: 'DELETE',
      path: '/customers/{id}/identities/{identityId}',
      permission: 'customers:write',
      summary: 'Takes an identity off a customer',
      params: z.object({ id: uuid, identityId: uuid }),
      audit: { action: 'customer.identity-removed', entity: 'customer' },
      handler: async ({ params }) => {
        await customers.removeIdentity(params.id, params.identityId);
        server.app.bus.publish({ type: 'config.changed', entity: 'customer', id: params.id });
      },
    });

    route(server, {
      method: 'GET',
      path: '/customers/{id}/consents',
      permission: 'customers:read',
      summary: 'What a customer consented to and revoked, newest first',
      params: idParams,
      response: z.object({ items: z.array(consent) }),
      handler: async ({ params }) => ({ items: await customers.consents(params.id) }),
    });

    route(server, {
      method: 'POST',
      path: '/customers/{id}/consents',
      permission: 'customers:write',
      summary: 'Records a consent given or revoked',
      params: idParams,
      payload: consentIn.strict(),
      response: consent,
      status: 201,
      audit: { action: 'customer.consent', entity: 'customer' },
      handler: ({ params, payload }) => customers.recordConsent(params.id, payload),
    });
  },
};
