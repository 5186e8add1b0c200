import type { Plugin } from '@hapi/hapi';
import { z } from 'zod';
import { route } from '#appliance/http/route.ts';
import { idParams, text, uuid } from '#appliance/http/schemas.ts';
import { AppError } from '#appliance/kernel/errors.ts';
import type { Reporting } from './index.ts';

const when = z.iso.datetime({ offset: true });
const period = z.object({
  from: when.optional().meta({ description: 'Arrived at or after; today in the caller’s time zone when absent' }),
  to: when.optional().meta({ description: 'Arrived before' }),
  timeZone: text(64).optional().meta({ description: 'The caller’s own when absent' }),
});
const cut = period.extend({
  by: z.enum(['total', 'day', 'hour', 'quarter-hour']).default('total'),
  queueId: uuid.optional(),
});
const rows = period.extend({
  figure: z
    .enum([
      'offered',
      'answered',
      'answered-within',
      'abandoned',
      'abandoned-within',
      'short-abandoned',
      'flowed-out',
      'waiting',
    ])
    .default('offered'),
  limit: z.coerce.number().int().min(1).max(500).default(50),
  cursor: z.string().max(500).optional(),
});

const MAX_DAYS = 400;

/** Figures and the rows behind them. */
export const reportRoutes: Plugin<{ reporting: Reporting }> = {
  name: 'reporting/routes',
  register(server, { reporting }) {
    async function resolved(query: z.output<typeof period>, userId: string) {
      const timeZone = query.timeZone ?? (await reporting.timeZoneOf(userId));
      const today = reporting.today(timeZone);
      const from = query.from === undefined ? today.from : new Date(query.from);
      const to = query.to === undefined ? today.to : new Date(query.to);
      if (to <= from || to.getTime() - from.getTime() > MAX_DAYS * 86_400_000) {
        throw new AppError(
          'invalid',
          'period-invalid',
          `A period ends after it begins and has at most ${MAX_DAYS} days.`,
        );
      }
      return { from, to, timeZone };
    }

    route(server, {
      method: 'GET',
      path: '/reports/queues',
      permission: 'reports:read',
      summary: 'Figures of all queues in a period, whole or per day or hour',
      query: cut,
      handler: async ({ query, actor }) => {
        const { from, to, timeZone } = await resolved(query, actor.userId);
        const by = query.by === 'total' ? undefined : { by: query.by, timeZone };
        const items = await reporting.queueReport({ from, to, queueId: query.queueId }, by);
        return { from: from.toISOString(), to: to.toISOString(), timeZone, items };
      },
    });

    route(server, {
      method: 'GET',
      path: '/reports/agents',
      permission: 'reports:read',
      summary: 'What agents did for contacts that arrived in a period',
      query: period.extend({ queueId: uuid.optional() }),
      handler: async ({ query, actor }) => {
        const { from, to, timeZone } = await resolved(query, actor.userId);
        const items = await reporting.agentReport({ from, to, queueId: query.queueId });
        return { from: from.toISOString(), to: to.toISOString(), timeZone, items };
      },
    });

    route(server, {
      method: 'GET',
      path: '/me/figures',
      permission: 'me',
      summary: 'What I did for contacts of queues that arrived in a period',
      query: period,
      response: z.object({ answered: z.number(), talkS: z.number(), holdS: z.number(), wrapUpS: z.number() }),
      handler: async ({ query, actor }) => {
        const { from, to } = await resolved(query, actor.userId);
        const items = await reporting.agentReport({ from, to });
        return items.find((one) => one.agentId === actor.userId) ?? { answered: 0, talkS: 0, holdS: 0, wrapUpS: 0 };
      },
    });

    route(server, {
      method: 'GET',
      path: '/queues/{id}/figures',
      permission: 'reports:read',
      summary: 'Figures of one queue, with the formula of its service level',
      params: idParams,
      query: period,
      handler: async ({ params, query, actor }) => {
        const { from, to, timeZone } = await resolved(query, actor.userId);
        const figures = (await reporting.queueFigures({ from, to, queueId: params.id })).get(params.id);
        if (!figures) throw new AppError('not-found', 'queue-unknown', `There is no queue ${params.id}`);
        return { from: from.toISOString(), to: to.toISOString(), timeZone, figures };
      },
    });

    route(server, {
      method: 'GET',
      path: '/queues/{id}/contacts',
      permission: 'reports:read',
      summary: 'The contacts that a figure counted',
      params: idParams,
      query: rows,
      handler: async ({ params, query, actor }) => {
        const { from, to } = await resolved(query, actor.userId);
        return await reporting.contacts({ from, to, queueId: params.id }, query.figure, query);
      },
    });
  },
};
