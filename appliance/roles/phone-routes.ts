// /phones and /me/phone: telephony knows no HTTP, so its doors to the outside are wired here.
import type { Server } from '@hapi/hapi';
import { z } from 'zod';
import { crud } from '#appliance/http/crud.ts';
import { route } from '#appliance/http/route.ts';
import { idParams, text, time, uuid } from '#appliance/http/schemas.ts';
import { AppError } from '#appliance/kernel/errors.ts';
import type { Bus } from '#appliance/platform/bus/index.ts';
import type { Config } from '#appliance/platform/config/index.ts';
import type { Database } from '#appliance/platform/postgres/index.ts';
import type { PhoneRow, PhoneStore, Phones } from '#appliance/telephony/phones/index.ts';

interface Deps {
  db: Database;
  store: PhoneStore;
  phones: Phones;
  bus: Pick<Bus, 'call'>;
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
  unsolicitedMwi: z.boolean().default(false).meta({
    description: 'Waiting messages are told when it registers and when they change, without its having subscribed.',
  }),
});
const extra = {
  username: z.string(),
  online: z.boolean().meta({ description: 'It is registered and, as far as we know, answers there.' }),
  reach: z.enum(['reachable', 'unreachable', 'unknown']).nullable().meta({
    description:
      'Whether it answers OPTIONS where it registered; `unknown`: it never has. Null: it is not asked, or not registered.',
  }),
  roundTripMs: z.number().nullable(),
  reachSince: time.nullable(),
  expiresAt: time.nullable(),
};
const view = fields.extend(extra);
const withPassword = z.object({
  phone: view.extend({ id: uuid, version: z.number(), createdAt: time, updatedAt: time }),
  password: z.string(),
});

/** The phone has four seconds to answer. */
const RESTART_WITHIN_MS = 8_000;

export function phoneRoutes(server: Server, { db, store, phones, bus, config, ringOn }: Deps): void {
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
    method: 'POST',
    path: '/phones/{id}/restart',
    permission: 'phones:write',
    summary: 'Asks a desk phone to fetch its configuration and start again',
    description:
      'NOTIFY with `check-sync;reboot=true` to each place where it registered. 409 `phone-not-registered`, `phone-is-browser` or `phone-declined`; 503 `phone-silent` when it does not answer.',
    params: idParams,
    response: z.object({
      asked: z.number().meta({ description: 'Places where it was asked.' }),
      accepted: z.number().meta({ description: 'Places where it agreed.' }),
    }),
    audit: { action: 'phone.restarted', entity: 'phone', details: (_, result) => result as Record<string, unknown> },
    handler: async ({ params }) => {
      if (!(await store.get(params.id))) throw new AppError('not-found', 'not-found', 'There is no such phone.');
      return bus.call('voice', 'phone.restart', { phoneId: params.id }, RESTART_WITHIN_MS);
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
    const places: { reachable: boolean | null; roundTripMs: string | null; since: Date | null; transport: string }[] =
      row.kind === 'fixed'
        ? []
        : await db('registration')
            .where({ phone_id: row.id })
            .where('expires_at', '>', db.fn.now())
            .orderBy('registered_at', 'desc')
            .select({
              reachable: 'reachable',
              roundTripMs: 'round_trip_ms',
              since: 'reach_since',
              transport: 'transport',
            });
    const reached = row.kind === 'fixed' || places.some(({ reachable }) => reachable !== false);
    const asked = places.filter(({ transport }) => transport === 'udp');
    const best =
      asked.find(({ reachable }) => reachable === true) ??
      asked.find(({ reachable }) => reachable === null) ??
      asked[0];
    const reach = best && (best.reachable === null ? 'unknown' : best.reachable ? 'reachable' : 'unreachable');
    return {
      ...row,
      online: row.enabled && reached,
      reach: reach ?? null,
      roundTripMs: best?.reachable && best.roundTripMs !== null ? Number(best.roundTripMs) : null,
      reachSince: best?.since ?? null,
    };
  }
}

function withoutUndefined<T extends object>(fields: T): T {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as T;
}
