import type { Server } from '@hapi/hapi';
import { z } from 'zod';
import { route } from '#appliance/http/route.ts';
import { idParams, text, time } from '#appliance/http/schemas.ts';
import { AppError } from '#appliance/kernel/errors.ts';
import type { Bus } from '#appliance/platform/bus/index.ts';
import type { Alarms } from './alarms.ts';

const KIND = 'help.asked';
const view = z.object({
  asked: z.boolean(),
  since: time.nullable(),
  acknowledgedBy: z.string().nullable().meta({ description: 'Who is looking after it' }),
});

interface Deps {
  alarms: Alarms;
  bus: Pick<Bus, 'subscribe'>;
  nameOf: (userId: string) => string | undefined;
}

/** An agent on a call raises a hand: the supervisors' alarm list shows it until it is withdrawn or the call is over. */
export function helpRoutes(server: Server, { alarms, bus, nameOf }: Deps): void {
  route(server, {
    method: 'GET',
    path: '/calls/{id}/help',
    permission: 'calls:control',
    summary: 'Whether help was asked for on this call, and who is coming',
    params: idParams,
    response: view,
    handler: async ({ params }) => {
      const [alarm] = await alarms.open({ kind: KIND, subject: params.id });
      return { asked: alarm !== undefined, since: alarm?.since ?? null, acknowledgedBy: alarm?.acknowledgedBy ?? null };
    },
  });

  route(server, {
    method: 'POST',
    path: '/calls/{id}/help',
    permission: 'calls:control',
    summary: 'Asks the supervisors for help with this call',
    params: idParams,
    payload: z.object({ text: text(200).default('') }).default({ text: '' }),
    handler: async ({ params, payload, actor }) => {
      const name = nameOf(actor.userId) ?? actor.username;
      await alarms.raise({
        kind: KIND,
        subject: params.id,
        severity: 'warning',
        text: payload.text ? `${name} asks for help: ${payload.text}` : `${name} asks for help with a call`,
        data: { agentId: actor.userId, interactionId: params.id },
      });
    },
  });

  route(server, {
    method: 'DELETE',
    path: '/calls/{id}/help',
    permission: 'calls:control',
    summary: 'Needs no help any more',
    params: idParams,
    handler: async ({ params, actor }) => {
      const [alarm] = await alarms.open({ kind: KIND, subject: params.id });
      if (actor.role === 'agent' && alarm && alarm.about?.agentId !== actor.userId)
        throw new AppError('forbidden', 'not-your-call', 'Somebody else asked for this help');
      await alarms.clear(KIND, params.id);
    },
  });

  // Nobody has to put away the hand that was raised for a call that is over.
  const stop = bus.subscribe((event) => {
    if (event.type === 'interaction.changed' && (event.state === 'wrap-up' || event.state === 'ended'))
      void alarms.clear(KIND, event.interactionId).catch(() => undefined);
  });
  server.events.on('stop', stop);
}
