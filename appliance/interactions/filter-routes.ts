import type { Server } from '@hapi/hapi';
import { z } from 'zod';
import { route } from '#appliance/http/route.ts';
import { idParams, text, uuid } from '#appliance/http/schemas.ts';
import type { Database } from '#appliance/platform/postgres/index.ts';
import { createSavedFilters } from './saved-filters.ts';

const filter = z.object({ id: uuid, name: z.string(), query: z.string() });

/** Searches that somebody keeps under a name. They are their own; others get the page's address. */
export function filterRoutes(server: Server, { db }: { db: Database }): void {
  const filters = createSavedFilters(db);

  route(server, {
    method: 'GET',
    path: '/me/filters',
    permission: 'me',
    summary: 'My saved filters of interactions',
    response: z.object({ items: z.array(filter) }),
    handler: async ({ actor }) => ({ items: await filters.of(actor.userId) }),
  });

  route(server, {
    method: 'POST',
    path: '/me/filters',
    permission: 'me',
    summary: 'Saves a filter; one of the same name is replaced',
    payload: z.object({ name: text(60, 1), query: text(1000) }).strict(),
    response: filter,
    status: 201,
    handler: ({ actor, payload }) => filters.save(actor.userId, payload),
  });

  route(server, {
    method: 'DELETE',
    path: '/me/filters/{id}',
    permission: 'me',
    summary: 'Forgets a saved filter',
    params: idParams,
    handler: ({ actor, params }) => filters.remove(actor.userId, params.id),
  });
}
