// /phones and /me/phone: telephony knows no HTTP, so its doors to the outside are wired here.
import type { Server } from '@hapi/hapi';
import { z } from 'zod';
import { crud } from '#appliance/http/crud.ts';
import { route } from '#appliance/http/route.ts';
import { idParams, text, time, uuid } from '#appliance/http/schemas.ts';
import { AppError } from '#appliance/kernel/errors.ts';
import type { Config } from '#appliance/platform/config/index.ts';
import type { Database } from '#appliance/platform/postgres/index.ts';
import type { PhoneRow, PhoneStore, Phones } from '#appliance/telephony/phones/index.ts';

interface Deps {
  db: Database;
  store: PhoneStore;
  phones: Phones;
  config: Pick<Config, 'host' | 'sipPort' | 'sipTlsPort'>;
  /** Where an agent wants calls to ring; undefined when the user is no agent. */
  ringOn: (agentId: string) => Promise<'all' | 'browser' | 'phone' | 'number' | undefined>;
}

const fields = z.object({
  label: text(80, 1),
  kind: z.enum(['sip', 'browser', 'fixed']).default('sip'),
  extension: z
    .string()
    .regex(/^[0-9*#]{1,12}$/)
    .nullable()
    .default(null),
  agentId: uuid.nullable().default(null),
  fixedHost: z
    .string()
    .regex(/^[A-Za-z0-9.:-]{1,255}$/)
    .nullable()
    .default(null),
  fixedPort: z.number().int().min(1).max(65535).nullable().default(null),
  fixedTransport: z.enum(['udp', 'tcp', 'tls']).default('udp'),
  enabled: z.boolean().default(true),
});
const extra = { username: z.string(), online: z.boolean(), expiresAt: time.nullable() };
const view = fields.extend(extra);
const withPassword = z.object({
  phone: view.extend({ id: uuid, version: z.number(), createdAt: time, updatedAt: time }),
  password: z.string(),
});

export function phoneRoutes(server: Server, { db, store, phones, config, ringOn }: Deps): void {
  crud<PhoneRow, typeof fields>(server, {
    path: '/phones',
    noun: 'phone',
    permission: 'phones',
    schema: fields,
    store,
    create: false,
    viewSchema: view,
    readOnly: Object.keys(extra),
    secret: ['ha1Md5', 'ha1Sha256'],
    view: shown,
    prepare: (given) => withoutUndefined(given),
  });

  route(server, {
    method: 'POST',
    path: '/phones',
    permission: 'phones:write',
    summary: 'Creates a phone; its password is shown this once',
    payload: fields
      .extend({
        username: z
          .string()
          .regex(/^[A-Za-z0-9._~-]{1,64}$/)
          .optional(),
      })
      .strict(),
    response: withPassword,
    status: 201,
    audit: {
      action: 'phone.created',
      entity: 'phone',
      entityId: (_incoming, result) => (result as { phone: PhoneRow }).phone.id,
      details: ({ payload }) => ({ set: payload }),
    },
    handler: async ({ payload }) => {
      const { phone, password } = await phones.create(payload);
      return { phone: await shown(phone), password };
    },
  });

  route(server, {
    method: 'POST',
    path: '/phones/{id}/rotate',
    permission: 'phones:write',
    summary: 'Gives a phone a new password, shown this once; the old one is void',
    params: idParams,
    response: withPassword,
    audit: { action: 'phone.password-rotated', entity: 'phone' },
    handler: async ({ params }) => {
      const { phone, password } = await phones.rotate(params.id);
      return { phone: await shown(phone), password };
    },
  });

  route(server, {
    method: 'GET',
    path: '/me/phone',
    permission: 'me',
    summary: 'Credentials for a phone in my browser, good for a shift',
    description:
      'Each asking makes new ones: they are kept nowhere in clear. 404 `no-browser-phone` when my calls ring elsewhere.',
    response: z.object({
      uri: z.string(),
      username: z.string(),
      password: z.string(),
      wss: z.string(),
      extension: z.string(),
      expiresAt: time,
    }),
    audit: { action: 'phone.browser-credentials', entity: 'user', entityId: ({ actor }) => actor.userId },
    handler: async ({ actor }) => {
      const where = await ringOn(actor.userId);
      if (where === undefined || where === 'phone' || where === 'number')
        throw new AppError('not-found', 'no-browser-phone', 'My calls ring elsewhere');
      const { username, password, extension, expiresAt } = await phones.issueBrowserCredentials(actor.userId, {
        label: `Browser of ${actor.username}`,
      });
      return { uri: `sip:${username}@${config.host}`, username, password, wss: '/sip', extension, expiresAt };
    },
  });

  async function shown(row: PhoneRow): Promise<object> {
    const reached =
      row.kind === 'fixed' ||
      (await db('registration').where({ phone_id: row.id }).where('expires_at', '>', db.fn.now()).first('id')) !==
        undefined;
    return { ...row, online: row.enabled && reached };
  }
}

function withoutUndefined<T extends object>(fields: T): T {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as T;
}
