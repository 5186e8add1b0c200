import type { Server } from '@hapi/hapi';
import { z } from 'zod';
import { callViewParts } from '#appliance/contract/calls.ts';
import { CHANNELS } from '#appliance/contract/work.ts';
import { route } from '#appliance/http/route.ts';
import { idParams, text, time, uuid } from '#appliance/http/schemas.ts';
import type { Bus } from '#appliance/platform/bus/index.ts';
import type { RoutingStore } from './store.ts';

const customer = z.object({ id: uuid, name: z.string().nullable(), known: z.boolean() });

const offer = z.object({
  id: uuid,
  interactionId: uuid,
  channel: z.enum(CHANNELS),
  queueId: uuid.nullable(),
  queueName: z.string().nullable(),
  agentId: uuid,
  agentName: z.string(),
  from: z.string(),
  customer: customer.nullable(),
  waitedS: z.number(),
  offeredAt: time,
  expiresAt: time,
  state: z.enum(['pending', 'accepted', 'declined', 'timed-out', 'withdrawn', 'failed']),
  endedAt: time.nullable(),
});

const call = z.object({
  id: uuid,
  state: z.enum(['ringing', 'talking', 'held', 'consulting', 'conference', 'secure']),
  muted: z.boolean(),
  recording: z.enum(['off', 'on', 'paused']),
  peer: z.string(),
  since: time,
  third: z.object({ label: z.string(), ringing: z.boolean() }).nullish(),
  ...callViewParts,
});

const work = z.object({
  interactionId: uuid,
  channel: z.string(),
  state: z.enum(['active', 'wrap-up']),
  queueId: uuid.nullable(),
  queueName: z.string().nullable(),
  from: z.string(),
  direction: z.enum(['in', 'out', 'internal']),
  customer: customer.nullable(),
  since: time,
  wrapUpEndsAt: time.nullable(),
  dispositions: z.array(z.object({ code: z.string(), label: z.string() })),
  call: call.nullable(),
});

export interface OfferRoutesDeps {
  bus: Pick<Bus, 'call'>;
  missedBy: RoutingStore['missedBy'];
}

const missed = z.object({
  interactionId: uuid,
  direction: z.string(),
  from: z.string(),
  customerId: uuid.nullable(),
  customerName: z.string().nullable(),
  queueName: z.string().nullable(),
  at: time,
  times: z.number(),
  settled: z.boolean(),
});

/** What the router proposes to me and what I do about it; the end of my work on it. */
export function offerRoutes(server: Server, { bus, missedBy }: OfferRoutesDeps): void {
  route(server, {
    method: 'GET',
    path: '/me/offers',
    permission: 'me',
    summary: 'What is offered to me now',
    response: z.object({ items: z.array(offer) }),
    handler: async ({ actor }) => ({ items: (await bus.call('router', 'live.me', { agentId: actor.userId })).offers }),
  });

  route(server, {
    method: 'GET',
    path: '/me/missed',
    permission: 'me',
    summary: 'Calls that rang with me and that I did not take, newest first',
    query: z.object({ since: z.iso.datetime({ offset: true }) }),
    response: z.object({ items: z.array(missed) }),
    handler: async ({ actor, query }) => ({ items: await missedBy(actor.userId, new Date(query.since)) }),
  });

  route(server, {
    method: 'GET',
    path: '/me/work',
    permission: 'me',
    summary: 'My presence, offers and work: what the live topic `me` shows',
    response: z.object({
      presence: z.enum(['ready', 'not-ready', 'offline']),
      reason: z.string().nullable(),
      since: time,
      pending: z
        .object({ state: z.enum(['not-ready', 'offline']), reason: z.string().nullable() })
        .nullish()
        .meta({ description: 'Asked for while busy: takes effect when the work is done.' }),
      offers: z.array(offer),
      work: z.array(work),
    }),
    handler: ({ actor }) => bus.call('router', 'live.me', { agentId: actor.userId }),
  });

  route(server, {
    method: 'POST',
    path: '/offers/{id}/accept',
    permission: 'me',
    summary: 'Takes an offer',
    description: 'A call that rings on a phone is answered there: the refusal is then `answer-on-phone`.',
    params: idParams,
    handler: async ({ actor, params }) => {
      await bus.call('router', 'offer.accept', { offerId: params.id, agentId: actor.userId });
    },
  });

  route(server, {
    method: 'POST',
    path: '/offers/{id}/decline',
    permission: 'me',
    summary: 'Refuses an offer',
    params: idParams,
    payload: z.object({ reason: text(200).optional() }).nullish(),
    handler: async ({ actor, params, payload }) => {
      const reason = payload?.reason;
      await bus.call('router', 'offer.decline', {
        offerId: params.id,
        agentId: actor.userId,
        ...(reason && { reason }),
      });
    },
  });

  route(server, {
    method: 'POST',
    path: '/interactions/{id}/wrap-up',
    permission: 'me',
    summary: 'Ends my wrap-up',
    params: idParams,
    payload: z.object({ disposition: text(64).nullish(), notes: text(10_000).nullish() }).nullish(),
    handler: async ({ actor, params, payload }) => {
      await bus.call('router', 'wrap-up.finish', {
        interactionId: params.id,
        agentId: actor.userId,
        disposition: payload?.disposition || null,
        notes: payload?.notes || null,
      });
    },
  });

  route(server, {
    method: 'POST',
    path: '/interactions/{id}/wrap-up/extend',
    permission: 'me',
    summary: 'Takes more time for my wrap-up',
    params: idParams,
    payload: z.object({ seconds: z.number().int().min(1).max(3600) }),
    response: z.object({ endsAt: time }),
    handler: ({ actor, params, payload }) =>
      bus.call('router', 'wrap-up.extend', {
        interactionId: params.id,
        agentId: actor.userId,
        seconds: payload.seconds,
      }),
  });
}
