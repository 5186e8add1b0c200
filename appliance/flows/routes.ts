import type { Server } from '@hapi/hapi';
import { z } from 'zod';
import { crud, versionOf } from '#appliance/http/crud.ts';
import { route } from '#appliance/http/route.ts';
import { idParams, text, time, uuid } from '#appliance/http/schemas.ts';
import type { Secrets } from '#appliance/platform/secrets/index.ts';
import { assertDraft, EMPTY_FLOW, type FlowAdmin } from './flow-admin.ts';
import { greetingRoutes } from './greeting-routes.ts';
import { numberRoutes } from './number-routes.ts';
import { promptRoutes } from './prompt-routes.ts';
import type { Prompts } from './prompts.ts';
import type { Traffic } from './traffic.ts';
import { trafficRoutes } from './traffic-routes.ts';

const problem = z.object({
  severity: z.enum(['error', 'warning']),
  step: z.string().optional(),
  code: z.string(),
  message: z.string(),
});
const problems = z.array(problem);
const document = z.record(z.string(), z.unknown());
const number = z.coerce.number().int().min(1).max(1_000_000);
const version = z.object({
  id: uuid,
  number: z.number(),
  note: z.string().nullable(),
  publishedBy: z.string().nullable(),
  publishedAt: time,
});
const which = z.union([z.literal('draft'), number]);

export interface FlowRoutesDeps {
  admin: FlowAdmin;
  prompts: Prompts;
  secrets: Pick<Secrets, 'seal'>;
  traffic: Traffic;
}

/** All routes of this room. */
export function registerFlowRoutes(server: Server, { admin, prompts, secrets, traffic }: FlowRoutesDeps): void {
  flowRoutes(server, { admin });
  trafficRoutes(server, { admin, traffic });
  numberRoutes(server, { store: admin.store, secrets });
  promptRoutes(server, { prompts });
  greetingRoutes(server, { prompts });
}

