import type { Server } from '@hapi/hapi';
import { z } from 'zod';
import { CHANNELS } from '#appliance/contract/work.ts';
import { route } from '#appliance/http/route.ts';
import { idParams, time, uuid } from '#appliance/http/schemas.ts';
import type { Bus } from '#appliance/platform/bus/index.ts';

const waiting = z.object({
  interactionId: uuid,
  channel: z.enum(CHANNELS),
  from: z.string(),
  customer: z.object({ id: uuid, name: z.string().nullable(), known: z.boolean() }).nullable(),
  since: time,
  priority: z.int(),
  place: z.int(),
  offeredTo: z.array(z.object({ id: uuid, name: z.string() })),
});

/** What a supervisor sees of those who wait, and does with them. */
export function byHandRoutes(server: Server, { bus }: { bus: Pick<Bus, 'call'> }): void {
  route(server, {
    method: 'GET',
    path: '/queues/{id}/waiting',
    permission: 'reports:read',
    summary: 'Who waits in a queue, in the order of service, and with whom it rings',
    params: idParams,
    response: z.object({ items: z.array(waiting) }),
    handler: async ({ params }) => ({ items: await bus.call('router', 'live.waiting', { queueId: params.id }) }),
  });

  route(server, {
    method: 'POST',
    path: '/interactions/{id}/requeue',
    permission: 'interactions:write',
    summary: 'Moves a waiting interaction to another queue',
    params: idParams,
    payload: z.object({ queueId: uuid }),
    audit: {
      action: 'interaction.requeued',
      entity: 'interaction',
      details: ({ payload }) => ({ queueId: payload.queueId }),
    },
    handler: async ({ actor, params, payload }) => {
      await bus.call('router', 'interaction.requeue', {
        interactionId: params.id,
        queueId: payload.queueId,
        by: actor.userId,
      });
    },
  });

  route(server, {
    method: 'POST',
    path: '/interactions/{id}/pull',
    permission: 'interactions:write',
    summary: 'Takes a waiting interaction out of its line: it rings with me, or with the agent I name, now',
    description:
      'Also with an agent who is not ready or does not serve the queue. When nobody answers it waits at its place again.',
    params: idParams,
    payload: z.object({ agentId: uuid.optional() }).prefault({}),
    audit: {
      action: 'interaction.pulled',
      entity: 'interaction',
      details: ({ payload, actor }) => ({ agentId: payload.agentId ?? actor.userId }),
    },
    handler: async ({ actor, params, payload }) => {
      await bus.call('router', 'interaction.pull', {
        interactionId: params.id,
        agentId: payload.agentId ?? actor.userId,
        by: actor.userId,
      });
    },
  });

  route(server, {
    method: 'POST',
    path: '/interactions/{id}/priority',
    permission: 'interactions:write',
    summary: 'Gives a waiting interaction another priority: 0 is the lowest, 10 the highest',
    params: idParams,
    payload: z.object({ priority: z.int().min(0).max(10) }),
    audit: {
      action: 'interaction.prioritised',
      entity: 'interaction',
      details: ({ payload }) => ({ priority: payload.priority }),
    },
    handler: async ({ actor, params, payload }) => {
      await bus.call('router', 'interaction.priority', {
        interactionId: params.id,
        priority: payload.priority,
        by: actor.userId,
      });
    },
  });
}
