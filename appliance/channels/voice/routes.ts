import type { Server } from '@hapi/hapi';
import { z } from 'zod';
import type { Commands } from '#appliance/contract/bus.ts';
import { callViewParts } from '#appliance/contract/calls.ts';
import type { Actor, Permission } from '#appliance/contract/identity.ts';
import { route } from '#appliance/http/route.ts';
import { idParams, time, uuid } from '#appliance/http/schemas.ts';
import type { Bus } from '#appliance/platform/bus/index.ts';

type Action = Commands['call.control']['in']['action'];

const DIAL_TIMEOUT_MS = 15_000;
const number = z
  .string()
  .trim()
  .regex(/^\+?[0-9*#() ./-]{1,40}$/, 'a number or an extension');
const targets = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('agent'), agentId: uuid }),
  z.object({ kind: z.literal('queue'), queueId: uuid }),
  z.object({ kind: z.literal('extension'), extension: z.string().regex(/^[0-9*#]{1,16}$/) }),
  z.object({ kind: z.literal('number'), number }),
]);
const view = z.object({
  call: z
    .object({
      id: uuid,
      state: z.enum(['ringing', 'talking', 'held', 'consulting', 'conference', 'secure']),
      muted: z.boolean(),
      recording: z.enum(['off', 'on', 'paused']),
      peer: z.string(),
      since: time,
      browser: z.boolean().meta({ description: 'I talk from a browser.' }),
      lost: z.boolean().meta({ description: 'My audio is gone: the customer hears music until I am back.' }),
      third: z.object({ label: z.string(), ringing: z.boolean() }).nullish(),
      ...callViewParts,
    })
    .nullable()
    .meta({ description: 'Null when the caller of this is not on the call, or no longer.' }),
});

const customer = z.object({ id: uuid, name: z.string().nullable(), known: z.boolean() }).nullable();
const parked = z.object({
  id: z.string(),
  slot: z.string(),
  interactionId: uuid,
  from: z.string(),
  customer,
  queueId: uuid.nullable(),
  queueName: z.string().nullable(),
  parkedBy: z.object({ id: uuid, name: z.string() }),
  since: time,
  backAt: time,
});
const ringing = z.object({
  id: z.string(),
  interactionId: uuid,
  agentId: uuid,
  agentName: z.string(),
  extension: z.string().nullable(),
  from: z.string(),
  customer,
  queueId: uuid.nullable(),
  queueName: z.string().nullable(),
  since: time,
});

/** What a screen does with a call. The id is that of the interaction; the `voice` that has the call does it. */
export function callRoutes(server: Server, { bus }: { bus: Pick<Bus, 'call'> }): void {
  route(server, {
    method: 'POST',
    path: '/calls',
    permission: 'calls:dial',
    summary: 'Dials: my phone first, then the other side',
    payload: z.object({ to: number, from: number.optional(), queueId: uuid.optional() }),
    response: z.object({ interactionId: uuid }),
    status: 201,
    handler: ({ actor, payload }) => {
      const { to, from, queueId } = payload;
      return bus.call(
        'voice',
        'call.dial',
        { agentId: actor.userId, to, ...(from && { from }), ...(queueId && { queueId }) },
        DIAL_TIMEOUT_MS,
      );
    },
  });

  for (const [path, does, summary] of [
    ['hold', 'hold', 'Puts the customer on hold, with music'],
    ['resume', 'resume', 'Takes the customer off hold'],
    ['hangup', 'hangup', 'Ends the call'],
    ['consult/complete', 'consult-complete', 'Hands the customer to whom I consulted'],
    ['consult/cancel', 'consult-cancel', 'Ends the consultation and returns to the customer'],
    ['reconnect', 'consult-cancel', 'The same as consult/cancel'],
    ['conference', 'conference', 'Joins the customer, the consulted and me'],
    ['ring-me', 'ring-me', 'Rings my browser for the call I am on, whose audio it lost'],
  ] as const) {
    route(server, {
      method: 'POST',
      path: `/calls/{id}/${path}`,
      permission: 'calls:control',
      summary,
      params: idParams,
      response: view,
      handler: ({ actor, params }) => control(actor, params.id, { do: does }),
    });
  }

  route(server, {
    method: 'POST',
    path: '/calls/{id}/mute',
    permission: 'calls:control',
    summary: 'Mutes me, or unmutes me',
    params: idParams,
    payload: z.object({ muted: z.boolean() }).default({ muted: true }),
    response: view,
    handler: ({ actor, params, payload }) => control(actor, params.id, { do: 'mute', muted: payload.muted }),
  });

  route(server, {
    method: 'POST',
    path: '/calls/{id}/dtmf',
    permission: 'calls:control',
    summary: 'Sends digits',
    params: idParams,
    payload: z.object({ digits: z.string().regex(/^[0-9A-D*#]{1,32}$/) }),
    response: view,
    handler: ({ actor, params, payload }) => control(actor, params.id, { do: 'dtmf', digits: payload.digits }),
  });

  for (const act of ['transfer', 'consult'] as const) {
    route(server, {
      method: 'POST',
      path: `/calls/{id}/${act}`,
      permission: 'calls:control',
      summary: act === 'transfer' ? 'Hands the customer over at once' : 'Calls somebody while the customer waits',
      params: idParams,
      payload: z.object({ to: targets }),
      response: view,
      handler: ({ actor, params, payload }) => control(actor, params.id, { do: act, to: payload.to }),
    });
  }

  route(server, {
    method: 'POST',
    path: '/calls/{id}/record',
    permission: 'recordings:control',
    summary: 'Starts, pauses, resumes or stops the recording',
    params: idParams,
    payload: z.object({ mode: z.enum(['start', 'stop', 'pause', 'resume']) }),
    response: view,
    audit: {
      action: 'recording.controlled',
      entity: 'interaction',
      entityId: ({ params }) => params.id,
      details: ({ payload }) => payload,
    },
    handler: ({ actor, params, payload }) => control(actor, params.id, { do: 'record', mode: payload.mode }),
  });

  route(server, {
    method: 'POST',
    path: '/calls/{id}/monitor',
    permission: 'calls:monitor',
    summary: 'Listens to, whispers into, joins or takes over a call',
    params: idParams,
    payload: z.object({ mode: z.enum(['listen', 'whisper', 'barge', 'takeover', 'stop']) }),
    response: view,
    audit: {
      action: 'call.monitored',
      entity: 'interaction',
      entityId: ({ params }) => params.id,
      details: ({ payload }) => payload,
    },
    handler: ({ actor, params, payload }) =>
      control(actor, params.id, { do: 'monitor', mode: payload.mode }, DIAL_TIMEOUT_MS),
  });

  route(server, {
    method: 'POST',
    path: '/calls/{id}/parties/{partyId}/remove',
    permission: 'calls:control',
    summary: 'Takes somebody out of the conference',
    params: idParams.extend({ partyId: z.string().regex(/^[0-9a-z-]{1,64}$/) }),
    response: view,
    handler: ({ actor, params }) => control(actor, params.id, { do: 'remove-party', partyId: params.partyId }),
  });

  route(server, {
    method: 'GET',
    path: '/secure-entries',
    permission: 'calls:control',
    summary: 'Forms for digits (a card number) that I may open for a customer',
    response: z.object({ items: z.array(z.object({ flowId: uuid, name: z.string() })) }),
    handler: async () => ({ items: await bus.call('voice', 'call.secure-entries', {}) }),
  });

  route(server, {
    method: 'POST',
    path: '/calls/{id}/secure-entry',
    permission: 'calls:control',
    summary: 'Lets the customer enter digits that reach neither me nor the recording',
    params: idParams,
    payload: z.object({ flowId: uuid }),
    response: view,
    audit: {
      action: 'call.secure-entry',
      entity: 'interaction',
      entityId: ({ params }) => params.id,
      details: ({ payload }) => payload,
    },
    handler: ({ actor, params, payload }) => control(actor, params.id, { do: 'secure-entry', flowId: payload.flowId }),
  });

  route(server, {
    method: 'POST',
    path: '/calls/{id}/secure-entry/cancel',
    permission: 'calls:control',
    summary: 'Calls the entry off: what was entered is forgotten',
    params: idParams,
    response: view,
    handler: ({ actor, params }) => control(actor, params.id, { do: 'secure-entry-cancel' }),
  });

  route(server, {
    method: 'POST',
    path: '/calls/{id}/park',
    permission: 'calls:control',
    summary: 'Parks the customer where any colleague can pick them up',
    params: idParams,
    response: z.object({ slot: z.string(), backAt: time }),
    handler: ({ actor, params }) =>
      bus.call('voice', 'call.park', {
        interactionId: params.id,
        actorId: actor.userId,
        supervisor: isSupervisor(actor),
      }),
  });

  for (const kind of ['parked', 'ringing'] as const) {
    route(server, {
      method: 'GET',
      path: `/calls/${kind}`,
      permission: 'calls:control',
      summary: kind === 'parked' ? 'Customers who are parked' : 'What rings at colleagues and may be taken',
      response: z.object({ items: z.array(kind === 'parked' ? parked : ringing) }),
      handler: async ({ actor }) => {
        const all = await bus.call('voice', 'live.calls', {
          agentId: actor.userId,
          supervisor: isSupervisor(actor),
        });
        return { items: all.filter((one) => one.kind === kind) } as never;
      },
    });
  }

  route(server, {
    method: 'POST',
    path: '/calls/parked/{slot}/pickup',
    permission: 'calls:control',
    summary: 'Picks up who is parked there: my phone rings',
    params: z.object({ slot: z.string().regex(/^[0-9]{3}$/) }),
    response: z.object({ interactionId: uuid }),
    handler: ({ actor, params }) =>
      bus.call('voice', 'call.pick-up', { agentId: actor.userId, supervisor: isSupervisor(actor), from: params }),
  });

  route(server, {
    method: 'POST',
    path: '/calls/pickup',
    permission: 'calls:control',
    summary: 'Takes what rings at a colleague’s: my phone rings instead',
    payload: z.union([
      z.strictObject({ agentId: uuid }),
      z.strictObject({ extension: z.string().regex(/^[0-9]{2,8}$/) }),
    ]),
    response: z.object({ interactionId: uuid }),
    handler: ({ actor, payload }) =>
      bus.call('voice', 'call.pick-up', { agentId: actor.userId, supervisor: isSupervisor(actor), from: payload }),
  });

  function isSupervisor(actor: Actor): boolean {
    return server.app.gatekeeper.allows(actor.role, 'calls:monitor' satisfies Permission);
  }

  function control(actor: Actor, interactionId: string, action: Action, timeoutMs?: number) {
    return bus.call(
      'voice',
      'call.control',
      { interactionId, actorId: actor.userId, supervisor: isSupervisor(actor), action },
      timeoutMs,
    );
  }
}
