// /sip/calls, /sip/messages, /sip/pcap and /calls/{id}/sip: what was said on the SIP ports. Telephony knows no HTTP, so its doors are wired here.
import type { Server } from '@hapi/hapi';
import { z } from 'zod';
import { route } from '#appliance/http/route.ts';
import { idParams, time, uuid } from '#appliance/http/schemas.ts';
import type { Bus } from '#appliance/platform/bus/index.ts';
import { ladder, pcap } from '#appliance/telephony/trace/index.ts';

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
const trace = z.object({ messages: z.array(message), ladder: z.array(z.string()) });

const callId = z.string().min(1).max(256);
const which = z
  .object({ callId: callId.optional(), interactionId: uuid.optional() })
  .refine((value) => (value.callId === undefined) !== (value.interactionId === undefined), {
    message: 'either callId or interactionId',
  });

const MOST = 500;

export function sipRoutes(server: Server, { bus }: { bus: Pick<Bus, 'call'> }): void {
  async function read({ callId, interactionId }: { callId?: string | undefined; interactionId?: string | undefined }) {
    const of = callId !== undefined ? { callId } : interactionId !== undefined ? { interactionId } : {};
    return (await bus.call('voice', 'sip.trace', { ...of, limit: MOST })).messages;
  }

  route(server, {
    method: 'GET',
    path: '/calls/{id}/sip',
    permission: 'sip:read',
    summary: 'The SIP messages of a call, as far as they are remembered',
    description: 'The id is that of the interaction. `ladder` is the same as a picture in text.',
    params: idParams,
    response: trace,
    audit: { action: 'sip.traced', entity: 'interaction', entityId: ({ params }) => params.id },
    handler: async ({ params }) => {
      const messages = await read({ interactionId: params.id });
      return { messages, ladder: ladder(messages) };
    },
  });

  route(server, {
    method: 'GET',
    path: '/sip/calls',
    permission: 'sip:read',
    summary: 'The calls whose SIP messages are remembered, newest first',
    query: z.object({
      limit: z.coerce.number().int().min(1).max(MOST).default(200),
      every: z
        .stringbool()
        .default(false)
        .meta({ description: 'Registrations and all other dialogs, too', type: 'boolean' }),
    }),
    response: z.object({
      items: z.array(
        z.object({
          callId: z.string(),
          at: time,
          from: z.string(),
          to: z.string(),
          method: z.string(),
          messages: z.number().int(),
        }),
      ),
    }),
    handler: async ({ query }) => ({ items: (await bus.call('voice', 'sip.trace', query)).calls }),
  });

  route(server, {
    method: 'GET',
    path: '/sip/messages',
    permission: 'sip:read',
    summary: 'The SIP messages of one dialog',
    query: z.object({ callId }),
    response: trace,
    audit: { action: 'sip.traced', entity: 'sip-call', entityId: ({ query }) => query.callId },
    handler: async ({ query }) => {
      const messages = await read(query);
      return { messages, ladder: ladder(messages) };
    },
  });

  route(server, {
    method: 'GET',
    path: '/sip/pcap',
    permission: 'sip:read',
    summary: 'The same as a capture file for Wireshark',
    description: 'Of an interaction or of one dialog. Secrets are crossed out here, too; audio is not in it.',
    query: which,
    audit: {
      action: 'sip.captured',
      entity: 'sip-call',
      entityId: ({ query }) => query.callId ?? query.interactionId ?? null,
    },
    handler: async ({ query, h }) =>
      h
        .response(pcap(await read(query)))
        .type('application/vnd.tcpdump.pcap')
        .header('content-disposition', 'attachment; filename="strongroom-sip.pcap"'),
  });
}
