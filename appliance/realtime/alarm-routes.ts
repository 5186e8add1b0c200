import type { Plugin } from '@hapi/hapi';
import { z } from 'zod';
import { route } from '#appliance/http/route.ts';
import { idParams, time, uuid } from '#appliance/http/schemas.ts';
import type { Alarms } from './alarms.ts';

const alarm = z.object({
  id: uuid,
  kind: z.string(),
  severity: z.enum(['info', 'warning', 'critical']),
  text: z.string(),
  since: time,
  acknowledgedBy: z.string().nullable(),
  about: z.object({ agentId: z.string().optional(), interactionId: z.string().optional() }).optional(),
});

/** Open alarms; the live feed has them as the topic `alarms`. */
export const alarmRoutes: Plugin<{ alarms: Alarms }> = {
  name: 'realtime/alarms',
  register(server, { alarms }) {
    route(server, {
      method: 'GET',
      path: '/alarms',
      permission: 'alarms:read',
      summary: 'Open alarms, worst first',
      response: z.object({ items: z.array(alarm) }),
      handler: async () => ({ items: await alarms.open() }),
    });
    route(server, {
      method: 'POST',
      path: '/alarms/{id}/acknowledge',
      permission: 'alarms:write',
      summary: 'Says that somebody is looking after it',
      params: idParams,
      audit: { action: 'alarm.acknowledged', entity: 'alarm' },
      handler: ({ params, actor }) => alarms.acknowledge(params.id, actor),
    });
    route(server, {
      method: 'DELETE',
      path: '/alarms/{id}',
      permission: 'alarms:write',
      summary: 'Puts an alarm away',
      params: idParams,
      audit: { action: 'alarm.dismissed', entity: 'alarm' },
      handler: ({ params }) => alarms.dismiss(params.id),
    });
  },
};
