import type { Plugin } from '@hapi/hapi';
import { z } from 'zod';
import type { Commands } from '#appliance/contract/bus.ts';
import { route } from '#appliance/http/route.ts';
import { idParams, text, uuid } from '#appliance/http/schemas.ts';

const presence = z
  .object({ state: z.enum(['ready', 'not-ready', 'offline']), reason: z.string().max(40).optional() })
  .strict();

interface Calls {
  call<K extends keyof Commands>(
    address: string,
    name: K,
    input: Commands[K]['in'],
    timeoutMs?: number,
  ): Promise<Commands[K]['out']>;
}

/** What agents do with their work, and supervisors with the work of others; the router's leader answers. */
export const workRoutes: Plugin<{ bus: Calls }> = {
  name: 'routing/work',
  register(server, { bus }) {
    route(server, {
      method: 'PUT',
      path: '/me/presence',
      permission: 'me',
      summary: 'Ready, not ready with a reason, or offline; while busy it takes effect after the work',
      payload: presence,
      status: 200,
      handler: ({ payload, actor }) =>
        bus.call('router', 'presence.set', {
          agentId: actor.userId,
          state: payload.state,
          by: actor.userId,
          ...(payload.reason !== undefined && { reason: payload.reason }),
        }),
    });

    route(server, {
      method: 'GET',
      path: '/me/offers',
      permission: 'me',
      summary: 'What is being offered to me',
      handler: async ({ actor }) => {
        const { offers } = await bus.call('router', 'live.me', { agentId: actor.userId });
        return { items: offers, next: null };
      },
    });

    route(server, {
      method: 'GET',
      path: '/me/work',
      permission: 'me',
      summary: 'My presence, offers and work: what the live topic `me` shows',
      handler: ({ actor }) => bus.call('router', 'live.me', { agentId: actor.userId }),
    });

    route(server, {
      method: 'POST',
      path: '/offers/{id}/accept',
      permission: 'me',
      summary: 'Accepts an offer made to me',
      params: idParams,
      handler: async ({ params, actor }) => {
        await bus.call('router', 'offer.accept', { offerId: params.id, agentId: actor.userId });
      },
    });

    route(server, {
      method: 'POST',
      path: '/offers/{id}/decline',
      permission: 'me',
      summary: 'Refuses an offer made to me; the interaction keeps its place',
      params: idParams,
      payload: z
        .object({ reason: text(200).optional() })
        .strict()
        .optional(),
      handler: async ({ params, payload, actor }) => {
        const reason = payload?.reason;
        await bus.call('router', 'offer.decline', {
          offerId: params.id,
          agentId: actor.userId,
          ...(reason !== undefined && { reason }),
        });
      },
    });

    route(server, {
      method: 'POST',
      path: '/interactions/{id}/wrap-up',
      permission: 'me',
      summary: 'Ends my wrap-up with what came of the contact',
      params: idParams,
      payload: z
        .object({
          disposition: z.string().max(60).nullable().default(null),
          notes: text(10_000).nullable().default(null),
        })
        .strict(),
      handler: async ({ params, payload, actor }) => {
        await bus.call('router', 'wrap-up.finish', { interactionId: params.id, agentId: actor.userId, ...payload });
      },
    });

    route(server, {
      method: 'POST',
      path: '/interactions/{id}/wrap-up/extend',
      permission: 'me',
      summary: 'Asks for more time to wrap up, as far as the queue allows',
      params: idParams,
      payload: z.object({ seconds: z.number().min(1).max(3600) }).strict(),
      response: z.object({ endsAt: z.string() }),
      handler: ({ params, payload, actor }) =>
        bus.call('router', 'wrap-up.extend', {
          interactionId: params.id,
          agentId: actor.userId,
          seconds: payload.seconds,
        }),
    });

    route(server, {
      method: 'POST',
      path: '/interactions/{id}/requeue',
      permission: 'interactions:write',
      summary: 'Moves a waiting interaction to another queue; it keeps the time it waited',
      params: idParams,
      payload: z.object({ queueId: uuid }).strict(),
      audit: { action: 'interaction.requeued', entity: 'interaction', details: ({ payload }) => payload },
      handler: async ({ params, payload, actor }) => {
        await bus.call('router', 'interaction.requeue', {
          interactionId: params.id,
          queueId: payload.queueId,
          by: actor.userId,
        });
      },
    });

    route(server, {
      method: 'PUT',
      path: '/agents/{id}/presence',
      permission: 'presence:write',
      summary: 'A supervisor changes an agent’s presence',
      params: idParams,
      payload: presence,
      status: 200,
      audit: { action: 'agent.presence', entity: 'agent', details: ({ payload }) => payload },
      handler: ({ params, payload, actor }) =>
        bus.call('router', 'presence.set', {
          agentId: params.id,
          state: payload.state,
          by: actor.userId,
          ...(payload.reason !== undefined && { reason: payload.reason }),
        }),
    });
  },
};
