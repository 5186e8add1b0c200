import type { Plugin } from '@hapi/hapi';
import { z } from 'zod';
import { crud } from '#appliance/http/crud.ts';
import { route } from '#appliance/http/route.ts';
import { idParams, uuid } from '#appliance/http/schemas.ts';
import { AppError } from '#appliance/kernel/errors.ts';
import type { Database } from '#appliance/platform/postgres/index.ts';
import { createConfigStore, type QueueRow } from './config-store.ts';
import { queueFields } from './queue-schema.ts';

const position = z.int().min(1).max(1000).default(1);
const members = z
  .array(z.object({ agentId: uuid, position }).strict())
  .max(5000)
  .refine((list) => new Set(list.map(({ agentId }) => agentId)).size === list.length, 'an agent is named twice');
const queuesOf = z
  .array(z.object({ queueId: uuid, position }).strict())
  .max(500)
  .refine((list) => new Set(list.map(({ queueId }) => queueId)).size === list.length, 'a queue is named twice');

/** Configuration of queues: what they ask for, who serves them, and each agent's order of queues. */
export const queueRoutes: Plugin<{ db: Database }> = {
  name: 'routing/queues',
  register(server, { db }) {
    const store = createConfigStore(db);
    const changed = (id: string) => server.app.bus.publish({ type: 'config.changed', entity: 'queue', id });

    crud<QueueRow, typeof queueFields>(server, {
      path: '/queues',
      noun: 'queue',
      permission: 'queues',
      schema: queueFields,
      store: store.queues,
      prepare: (fields, { current }) => {
        const skills = new Set((fields.skills ?? current?.skills ?? []).map(({ skillId }) => skillId));
        const stray = fields.relaxations?.find(({ skillId }) => !skills.has(skillId));
        if (stray)
          throw new AppError(
            'invalid',
            'relaxation-without-skill',
            'A relaxation names a skill that the queue does not ask for.',
          );
        return fields as Partial<QueueRow>;
      },
    });

    route(server, {
      method: 'GET',
      path: '/queues/{id}/agents',
      permission: 'queues:read',
      summary: 'Who serves a queue, and at which place in the agent’s own order',
      params: idParams,
      response: z.object({ items: z.array(z.object({ agentId: uuid, position: z.int() })) }),
      handler: async ({ params }) => {
        await store.mustExist('queue', params.id);
        return { items: await store.members(params.id) };
      },
    });

    route(server, {
      method: 'PUT',
      path: '/queues/{id}/agents',
      permission: 'queues:write',
      summary: 'Says who serves a queue',
      params: idParams,
      payload: z.object({ items: members }).strict(),
      audit: { action: 'queue.agents', entity: 'queue', details: ({ payload }) => ({ agents: payload.items }) },
      handler: async ({ params, payload }) => {
        await store.mustExist('queue', params.id);
        await store.setMembers(params.id, payload.items);
        changed(params.id);
      },
    });

    route(server, {
      method: 'GET',
      path: '/agents/{id}/queues',
      permission: 'queues:read',
      summary: 'The queues of an agent, in the agent’s order: a lower position is served first',
      params: idParams,
      response: z.object({ items: z.array(z.object({ queueId: uuid, position: z.int() })) }),
      handler: async ({ params }) => {
        await store.mustExist('agent', params.id);
        return { items: await store.queuesOf(params.id) };
      },
    });

    route(server, {
      method: 'PUT',
      path: '/agents/{id}/queues',
      permission: 'queues:write',
      summary: 'Says which queues an agent serves, in which order',
      params: idParams,
      payload: z.object({ items: queuesOf }).strict(),
      audit: { action: 'agent.queues', entity: 'agent', details: ({ payload }) => ({ queues: payload.items }) },
      handler: async ({ params, payload }) => {
        await store.mustExist('agent', params.id);
        await store.setQueuesOf(params.id, payload.items);
        changed(payload.items[0]?.queueId ?? params.id);
      },
    });
  },
};
