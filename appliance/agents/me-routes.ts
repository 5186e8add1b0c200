import type { Server } from '@hapi/hapi';
import { z } from 'zod';
import { route } from '#appliance/http/route.ts';
import { idParams, text, time } from '#appliance/http/schemas.ts';
import type { Bus } from '#appliance/platform/bus/index.ts';

const wanted = z.object({
  state: z.enum(['ready', 'not-ready', 'offline']),
  reason: text(40, 1).optional().meta({ description: 'Code of a not-ready reason.' }),
});
const presence = z.object({
  state: z.enum(['ready', 'not-ready', 'offline']),
  reason: z.string().nullable(),
  since: time,
});

/** Presence: one's own, and a supervisor's hand on that of others. The router decides and keeps it. */
export function presenceRoutes(server: Server, { bus }: { bus: Pick<Bus, 'call'> }): void {
  route(server, {
    method: 'PUT',
    path: '/me/presence',
    permission: 'me',
    summary: 'Says whether I take work',
    payload: wanted,
    response: presence,
    handler: ({ actor, payload }) => set(actor.userId, payload, actor.userId),
  });

  route(server, {
    method: 'GET',
    path: '/me/presence',
    permission: 'me',
    summary: 'Whether I take work',
    response: presence,
    handler: async ({ actor }) => {
      const { presence: state, reason, since } = await bus.call('router', 'live.me', { agentId: actor.userId });
      return { state, reason, since };
    },
  });

  route(server, {
    method: 'PUT',
    path: '/agents/{id}/presence',
    permission: 'presence:write',
    summary: 'Changes the presence of an agent',
    params: idParams,
    payload: wanted,
    response: presence,
    audit: { action: 'presence.set', entity: 'agent', details: ({ payload }) => ({ to: payload }) },
    handler: ({ actor, params, payload }) => set(params.id, payload, actor.userId),
  });

  function set(agentId: string, { state, reason }: z.output<typeof wanted>, by: string) {
    return bus.call('router', 'presence.set', { agentId, state, ...(reason !== undefined && { reason }), by });
  }
}