/** /flows: what callers are led through. */
function flowRoutes(server: Server, { admin }: { admin: FlowAdmin }): void {
  crud(server, {
    path: '/flows',
    noun: 'flow',
    permission: 'flows',
    schema: z.object({
      name: text(100, 1),
      description: text(2000).nullable().default(null),
      draft: document.optional(),
    }),
    viewSchema: z.object({ name: z.string(), description: z.string().nullable(), publishedVersionId: uuid.nullable() }),
    store: admin.store.flows,
    prepare(fields, { current }) {
      if (fields.draft !== undefined) assertDraft(fields.draft);
      return current || fields.draft !== undefined
        ? withoutUndefined(fields)
        : { ...withoutUndefined(fields), draft: EMPTY_FLOW };
    },
  });

  route(server, {
    method: 'GET',
    path: '/flows/{id}/draft',
    permission: 'flows:read',
    summary: 'Shows the draft of a flow with what is wrong in it',
    params: idParams,
    response: z.object({ document, problems }),
    handler: async ({ params, h }) => {
      const row = await admin.existing(params.id);
      const { problems: found } = await admin.check(row.draft);
      return h
        .response({ document: row.draft as object, problems: found })
        .etag(String(row.version), { weak: false, vary: false });
    },
  });

  route(server, {
    method: 'PUT',
    path: '/flows/{id}/draft',
    permission: 'flows:write',
    summary: 'Replaces the draft of a flow; it may be unfinished',
    params: idParams,
    payload: z.object({ document }),
    response: z.object({ problems }),
    conditional: true,
    audit: { action: 'flow.drafted', entity: 'flow' },
    handler: async ({ params, payload, request, h }) => {
      const current = await admin.existing(params.id);
      const saved = await admin.saveDraft(
        params.id,
        versionOf(request.headers['if-match']) ?? current.version,
        payload.document,
      );
      changed(params.id);
      return h.response({ problems: saved.problems }).etag(String(saved.row.version), { weak: false, vary: false });
    },
  });

  route(server, {
    method: 'POST',
    path: '/flows/{id}/publish',
    permission: 'flows:write',
    summary: 'Publishes the draft for calls that arrive from now on',
    description:
      'Refused with flow-invalid and the problems while the draft has errors. If-Match is honoured when sent.',
    params: idParams,
    payload: z.object({ note: text(500).nullable().default(null) }).prefault({}),
    response: version,
    status: 201,
    audit: {
      action: 'flow.published',
      entity: 'flow',
      details: (_, result) => ({ number: (result as { number: number }).number }),
    },
    handler: async ({ params, payload, actor, request }) => {
      const published = await admin.publish(params.id, {
        version: optionalVersion(request.headers['if-match']),
        note: payload.note,
        by: actor.userId,
      });
      changed(params.id);
      return published;
    },
  });

  route(server, {
    method: 'POST',
    path: '/flows/{id}/rollback',
    permission: 'flows:write',
    summary: 'Lets an earlier version serve new calls again',
    params: idParams,
    payload: z.object({ number }),
    response: version,
    audit: { action: 'flow.rolled-back', entity: 'flow', details: ({ payload }) => ({ number: payload.number }) },
    handler: async ({ params, payload, request }) => {
      const earlier = await admin.rollBack(params.id, payload.number, optionalVersion(request.headers['if-match']));
      changed(params.id);
      return earlier;
    },
  });

  route(server, {
    method: 'GET',
    path: '/flows/{id}/versions',
    permission: 'flows:read',
    summary: 'Lists the published versions of a flow, newest first',
    params: idParams,
    response: z.object({ items: z.array(version.extend({ published: z.boolean() })) }),
    handler: async ({ params }) => {
      const row = await admin.existing(params.id);
      const items = await admin.store.versions(row.id);
      return { items: items.map((item) => ({ ...item, published: item.id === row.publishedVersionId })) };
    },
  });

  route(server, {
    method: 'GET',
    path: '/flows/{id}/versions/{number}',
    permission: 'flows:read',
    summary: 'Shows one version of a flow',
    params: idParams.extend({ number }),
    response: version.extend({ document }),
    handler: ({ params }) => admin.versionOf(params.id, params.number),
  });

  route(server, {
    method: 'GET',
    path: '/flows/{id}/diff',
    permission: 'flows:read',
    summary: 'Compares two versions, or a version with the draft',
    params: idParams,
    query: z.object({ from: which, to: which.default('draft') }),
    handler: ({ params, query }) => admin.diff(params.id, query.from, query.to),
  });

  route(server, {
    method: 'POST',
    path: '/flows/{id}/validate',
    permission: 'flows:read',
    summary: 'Checks a document, or the draft when none is sent',
    params: idParams,
    payload: z.object({ document: document.optional() }).prefault({}),
    response: z.object({ problems }),
    handler: async ({ params, payload }) => {
      const { problems: found } = await admin.check(payload.document ?? (await admin.existing(params.id)).draft);
      return { problems: found };
    },
  });

  route(server, {
    method: 'POST',
    path: '/flows/{id}/test',
    permission: 'flows:read',
    summary: 'Runs a flow in text, without a call',
    params: idParams,
    payload: z
      .object({
        document: document.optional(),
        version: z.union([z.literal('draft'), z.literal('published'), number]).default('draft'),
        digits: z
          .array(z.string().regex(/^[0-9*#]{0,64}$/))
          .max(100)
          .default([]),
        at: z.iso.datetime({ offset: true }).optional(),
        from: z.string().max(40).optional(),
        customer: z
          .record(z.string().max(40), z.union([z.string().max(500), z.number(), z.boolean(), z.null()]))
          .optional(),
        http: z
          .record(
            z.string().max(48),
            z.object({ status: z.number().int().min(100).max(599), body: z.unknown().optional() }),
          )
          .optional(),
        queue: z.enum(['connected', 'refused']).default('connected'),
        transfer: z.enum(['connected', 'busy', 'no-answer', 'failed']).default('connected'),
      })
      .prefault({}),
    response: z.object({
      lines: z.array(z.string()),
      path: z.array(z.object({ step: z.string(), edge: z.string().optional() })),
      outcome: z.object({ end: z.string(), step: z.string(), detail: z.string().optional() }),
      variables: z.record(z.string(), z.unknown()),
      problems,
    }),
    handler: ({ params, payload }) =>
      admin.test(params.id, payload.document ? { document: payload.document } : payload.version, {
        digits: payload.digits,
        transfer: payload.transfer,
        queue: payload.queue === 'refused' ? { end: 'refused', why: 'closed' } : { end: 'connected' },
        ...(payload.at !== undefined && { at: new Date(payload.at) }),
        ...(payload.from !== undefined && { from: payload.from }),
        ...(payload.customer && { customer: payload.customer }),
        ...(payload.http && { http: payload.http }),
      }),
  });

  function changed(id: string): void {
    server.app.bus.publish({ type: 'config.changed', entity: 'flow', id });
  }
}

function optionalVersion(ifMatch: unknown): number | undefined {
  return ifMatch === undefined ? undefined : versionOf(ifMatch);
}

function withoutUndefined<T extends object>(fields: T): { [K in keyof T]: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as {
    [K in keyof T]: Exclude<T[K], undefined>;
  };
}
