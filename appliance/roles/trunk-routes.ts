// /trunks: telephony knows no HTTP, so its doors to the outside are wired here.
import type { Server } from '@hapi/hapi';
import { z } from 'zod';
import { crud } from '#appliance/http/crud.ts';
import { route } from '#appliance/http/route.ts';
import { idParams, text, time } from '#appliance/http/schemas.ts';
import type { Bus } from '#appliance/platform/bus/index.ts';
import type { CrudStore, Database } from '#appliance/platform/postgres/index.ts';
import type { Secrets } from '#appliance/platform/secrets/index.ts';
import { isNetwork, type TrunkRow, trunkStatusOf } from '#appliance/telephony/trunks/index.ts';

const host = z.string().regex(/^[A-Za-z0-9.:-]{1,255}$/, 'a name or an address');
const number = z.string().regex(/^\+?[0-9]{1,20}$/);
const fields = z.object({
  name: text(80, 1),
  kind: z.enum(['address', 'registration']).default('address'),
  host,
  port: z.number().int().min(1).max(65535).nullable().default(null),
  transport: z.enum(['udp', 'tcp', 'tls']).default('udp'),
  addresses: z.array(z.string().max(64).refine(isNetwork, 'a network such as 192.0.2.0/24')).max(200).default([]),
  username: text(100, 1).nullable().default(null),
  password: z
    .string()
    .max(200)
    .optional()
    .meta({ description: 'Goes in and never comes out; an empty one removes it.' }),
  registrar: z
    .string()
    .regex(/^[A-Za-z0-9.:-]{1,255}$/)
    .nullable()
    .default(null),
  realm: text(200, 1).nullable().default(null),
  country: z
    .string()
    .regex(/^[A-Z]{2}$/)
    .nullable()
    .default(null),
  numberFormat: z.enum(['plus', 'e164', 'national']).default('plus'),
  callerId: z
    .discriminatedUnion('mode', [
      z.object({ mode: z.literal('pass'), number: number.optional() }),
      z.object({ mode: z.literal('fixed'), number, name: text(80).optional() }),
      z.object({ mode: z.literal('anonymous'), number: number.optional() }),
    ])
    .default({ mode: 'pass' }),
  codecs: z
    .array(z.enum(['PCMA', 'PCMU']))
    .min(1)
    .max(2)
    .default(['PCMA', 'PCMU']),
  forwardedAs: z
    .enum(['diversion', 'history-info'])
    .nullable()
    .default(null)
    .meta({ description: 'How the far side is told that a call is forwarded.' }),
  srtp: z.enum(['off', 'offer', 'require']).default('offer').meta({
    description: 'Encrypted audio, where the transport is TLS. `offer` falls back to plain when it is refused.',
  }),
  maxChannels: z.number().int().min(1).max(10_000).nullable().default(null),
  maxCallsPerS: z.number().int().min(1).max(1000).nullable().default(null),
  optionsIntervalS: z.number().int().min(0).max(3600).default(60),
  enabled: z.boolean().default(true),
  position: z.number().int().min(0).max(10_000).default(0),
});
const view = fields.omit({ password: true }).extend({ hasPassword: z.boolean(), codecs: z.array(z.string()) });

/** Ringing, the beep, and a little more. */
const TEST_CALL_MS = 28_000;

/** Ties a sealed password to its place: what telephony.ts opens it with. */
const SEALED_AS = 'trunk';

interface Deps {
  db: Database;
  store: CrudStore<TrunkRow>;
  secrets: Pick<Secrets, 'seal'>;
  bus: Pick<Bus, 'call'>;
}

export function trunkRoutes(server: Server, { db, store, secrets, bus }: Deps): void {
  crud<TrunkRow, typeof fields>(server, {
    path: '/trunks',
    noun: 'trunk',
    permission: 'trunks',
    schema: fields,
    store,
    viewSchema: view,
    view: (row) => ({ ...row, hasPassword: row.passwordSealed !== null }),
    readOnly: ['hasPassword'],
    secret: ['password', 'passwordSealed'],
    prepare({ password, ...rest }) {
      const given = Object.fromEntries(
        Object.entries(rest).filter(([, value]) => value !== undefined),
      ) as Partial<TrunkRow>;
      if (password === undefined) return given;
      return { ...given, passwordSealed: password === '' ? null : secrets.seal(password, SEALED_AS) };
    },
  });

  route(server, {
    method: 'POST',
    path: '/trunks/{id}/test-call',
    permission: 'trunks:write',
    summary: 'Calls a number through this trunk and says what happened',
    description:
      'Answered calls hear a beep and are ended after three seconds. `heard` counts the packets of audio that came back.',
    params: idParams,
    payload: z.object({ number: z.string().regex(/^\+?[0-9*#]{2,20}$/) }).strict(),
    response: z.object({
      result: z.enum(['answered', 'failed']),
      rangAfterMs: z.number().nullable(),
      answeredAfterMs: z.number().nullable(),
      sip: z.number().nullable(),
      q850: z.number(),
      text: z.string(),
      heard: z.number(),
    }),
    audit: { action: 'trunk.test-call', entity: 'trunk', details: ({ payload }) => payload },
    handler: ({ params, payload }) =>
      bus.call('voice', 'trunk.test-call', { trunkId: params.id, number: payload.number }, TEST_CALL_MS),
  });

  route(server, {
    method: 'GET',
    path: '/trunks/{id}/status',
    permission: 'trunks:read',
    summary: 'How a trunk is, as each voice process sees it',
    params: idParams,
    response: z.object({
      channels: z.number(),
      instances: z.array(
        z.object({
          instance: z.string(),
          up: z.boolean(),
          detail: z.string(),
          roundTripMs: z.coerce.number().nullable(),
          registeredUntil: time.nullable(),
          since: time,
          checkedAt: time,
        }),
      ),
    }),
    handler: ({ params }) => trunkStatusOf(db, params.id),
  });
}
