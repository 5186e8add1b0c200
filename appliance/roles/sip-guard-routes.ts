// /sip/bans, /sip/allowed and /sip/guard: who is not heard on the SIP ports, who always is, and what the guard had to do.
import { isIP } from 'node:net';
import type { Server } from '@hapi/hapi';
import { z } from 'zod';
import { crud } from '#appliance/http/crud.ts';
import { route } from '#appliance/http/route.ts';
import { idParams, text, time, uuid } from '#appliance/http/schemas.ts';
import type { Clock } from '#appliance/kernel/clock.ts';
import { AppError } from '#appliance/kernel/errors.ts';
import type { Bus } from '#appliance/platform/bus/index.ts';
import { type CrudRow, type CrudStore, type Database, tableStore } from '#appliance/platform/postgres/index.ts';
import { type BanStore, sourceOf } from '#appliance/telephony/guard/index.ts';
import { isNetwork } from '#appliance/telephony/trunks/index.ts';

const ban = z.object({
  id: uuid,
  source: z.string().meta({ description: 'An address, or a /64 of IPv6' }),
  reason: z.enum(['flood', 'unknown-user', 'wrong-password', 'scanner', 'manual']),
  detail: z.string(),
  count: z.number().int().meta({ description: 'How many times this source was banned' }),
  since: time,
  until: time.nullable().meta({ description: 'Null: until it is lifted' }),
});

/** Wider than this would be everybody. */
const WIDEST = { 4: 8, 6: 16 } as const;
const network = z
  .string()
  .trim()
  .max(64)
  .refine((value) => isNetwork(value) && isNarrow(value), 'an address, or a network of at least /8 (IPv6: /16)')
  .meta({ description: 'An address or a network: never refused, never banned' });
const allowed = z.object({ network, note: text(200).default('') });

export interface AllowedRow extends CrudRow {
  network: string;
  note: string;
}

export const allowedStore = (db: Database): CrudStore<AllowedRow> =>
  tableStore<AllowedRow>(db, {
    table: 'sip_allowed',
    columns: ['network', 'note'],
    search: ['network', 'note'],
    order: 'network',
  });

interface Deps {
  bans: BanStore;
  allowed: CrudStore<AllowedRow>;
  bus: Pick<Bus, 'publish' | 'call'>;
  clock: Clock;
}

export function sipGuardRoutes(server: Server, { bans, allowed: allowedNetworks, bus, clock }: Deps): void {
  route(server, {
    method: 'GET',
    path: '/sip/bans',
    permission: 'sip:read',
    summary: 'Addresses that are not heard on the SIP ports',
    response: z.object({ items: z.array(ban) }),
    handler: async () => ({ items: await bans.load(clock.now()) }),
  });

  route(server, {
    method: 'POST',
    path: '/sip/bans',
    permission: 'sip:write',
    summary: 'Bans an address',
    description:
      'Addresses of trunks, of registered phones and of the allow-list are heard all the same: a ban of one of them has no effect while they are.',
    payload: z
      .object({
        address: z.string().refine((value) => isIP(value) !== 0, 'an address of IPv4 or IPv6'),
        hours: z.number().min(0.1).max(8760).nullable().default(24),
        note: text(200).default(''),
      })
      .strict(),
    response: ban,
    status: 201,
    audit: {
      action: 'sip-ban.made',
      entity: 'sip-ban',
      entityId: (_incoming, made) => (made as { id: string }).id,
      details: ({ payload }) => payload,
    },
    handler: async ({ payload: { address, hours, note } }) => {
      const since = clock.now();
      const made = await bans.save({
        source: sourceOf(address),
        reason: 'manual',
        detail: note,
        since,
        until: hours === null ? null : new Date(since.getTime() + hours * 3600_000),
      });
      bus.publish({ type: 'config.changed', entity: 'sip-ban', id: made.id });
      return made;
    },
  });

  route(server, {
    method: 'DELETE',
    path: '/sip/bans/{id}',
    permission: 'sip:write',
    summary: 'Lifts a ban',
    params: idParams,
    status: 204,
    audit: { action: 'sip-ban.lifted', entity: 'sip-ban', entityId: ({ params }) => params.id },
    handler: async ({ params }) => {
      if (!(await bans.lift(params.id, clock.now())))
        throw new AppError('not-found', 'not-found', `There is no ban ${params.id}`);
      bus.publish({ type: 'config.changed', entity: 'sip-ban', id: params.id });
    },
  });

  crud<AllowedRow, typeof allowed>(server, {
    path: '/sip/allowed',
    noun: 'sip-allowed',
    permission: 'sip',
    schema: allowed,
    store: allowedNetworks,
  });

  route(server, {
    method: 'GET',
    path: '/sip/guard',
    permission: 'sip:read',
    summary: 'What the guard of the SIP ports did in the last 24 hours, and who is about to be banned',
    description: 'Counted in memory: it begins anew when the telephony role is restarted.',
    response: z.object({
      hours: z.array(z.object({ at: time, counts: z.record(z.string(), z.number().int()) })),
      suspects: z.array(
        z.object({
          source: z.string(),
          floods: z.number().int(),
          unknown: z.number().int(),
          passwords: z.number().int(),
          at: time.meta({ description: 'When the ten minutes began in which this was counted' }),
        }),
      ),
      sources: z.number().int().meta({ description: 'Sources that are remembered at this moment' }),
    }),
    handler: () => bus.call('voice', 'sip.guard', {}),
  });
}

function isNarrow(value: string): boolean {
  const [address = '', prefix] = value.split('/');
  return prefix === undefined || Number(prefix) >= WIDEST[isIP(address) === 6 ? 6 : 4];
}
