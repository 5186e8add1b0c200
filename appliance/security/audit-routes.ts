import type { Plugin } from '@hapi/hapi';
import { z } from 'zod';
import { route } from '#appliance/http/route.ts';
import { listQuery, pageOf, time } from '#appliance/http/schemas.ts';
import { AppError } from '#appliance/kernel/errors.ts';
import type { AuditLink } from './audit-chain.ts';
import type { Security } from './security.ts';

const entry = z.object({
  seq: z.number().int(),
  at: time,
  actor: z.string().nullable().meta({ description: 'Null for what the box does by itself, and for failed sign-ins.' }),
  actorId: z.string().nullable(),
  address: z.string().nullable(),
  action: z.string(),
  entity: z.string(),
  entityId: z.string().nullable(),
  details: z.record(z.string(), z.unknown()),
  hash: z.string(),
});

const report = z.object({
  ok: z.boolean(),
  entries: z.number().int(),
  head: z.object({ seq: z.number().int(), hash: z.string() }).nullable().optional(),
  broken: z.object({ seq: z.number().int(), why: z.string(), sentence: z.string() }).optional(),
});

/** Reading the audit chain. Verifying it is itself an entry. */
export const auditRoutes: Plugin<{ security: Security }> = {
  name: 'security/audit',
  register(server, { security: { audit } }) {
    route(server, {
      method: 'GET',
      path: '/audit',
      permission: 'audit:read',
      summary: 'Searches the audit chain, newest first',
      query: listQuery.extend({
        actor: z.string().max(64).optional(),
        action: z.string().max(100).optional(),
        entity: z.string().max(100).optional(),
        entityId: z.string().max(200).optional(),
        from: z.iso.datetime({ offset: true }).optional(),
        to: z.iso.datetime({ offset: true }).optional(),
      }),
      response: pageOf(entry),
      handler: async ({ query }) => {
        const { limit, cursor, from, to, ...filter } = query;
        const found = await audit.search({
          ...filter,
          from: from === undefined ? undefined : new Date(from),
          to: to === undefined ? undefined : new Date(to),
          before: cursor === undefined ? undefined : seqOf(cursor),
          limit: limit + 1,
        });
        const items = found.slice(0, limit);
        return { items: items.map(view), next: found.length > limit ? String(items.at(-1)!.seq) : null };
      },
    });

    route(server, {
      method: 'GET',
      path: '/audit/verify',
      permission: 'audit:read',
      summary: 'Checks every link of the audit chain',
      response: report,
      audit: {
        action: 'audit.verified',
        entity: 'audit',
        entityId: () => null,
        details: (_incoming, result) => ({
          ok: (result as { ok: boolean }).ok,
          entries: (result as { entries: number }).entries,
        }),
      },
      handler: () => audit.verify(),
    });
  },
};

function view(link: AuditLink) {
  return { ...link, hash: link.hash.toString('hex') };
}

function seqOf(cursor: string): number {
  if (!/^\d{1,15}$/.test(cursor))
    throw new AppError('invalid', 'invalid-cursor', 'The cursor is not one that a list returned');
  return Number(cursor);
}
