import type { Server } from '@hapi/hapi';
import { z } from 'zod';
import { route } from '#appliance/http/route.ts';
import { AppError } from '#appliance/kernel/errors.ts';
import type { Bus } from '#appliance/platform/bus/index.ts';
import type { Database } from '#appliance/platform/postgres/index.ts';
import { createConfigStores } from './config-store.ts';

const choice = z.object({
  ringOn: z.enum(['all', 'browser', 'phone', 'number']),
  ringNumber: z
    .string()
    .trim()
    .regex(/^\+?[0-9 ()./-]{3,40}$/, 'a telephone number')
    .nullable()
    .default(null),
});

/** Where my calls ring: this browser, my desk phone, all of them, or a number outside. */
export function phoneChoiceRoutes(server: Server, { db, bus }: { db: Database; bus: Pick<Bus, 'publish'> }): void {
  const { agents } = createConfigStores(db);

  route(server, {
    method: 'GET',
    path: '/me/phone-choice',
    permission: 'me',
    summary: 'Where my calls ring',
    response: choice,
    handler: async ({ actor }) => mine(actor.userId),
  });

  route(server, {
    method: 'PUT',
    path: '/me/phone-choice',
    permission: 'me',
    summary: 'Says where my calls ring, from the next one on',
    payload: choice.strict(),
    response: choice,
    audit: {
      action: 'agent.phone-chosen',
      entity: 'agent',
      entityId: ({ actor }) => actor.userId,
      details: ({ payload }) => payload,
    },
    handler: async ({ actor, payload }) => {
      const { ringOn, ringNumber } = payload;
      if (ringOn === 'number' && !ringNumber)
        throw new AppError('invalid', 'ring-number-missing', 'To ring on a number, ringNumber is needed.');
      const current = await mine(actor.userId);
      // A number that was given once stays for the next time.
      const fields = { ringOn, ringNumber: ringNumber ?? current.ringNumber };
      const row = await agents.update(actor.userId, current.version, fields);
      bus.publish({ type: 'config.changed', entity: 'agent', id: row.id });
      return row;
    },
  });

  async function mine(userId: string) {
    const row = await agents.get(userId);
    if (!row) throw new AppError('not-found', 'not-an-agent', 'You take no work: there is nothing to ring.');
    return row;
  }
}
