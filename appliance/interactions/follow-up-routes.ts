import type { Server } from '@hapi/hapi';
import { z } from 'zod';
import { CHANNELS } from '#appliance/contract/work.ts';
import { route } from '#appliance/http/route.ts';
import { idParams, text, time, uuid } from '#appliance/http/schemas.ts';
import type { Database } from '#appliance/platform/postgres/index.ts';
import { createFollowUps } from './follow-ups.ts';

const when = z.iso.datetime({ offset: true });
const followUp = z.object({
  id: uuid,
  interactionId: uuid,
  channel: z.enum(CHANNELS),
  address: z.string().meta({ description: 'The customer’s side, to call or write to.' }),
  customerName: z.string().nullable(),
  queueName: z.string().nullable(),
  dueAt: time,
  note: z.string(),
  doneAt: time.nullable(),
});

/** What I promised to see to after a contact, and when. Everybody has their own. */
export function followUpRoutes(server: Server, { db }: { db: Database }): void {
  const followUps = createFollowUps(db);

  route(server, {
    method: 'GET',
    path: '/me/follow-ups',
    permission: 'me',
    summary: 'My open follow-ups, the most urgent first, and those done since a moment',
    query: z.object({ doneSince: when.optional() }),
    response: z.object({ items: z.array(followUp) }),
    handler: async ({ actor, query }) => ({
      items: await followUps.of(actor.userId, query.doneSince ? new Date(query.doneSince) : new Date()),
    }),
  });

  route(server, {
    method: 'PUT',
    path: '/interactions/{id}/follow-up',
    permission: 'me',
    summary: 'Says that I see to this contact again, and when; replaces what I said before',
    params: idParams,
    payload: z.object({ dueAt: when, note: text(1000).default('') }).strict(),
    response: followUp,
    audit: {
      action: 'interaction.follow-up',
      entity: 'interaction',
      details: ({ payload }) => ({ dueAt: payload.dueAt }),
    },
    handler: ({ actor, params, payload }) =>
      followUps.set(actor.userId, params.id, { dueAt: new Date(payload.dueAt), note: payload.note }),
  });

  route(server, {
    method: 'DELETE',
    path: '/interactions/{id}/follow-up',
    permission: 'me',
    summary: 'Takes my follow-up of this contact back',
    params: idParams,
    handler: ({ actor, params }) => followUps.remove(actor.userId, params.id),
  });

  route(server, {
    method: 'PUT',
    path: '/me/follow-ups/{id}/done',
    permission: 'me',
    summary: 'Ticks a follow-up off, or opens it again',
    params: idParams,
    payload: z.object({ done: z.boolean() }).strict(),
    response: followUp,
    handler: ({ actor, params, payload }) => followUps.settle(actor.userId, params.id, payload.done),
  });
}
