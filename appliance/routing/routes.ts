import type { Plugin } from '@hapi/hapi';
import { z } from 'zod';
import { crud } from '#appliance/http/crud.ts';
import { route } from '#appliance/http/route.ts';
import { idParams, text, uuid } from '#appliance/http/schemas.ts';
import { AppError } from '#appliance/kernel/errors.ts';
import type { Database } from '#appliance/platform/postgres/index.ts';
import { createConfigStore, type QueueRow } from './config-store.ts';
import { STRATEGIES } from './types.ts';

const seconds = (max: number) => z.number().min(0).max(max);
const DAY_S = 86_400;

const queueExit = z.discriminatedUnion('to', [
  z.object({ to: z.literal('queue'), queueId: uuid }).strict(),
  z.object({ to: z.literal('voicemail') }).strict(),
  z.object({ to: z.literal('callback') }).strict(),
  z.object({ to: z.literal('number'), number: text(40, 1) }).strict(),
  z.object({ to: z.literal('flow'), flowId: uuid }).strict(),
  z.object({ to: z.literal('hang-up') }).strict(),
]);

const overflow = z
  .object({
    when: z.enum(['waited', 'no-agents', 'full', 'max-wait', 'closed']),
    afterS: seconds(DAY_S).optional(),
    exit: queueExit,
  })
  .strict();

const announcements = z
  .object({
    music: uuid.nullable().optional(),
    welcome: uuid.nullable().optional(),
    firstAfterS: seconds(3600).optional(),
    everyS: z.number().min(5).max(3600).optional(),
    position: z.boolean().optional(),
    estimatedWait: z.boolean().optional(),
    escape: z
      .array(z.object({ digit: z.string().regex(/^[0-9*#]$/), exit: queueExit }).strict())
      .max(12)
      .refine((list) => new Set(list.map(({ digit }) => digit)).size === list.length, 'a digit is named twice')
      .optional(),
  })
  .strict();

/** A queue as the API takes it. */
const queueFields = z.object({
  name: text(100, 1),
  description: text(500).default(''),
  active: z.boolean().default(true),
  strategy: z.enum(STRATEGIES).default('longest-idle'),
  priority: z.int().min(0).max(10).default(5),
  ageingS: z
    .number()
    .positive()
    .max(DAY_S)
    .nullable()
    .default(60)
    .meta({ description: 'So much waiting is worth one point of priority; null: points never age.' }),
  answerWithinS: z.number().positive().max(DAY_S).default(20).meta({ description: 'The service level’s threshold.' }),
  shortAbandonS: seconds(3600).default(5),
  serviceLevelTarget: z.number().min(0).max(1).default(0.8),
  serviceLevelFormula: z
    .enum(['handled', 'without-abandons', 'positive', 'negative', 'without-short'])
    .default('without-abandons'),
  offerTimeoutS: z.number().min(1).max(600).default(20),
  ronaLimit: z.int().min(1).max(20).default(1).meta({ description: 'Missed offers in a row until not ready.' }),
  lastAgentWaitS: seconds(3600).default(0),
  maxWaiting: z.int().min(0).max(100_000).nullable().default(null),
  maxWaitS: z.number().positive().max(DAY_S).nullable().default(null),
  overflow: z.array(overflow).max(20).default([]),
  hoursId: uuid.nullable().default(null),
  wrapUp: z.enum(['none', 'timed', 'until-done']).default('timed'),
  wrapUpS: z.number().min(1).max(3600).default(30),
  wrapUpExtensionS: seconds(3600).default(120),
  afterWrapUp: z.enum(['ready', 'not-ready']).default('ready'),
  dispositionRequired: z.boolean().default(false),
  announcements: announcements.default({}),
  recordingRuleId: uuid.nullable().default(null),
  script: text(10_000).default('').meta({
    description:
      'Read by agents while a call rings and goes on: paragraphs, `# heads`, `- lists`, `**bold**`, and {caller}, {queue}, {agent}.',
  }),
  distinctiveRing: z
    .string()
    .regex(/^[a-z0-9-]{1,32}$/, 'small letters, digits and dashes')
    .nullable()
    .default(null)
    .meta({ description: 'Goes to phones as Alert-Info: <http://127.0.0.1>;info=NAME.' }),
  callbackAttempts: z.int().min(1).max(10).default(3),
  callbackIntervalS: z.int().min(0).max(DAY_S).default(900),
  skills: z
    .array(z.object({ skillId: uuid, minLevel: z.int().min(1).max(10) }).strict())
    .max(20)
    .default([]),
  relaxations: z
    .array(
      z
        .object({
          skillId: uuid,
          afterS: z.number().positive().max(DAY_S),
          minLevel: z.int().min(1).max(10).nullable(),
        })
        .strict(),
    )
    .max(100)
    .default([]),
});

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
