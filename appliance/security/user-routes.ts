import type { Plugin } from '@hapi/hapi';
import { z } from 'zod';
import { ROLES } from '#appliance/contract/identity.ts';
import { crud } from '#appliance/http/crud.ts';
import { text, time } from '#appliance/http/schemas.ts';
import type { Security } from './security.ts';
import type { UserRow } from './user-store.ts';

const fields = z.object({
  username: z
    .string()
    .trim()
    .toLowerCase()
    .regex(/^[a-z0-9][a-z0-9._@-]{0,63}$/, 'letters, digits and . _ @ - only, at most 64'),
  displayName: text(120, 1),
  role: z.enum(ROLES),
  active: z.boolean().default(true),
  language: z
    .string()
    .regex(/^[a-z]{2,3}(-[A-Za-z0-9]{2,8})*$/)
    .default('en'),
  timeZone: z.string().min(1).max(64).default('UTC'),
  mustChangePassword: z.boolean().default(false),
  password: z.string().max(1000).optional().meta({ description: 'Goes in and never comes out.' }),
});

const view = fields.omit({ password: true }).extend({
  hasPassword: z.boolean(),
  secondFactor: z.boolean(),
  lastSignInAt: time.nullable(),
});

/** Accounts, for admins. */
export const userRoutes: Plugin<{ security: Security }> = {
  name: 'security/users',
  register(server, { security: { users } }) {
    crud<UserRow, typeof fields>(server, {
      path: '/users',
      noun: 'user',
      permission: 'users',
      schema: fields,
      store: users.store.crud,
      secret: ['password', 'passwordHash'],
      viewSchema: view,
      view: (row) => ({ ...row, hasPassword: row.passwordHash !== null, secondFactor: row.totpConfirmedAt !== null }),
      // `view` fields that a client sends back with the rest are not its to write.
      readOnly: ['hasPassword', 'secondFactor', 'lastSignInAt'],
      prepare: (given, { actor, current }) => users.prepare(given, current, actor),
      beforeRemove: (row, { actor }) => users.refuseRemoval(row, actor),
      changed: async (row, how, { actor, before }) => {
        if (how === 'updated' && before) await users.afterChange(before, row, actor);
        if (how === 'removed') server.app.bus.publish({ type: 'session.revoked', userId: row.id });
      },
    });
  },
};
