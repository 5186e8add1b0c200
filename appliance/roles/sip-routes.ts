// /sip and /calls/{id}/sip: who is banned from the SIP ports, and what was said on them. Telephony knows no HTTP, so its doors to the outside are wired here.
import { isIP } from 'node:net';
import type { Server } from '@hapi/hapi';
import { z } from 'zod';
import { route } from '#appliance/http/route.ts';
import { idParams, text, time, uuid } from '#appliance/http/schemas.ts';
import type { Clock } from '#appliance/kernel/clock.ts';
import { AppError } from '#appliance/kernel/errors.ts';
import type { Bus } from '#appliance/platform/bus/index.ts';
import { type BanStore, sourceOf } from '#appliance/telephony/guard/index.ts';
import { ladder } from '#appliance/telephony/trace/index.ts';

const ban = z.object({
  id: uuid,
  source: z.string().meta({ description: 'An address, or a /64 of IPv6' }),
  reason: z.enum(['flood', 'unknown-user', 'wrong-password', 'scanner', 'manual']),
  detail: z.string(),
  count: z.number().int().meta({ description: 'How many times this source was banned' }),
  since: time,
  until: time.nullable().meta({ description: 'Null: until it is lifted' }),
});

const place = z.object({ address: z.string(), port: z.number().int() });
const message = z.object({
  at: time,
  direction: z.enum(['in', 'out']),
  transport: z.enum(['udp', 'tcp', 'tls', 'ws']),
  local: place,
  remote: place,
  callId: z.string(),
  text: z.string().meta({ description: 'As on the wire, secrets crossed out in their length' }),
});

interface Deps {
  bans: BanStore;
  bus: Pick<Bus, 'publish' | 'call'>;
  clock: Clock;
}

export function sipRoutes(server: Server, { bans, bus, clock }: Deps): void {
  route(server, {
    method: 'GET',
    path: '/calls/{id}/sip',
    permission: 'sip:read',
    summary: 'The SIP messages of a call, as far as they are remembered',
    description: 'The id is that of the interaction. `ladder` is the same as a picture in text.',
    params: idParams,
    response: z.object({ messages: z.array(message), ladder: z.array(z.string()) }),
    audit: { action: 'sip.traced', entity: 'interaction', entityId: ({ params }) => params.id },
    handler: async ({ params }) => {
      const { messages } = await bus.call('voice', 'sip.trace', { interactionId: params.id });
      return { messages, ladder: ladder(messages) };
    },
  });

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
      'Addresses of trunks and of phones that are registered are heard all the same: a ban of one of them has no effect while they are.',
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
}
