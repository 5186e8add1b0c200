import type { Server } from '@hapi/hapi';
import { z } from 'zod';
import { route } from '#appliance/http/route.ts';
import { idParams, time, uuid } from '#appliance/http/schemas.ts';
import type { Clock } from '#appliance/kernel/clock.ts';
import { endOfDay, knownTimeZone } from '#appliance/kernel/days.ts';
import { AppError } from '#appliance/kernel/errors.ts';
import type { Bus } from '#appliance/platform/bus/index.ts';
import type { Database } from '#appliance/platform/postgres/index.ts';
import { createTodayStore } from './today-store.ts';

const queues = z
  .array(z.object({ queueId: uuid, position: z.int().min(1).max(1000).nullable() }).strict())
  .max(500)
  .refine((list) => new Set(list.map(({ queueId }) => queueId)).size === list.length, 'a queue is named twice');
const skills = z
  .array(z.object({ skillId: uuid, level: z.int().min(1).max(10).nullable() }).strict())
  .max(100)
  .refine((list) => new Set(list.map(({ skillId }) => skillId)).size === list.length, 'a skill is named twice');
const view = z.object({
  timeZone: z.string().meta({ description: 'The team’s, or the box’s: its midnight ends all this' }),
  endsAt: time.meta({ description: 'When what is set now would end' }),
  until: time.nullable().meta({ description: 'When what is set ends; null: nothing is set' }),
  by: z.string().nullable(),
  queues: z.array(z.object({ queueId: uuid, position: z.int().nullable() })),
  skills: z.array(z.object({ skillId: uuid, level: z.int().nullable() })),
});

export interface TodayRoutesDeps {
  db: Database;
  bus: Pick<Bus, 'publish'>;
  clock: Clock;
}

/** /agents/{id}/today: other queues and skills until midnight. */
export function todayRoutes(server: Server, { db, bus, clock }: TodayRoutesDeps): void {
  const store = createTodayStore(db);

  async function zoneOf(agentId: string): Promise<string> {
    const zone = await store.timeZone(agentId);
    if (zone === undefined) throw new AppError('not-found', 'not-found', `There is no agent ${agentId}`);
    return knownTimeZone(zone ?? Intl.DateTimeFormat().resolvedOptions().timeZone);
  }

  async function show(agentId: string): Promise<z.input<typeof view>> {
    const timeZone = await zoneOf(agentId);
    const changes = await store.of(agentId, clock.now());
    const [first] = changes;
    return {
      timeZone,
      endsAt: endOfDay(clock.now(), timeZone),
      until: first?.until ?? null,
      by: first?.byName ?? null,
      queues: changes.flatMap(({ queueId, amount }) => (queueId ? [{ queueId, position: amount }] : [])),
      skills: changes.flatMap(({ skillId, amount }) => (skillId ? [{ skillId, level: amount }] : [])),
    };
  }

  route(server, {
    method: 'GET',
    path: '/agents/{id}/today',
    permission: 'agents:read',
    summary: 'The queues and skills of an agent that are other than usual today',
    params: idParams,
    response: view,
    handler: ({ params }) => show(params.id),
  });

  route(server, {
    method: 'PUT',
    path: '/agents/{id}/today',
    permission: 'agents:write',
    summary:
      'Changes queues and skills of an agent until midnight of the team’s time zone; an empty list takes it back',
    description:
      'A position or level of null takes the queue or the skill away. What is not named is as usual. It ends by itself, also over restarts.',
    params: idParams,
    payload: z.object({ queues: queues.default([]), skills: skills.default([]) }).strict(),
    response: view,
    audit: { action: 'agent.today', entity: 'agent', details: ({ payload }) => ({ ...payload }) },
    handler: async ({ params, payload, actor }) => {
      const until = endOfDay(clock.now(), await zoneOf(params.id));
      await store.replace(
        params.id,
        [
          ...payload.queues.map(({ queueId, position }) => ({ queueId, amount: position })),
          ...payload.skills.map(({ skillId, level }) => ({ skillId, amount: level })),
        ],
        { until, by: actor.userId },
      );
      bus.publish({ type: 'config.changed', entity: 'agent', id: params.id });
      return show(params.id);
    },
  });
}
