import type { Plugin } from '@hapi/hapi';
import { z } from 'zod';
import { CHANNELS } from '#appliance/contract/work.ts';
import { crud } from '#appliance/http/crud.ts';
import { route } from '#appliance/http/route.ts';
import { idParams, text, uuid } from '#appliance/http/schemas.ts';
import { type CrudRow, type Database, tableStore } from '#appliance/platform/postgres/index.ts';
import { exportCsv, MOST_EXPORTED } from './export.ts';
import { filterRoutes } from './filter-routes.ts';
import { followUpRoutes } from './follow-up-routes.ts';
import type { Interactions } from './index.ts';
import type { InteractionFilter } from './store.ts';

const when = z.iso.datetime({ offset: true }).optional();
const filter = z.object({
  state: z.enum(['flow', 'waiting', 'offered', 'active', 'wrap-up', 'ended']).optional(),
  queue: uuid.optional(),
  agent: uuid.optional(),
  customer: uuid.optional(),
  channel: z.enum(CHANNELS).optional(),
  from: when.meta({ description: 'Began at or after' }),
  to: when.meta({ description: 'Began before' }),
  q: text(200).optional().meta({ description: 'A piece of a number, of the customer’s name, or of the notes' }),
  limit: z.coerce.number().int().min(1).max(500).default(50),
  cursor: z.string().max(500).optional(),
});

const disposition = z.object({
  code: z.string().regex(/^[A-Za-z0-9][A-Za-z0-9 _-]{0,59}$/, 'letters, digits, space, - and _, at most 60'),
  label: text(100, 1),
  queueId: uuid.nullable().default(null).meta({ description: 'Null: offered in every queue.' }),
  active: z.boolean().default(true),
  position: z.int().min(0).max(10_000).default(0),
});

function filterOf(query: Omit<z.output<typeof filter>, 'limit' | 'cursor'>): InteractionFilter {
  return {
    state: query.state,
    queueId: query.queue,
    agentId: query.agent,
    customerId: query.customer,
    channel: query.channel,
    from: query.from === undefined ? undefined : new Date(query.from),
    to: query.to === undefined ? undefined : new Date(query.to),
    q: query.q,
  };
}
type DispositionRow = CrudRow & z.output<typeof disposition>;

/** Reading interactions, what people add to them, and the dispositions they choose from. */
export const interactionRoutes: Plugin<{ db: Database; interactions: Interactions }> = {
  name: 'interactions/routes',
  register(server, { db, interactions }) {
    filterRoutes(server, { db });
    followUpRoutes(server, { db });
    route(server, {
      method: 'GET',
      path: '/interactions',
      permission: 'interactions:read',
      summary: 'Lists interactions, newest first',
      query: filter,
      handler: ({ query }) => interactions.list({ ...filterOf(query), limit: query.limit, cursor: query.cursor }),
    });

    route(server, {
      method: 'GET',
      path: '/interactions/export',
      permission: 'interactions:export',
      summary: `What a filter finds as CSV, newest first, at most ${MOST_EXPORTED} rows`,
      query: filter.omit({ limit: true, cursor: true }),
      // Written before the first byte leaves: no entry, no file.
      handler: async ({ query, actor, address, h }) => {
        await server.app.audit.record({
          actor,
          address,
          action: 'interactions.exported',
          entity: 'interaction',
          entityId: null,
          details: { filter: query },
        });
        return h
          .response(exportCsv(interactions, filterOf(query)))
          .type('text/csv; charset=utf-8')
          .header('cache-control', 'private, no-store')
          .header('content-disposition', 'attachment; filename="interactions.csv"');
      },
    });

    route(server, {
      method: 'GET',
      path: '/interactions/{id}',
      permission: 'interactions:read',
      summary: 'One interaction from cradle to grave: segments, events, offers, recordings, quality',
      params: idParams,
      handler: ({ params }) => interactions.trace(params.id),
    });

    route(server, {
      method: 'POST',
      path: '/interactions/{id}/notes',
      permission: 'interactions:write',
      summary: 'Replaces the notes',
      params: idParams,
      payload: z.object({ notes: text(10_000) }).strict(),
      audit: { action: 'interaction.notes', entity: 'interaction' },
      handler: async ({ params, payload, actor }) => {
        await interactions.trace(params.id);
        await interactions.update(params.id, { notes: payload.notes });
        await interactions.event(params.id, 'notes.changed', { by: actor.userId });
      },
    });

    route(server, {
      method: 'PUT',
      path: '/interactions/{id}/customer',
      permission: 'customers:write',
      summary: 'Says who the customer is',
      params: idParams,
      payload: z.object({ customerId: uuid.nullable() }).strict(),
      audit: { action: 'interaction.customer', entity: 'interaction' },
      handler: async ({ params, payload, actor }) => {
        await interactions.trace(params.id);
        await interactions.update(params.id, { customerId: payload.customerId });
        await interactions.event(params.id, 'customer.linked', { customerId: payload.customerId, by: actor.userId });
      },
    });

    crud<DispositionRow, typeof disposition>(server, {
      path: '/dispositions',
      noun: 'disposition',
      permission: 'dispositions',
      schema: disposition,
      store: tableStore(db, {
        table: 'disposition',
        columns: ['code', 'label', 'queue_id', 'active', 'position'],
        search: ['code', 'label'],
        order: 'position',
      }),
    });
  },
};
