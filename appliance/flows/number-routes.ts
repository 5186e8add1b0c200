import type { Server } from '@hapi/hapi';
import { z } from 'zod';
import { crud } from '#appliance/http/crud.ts';
import { route } from '#appliance/http/route.ts';
import { text, time, uuid } from '#appliance/http/schemas.ts';
import { AppError } from '#appliance/kernel/errors.ts';
import { uuidv7 } from '#appliance/kernel/ids.ts';
import type { Secrets } from '#appliance/platform/secrets/index.ts';
import type { FlowHostRow, FlowStore } from './flow-store.ts';
import { hoursAt, isTimeOfDay, isTimeZone, nextOpening } from './hours.ts';

const timeOfDay = z.string().refine(isTimeOfDay, 'a time such as 08:30');
const endOfRange = z
  .string()
  .refine((value) => value === '24:00' || isTimeOfDay(value), 'a time such as 17:00, or 24:00');
const range = z.strictObject({ from: timeOfDay, to: endOfRange });
const hoursFields = z.object({
  name: text(100, 1),
  timeZone: z.string().max(60).refine(isTimeZone, 'a time zone such as Europe/Berlin'),
  weekly: z
    .array(range.extend({ days: z.array(z.number().int().min(1).max(7)).min(1).max(7) }))
    .max(50)
    .default([]),
  holidays: z
    .array(
      z.strictObject({
        date: z.iso.date(),
        name: text(100, 1),
        yearly: z.boolean().optional(),
        ranges: z.array(range).max(10).optional(),
      }),
    )
    .max(500)
    .default([]),
});
const language = z.string().regex(/^[a-z]{2}(-[A-Z]{2})?$/, 'a language such as en or de');
const didFields = z.object({
  number: z
    .string()
    .regex(
      /^(\+[1-9][0-9]{1,14}|[a-z][a-z0-9._-]{0,39})$/,
      'a number in E.164 form, such as +15550100, or the name another telephone system calls us by, such as sales',
    ),
  name: text(100).nullable().default(null),
  flowId: uuid.nullable().default(null),
  queueId: uuid.nullable().default(null),
  agentId: uuid.nullable().default(null).meta({ description: 'A number of somebody’s own.' }),
  language: language.nullable().default(null),
});
const hostFields = z.object({
  host: z
    .string()
    .max(255)
    .refine(
      (value) => URL.parse(`https://${value}`)?.host === value.toLowerCase(),
      'a host name or address, with :port when it is not the usual one',
    )
    .transform((value) => value.toLowerCase()),
  plainHttp: z.boolean().default(false),
  note: text(500).nullable().default(null),
  /** Sent with each request to the host; never shown again. */
  headers: z
    .record(
      z.string().regex(/^[A-Za-z0-9-]{1,60}$/),
      z
        .string()
        .max(4000)
        .regex(/^[^\r\n\0]*$/),
    )
    .optional(),
});

/** /hours, /dids, /flow-hosts: when we are open, where numbers lead, and which services flows may ask. */
export function numberRoutes(
  server: Server,
  { store, secrets, now = () => new Date() }: { store: FlowStore; secrets: Pick<Secrets, 'seal'>; now?: () => Date },
): void {
  crud(server, { path: '/hours', noun: 'hours', permission: 'hours', schema: hoursFields, store: store.hours });

  route(server, {
    method: 'GET',
    path: '/hours/{id}/state',
    permission: 'hours:read',
    summary: 'Says whether it is open, now or at a given time',
    params: z.object({ id: uuid }),
    query: z.object({ at: z.iso.datetime({ offset: true }).optional() }),
    response: z.object({
      state: z.enum(['open', 'closed', 'holiday']),
      holiday: z.string().nullable(),
      until: time.nullable(),
      opensAt: time.nullable(),
    }),
    handler: async ({ params, query }) => {
      const hours = await store.hours.get(params.id);
      if (!hours) throw new AppError('not-found', 'not-found', 'There are no such hours.');
      const at = query.at ? new Date(query.at) : now();
      const state = hoursAt(hours, at);
      return {
        state: state.state,
        holiday: state.state === 'holiday' ? state.name : null,
        until: state.state === 'open' ? state.until.toISOString() : null,
        opensAt: state.state === 'open' ? null : (nextOpening(hours, at)?.toISOString() ?? null),
      };
    },
  });

  crud(server, {
    path: '/dids',
    noun: 'did',
    permission: 'dids',
    schema: didFields,
    store: store.dids,
    prepare(fields, { current }) {
      const targets = { flowId: null, queueId: null, agentId: null, ...current, ...fields };
      if ([targets.flowId, targets.queueId, targets.agentId].filter((id) => id !== null).length !== 1)
        throw new AppError(
          'invalid',
          'did-target',
          'A number leads to a flow, a queue or a person: give exactly one of flowId, queueId and agentId.',
        );
      return fields;
    },
  });

  crud(server, {
    path: '/flow-hosts',
    noun: 'flow-host',
    permission: 'flow-hosts',
    schema: hostFields,
    viewSchema: z.object({
      host: z.string(),
      plainHttp: z.boolean(),
      note: z.string().nullable(),
      hasHeaders: z.boolean(),
    }),
    view: (row) => ({ ...row, hasHeaders: row.headersSealed !== null }),
    secret: ['headersSealed'],
    store: store.hosts,
    prepare({ headers, ...fields }, { current }): Partial<FlowHostRow> {
      if (headers === undefined) return fields;
      const id = current?.id ?? uuidv7();
      const headersSealed =
        Object.keys(headers).length === 0 ? null : secrets.seal(JSON.stringify(headers), `flow-host:${id}`);
      return { ...fields, headersSealed, ...(!current && { id }) };
    },
  });
}
