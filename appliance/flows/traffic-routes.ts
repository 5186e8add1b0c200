import type { Server } from '@hapi/hapi';
import { z } from 'zod';
import { route } from '#appliance/http/route.ts';
import { idParams, time } from '#appliance/http/schemas.ts';
import { AppError } from '#appliance/kernel/errors.ts';
import type { FlowAdmin } from './flow-admin.ts';
import type { Traffic } from './traffic.ts';

/** Runs are kept for a month. */
const MOST_DAYS = 31;
const calls = z.int();

/** /flows/{id}/traffic: which ways calls took. */
export function trafficRoutes(server: Server, { admin, traffic }: { admin: FlowAdmin; traffic: Traffic }): void {
  route(server, {
    method: 'GET',
    path: '/flows/{id}/traffic',
    permission: 'flows:read',
    summary: 'How many calls went each way through a flow, over all its versions',
    description: 'Counted from what every call leaves behind; an answer may be some seconds old (`at`).',
    params: idParams,
    query: z.object({
      since: z.iso
        .datetime({ offset: true })
        .optional()
        .meta({ description: 'The beginning of today in the caller’s time zone when absent' }),
    }),
    response: z.object({
      since: time,
      at: time,
      calls,
      edges: z.array(z.object({ step: z.string(), edge: z.string(), to: z.string(), calls })),
      ends: z.array(z.object({ step: z.string(), end: z.string(), calls })),
    }),
    handler: async ({ params, query, actor }) => {
      await admin.existing(params.id);
      const since = query.since === undefined ? await traffic.today(actor.userId) : new Date(query.since);
      if (Date.now() - since.getTime() > MOST_DAYS * 86_400_000)
        throw new AppError('invalid', 'period-invalid', `Calls are counted for the last ${MOST_DAYS} days.`);
      return traffic.of(params.id, since);
    },
  });
}
