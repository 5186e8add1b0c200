import type { Plugin } from '@hapi/hapi';
import { z } from 'zod';
import { CHANNELS } from '#appliance/contract/work.ts';
import { crud } from '#appliance/http/crud.ts';
import { route } from '#appliance/http/route.ts';
import { idParams, text, time, uuid } from '#appliance/http/schemas.ts';
import { AppError } from '#appliance/kernel/errors.ts';
import type { Database } from '#appliance/platform/postgres/index.ts';
import { createConfigStores } from './config-store.ts';
import type { Agents } from './index.ts';

const channel = z.enum(CHANNELS);
const named = z.object({ name: text(100, 1), description: text(500).default('') });
const team = named.extend({
  timeZone: text(64)
    .nullable()
    .default(null)
    .meta({ description: 'Such as Europe/Berlin: its midnight ends what was changed for today; null: the box’s' }),
});
const reason = z.object({
  code: z.string().regex(/^[A-Za-z0-9][A-Za-z0-9 _-]{0,39}$/, 'letters, digits, space, - and _, at most 40'),
  label: text(100, 1),
  paid: z.boolean().default(true),
  active: z.boolean().default(true),
  position: z.int().min(0).max(10_000).default(0),
});
const agent = z.object({
  userId: uuid.optional().meta({ description: 'The account that works as this agent; given once, at creation.' }),
  extension: z
    .string()
    .regex(/^[0-9*#]{1,16}$/)
    .nullable()
    .default(null),
  teamId: uuid.nullable().default(null),
  capacity: z.partialRecord(channel, z.int().min(0).max(50)).optional(),
  interrupts: z
    .partialRecord(channel, z.array(channel).max(CHANNELS.length))
    .optional()
    .meta({ description: 'While working on the key, these channels may be offered all the same.' }),
  ringOn: z.enum(['all', 'browser', 'phone', 'number']).default('all'),
  ringNumber: text(40).nullable().default(null),
  skills: z
    .array(z.object({ skillId: uuid, level: z.int().min(1).max(10) }))
    .max(100)
    .default([])
    .refine((list) => new Set(list.map(({ skillId }) => skillId)).size === list.length, 'a skill is named twice'),
});
const agentView = agent.omit({ userId: true }).extend({ name: z.string(), username: z.string(), active: z.boolean() });
const period = z.object({ from: z.iso.datetime({ offset: true }), to: z.iso.datetime({ offset: true }) });

/** Configuration of people at work, and the history of their presence. */
export const agentRoutes: Plugin<{ db: Database; agents: Pick<Agents, 'presenceHistory'> }> = {
  name: 'agents/routes',
  register(server, { db, agents }) {
    const stores = createConfigStores(db);
    crud(server, { path: '/teams', noun: 'team', permission: 'teams', schema: team, store: stores.teams });
    crud(server, { path: '/skills', noun: 'skill', permission: 'skills', schema: named, store: stores.skills });
    crud(server, {
      path: '/reasons',
      noun: 'reason',
      permission: 'reasons',
      schema: reason,
      viewSchema: reason.extend({ system: z.boolean() }),
      readOnly: ['system'],
      store: stores.reasons,
      prepare: (fields, { current }) => {
        if (current?.system && fields.code !== undefined && fields.code !== current.code) {
          throw new AppError('conflict', 'reason-of-the-system', 'The router sets this reason; its code stays.');
        }
        return fields;
      },
      beforeRemove: (row) => {
        if (row.system)
          throw new AppError('conflict', 'reason-of-the-system', 'The router sets this reason; it stays.');
      },
    });
    crud(server, {
      path: '/agents',
      noun: 'agent',
      permission: 'agents',
      schema: agent,
      viewSchema: agentView,
      readOnly: ['name', 'username', 'active'],
      store: stores.agents,
      prepare: ({ userId, ...fields }, { current }) => {
        if (!current && !userId) throw new AppError('invalid', 'user-missing', 'Say whose account it is: userId.');
        const ringOn = fields.ringOn ?? current?.ringOn;
        const ringNumber = fields.ringNumber === undefined ? current?.ringNumber : fields.ringNumber;
        if (ringOn === 'number' && !ringNumber) {
          throw new AppError('invalid', 'ring-number-missing', 'To ring on a number, ringNumber is needed.');
        }
        return { ...fields, ...(current ? {} : { id: userId! }) } as never;
      },
    });

    route(server, {
      method: 'GET',
      path: '/agents/{id}/presence',
      permission: 'agents:read',
      summary: 'The history of an agent’s presence in a period',
      params: idParams,
      query: period,
      response: z.object({
        items: z.array(z.object({ state: z.string(), reason: z.string().nullable(), since: time, by: z.string() })),
      }),
      handler: async ({ params, query }) => ({
        items: await agents.presenceHistory(params.id, new Date(query.from), new Date(query.to)),
      }),
    });
  },
};
