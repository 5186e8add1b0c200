import type { Server } from '@hapi/hapi';

import { z } from 'zod';
import {
  type Forwarding,
  type ForwardTarget,
  forwarding,
  NO_FORWARDING,
  ringPattern,
} from '#appliance/contract/calls.ts';
import type { Actor } from '#appliance/contract/identity.ts';
import { route } from '#appliance/http/route.ts';
import { idParams } from '#appliance/http/schemas.ts';
import { AppError } from '#appliance/kernel/errors.ts';
import type { Agents } from './index.ts';

const forwardingView = forwarding.extend({
  mayForwardOutside: z.boolean().meta({ description: 'Whether I may name a number outside.' }),
});
const ringing = z.strictObject({ pattern: ringPattern.nullable() });

/** Where calls for a person go on to, and how their devices ring: their own, and an administrator's for others. */
export function callSettingsRoutes(
  server: Server,
  { agents, isExtension }: { agents: Agents; isExtension(extension: string): Promise<boolean> },
): void {
  for (const [path, read, write, whose] of [
    ['/me', 'me', 'me', (actor: Actor) => actor.userId],
    ['/agents/{id}', 'agents:read', 'agents:write', (_: Actor, params?: { id: string }) => params!.id],
  ] as const) {
    const params = path === '/me' ? undefined : idParams;
    route(server, {
      method: 'GET',
      path: `${path}/forwarding`,
      permission: read,
      summary: 'Where calls for this person go on to',
      ...(params ? { params } : {}),
      response: forwardingView,
      handler: ({ actor, params }) => show(actor, whose(actor, params as { id: string } | undefined)),
    });
    route(server, {
      method: 'PUT',
      path: `${path}/forwarding`,
      permission: write,
      summary: 'Says where calls for this person go on to; calls of queues never do',
      ...(params ? { params } : {}),
      payload: forwarding,
      response: forwardingView,
      audit: {
        action: 'agent.forwarding-set',
        entity: 'agent',
        entityId: ({ actor, params }) => whose(actor, params as { id: string } | undefined),
        details: ({ payload }) => payload,
      },
      handler: async ({ actor, params, payload }) => {
        const agentId = whose(actor, params as { id: string } | undefined);
        const before = agents.get(agentId)?.forwarding ?? NO_FORWARDING;
        for (const rule of ['always', 'busy', 'noAnswer', 'notRegistered'] as const)
          await check(actor, agentId, payload[rule], before[rule]);
        await agents.setForwarding(agentId, payload);
        return show(actor, agentId);
      },
    });
    route(server, {
      method: 'GET',
      path: `${path}/ringing`,
      permission: read,
      summary: 'Which devices of this person ring, and when',
      ...(params ? { params } : {}),
      response: ringing,
      handler: ({ actor, params }) => {
        const agent = existing(whose(actor, params as { id: string } | undefined));
        return { pattern: agent.ringPattern };
      },
    });
    route(server, {
      method: 'PUT',
      path: `${path}/ringing`,
      permission: write,
      summary: 'Says which devices ring, together or one after another; null: as the phone choice says',
      ...(params ? { params } : {}),
      payload: ringing,
      response: ringing,
      audit: {
        action: 'agent.ringing-set',
        entity: 'agent',
        entityId: ({ actor, params }) => whose(actor, params as { id: string } | undefined),
        details: ({ payload }) => payload,
      },
      handler: async ({ actor, params, payload }) => {
        const agent = existing(whose(actor, params as { id: string } | undefined));
        if (payload.pattern?.some(({ device }) => device === 'number') && !agent.ringNumber)
          throw new AppError('invalid', 'ring-number-missing', 'To ring on a number, say which one first.');
        await agents.setRingPattern(agent.id, payload.pattern);
        return payload;
      },
    });
  }

  function existing(agentId: string) {
    const agent = agents.get(agentId);
    if (!agent) throw new AppError('not-found', 'not-an-agent', 'They take no calls: there is nothing to ring.');
    return agent;
  }

  function outsideAllowed(actor: Actor): boolean {
    return server.app.gatekeeper.allows(actor.role, 'calls:forward-outside');
  }

  async function check(
    actor: Actor,
    agentId: string,
    target: ForwardTarget | null,
    before: ForwardTarget | null,
  ): Promise<void> {
    if (!target || target.to === 'voicemail') return;
    if (target.to === 'number') {
      // What somebody with the permission has set may stay as it is.
      const same = before?.to === 'number' && before.number === target.number;
      if (!same && !outsideAllowed(actor))
        throw new AppError('forbidden', 'forward-outside-forbidden', 'You may not forward calls outside.');
      if (!/^(\+[1-9]|0)?[0-9]{5,15}$/.test(target.number.replace(/[ ()./-]/g, '')))
        throw new AppError('invalid', 'number-not-allowed', 'Calls are not forwarded to this number.');
      return;
    }
    if (existing(agentId).extension === target.extension)
      throw new AppError('invalid', 'forward-to-self', 'That is their own extension.');
    if (!(await isExtension(target.extension)))
      throw new AppError('invalid', 'extension-unknown', `Nobody has the extension ${target.extension}.`);
  }

  function show(actor: Actor, agentId: string): z.output<typeof forwardingView> {
    const set: Forwarding = existing(agentId).forwarding ?? NO_FORWARDING;
    return { ...NO_FORWARDING, ...set, mayForwardOutside: outsideAllowed(actor) };
  }
}
