// Control protocol between `voice` and `media`: NDJSON on a Unix socket. One request, one reply with the same `n`; events have no
// `n`. Requests state the wanted end result and may be repeated. PROTOCOL.md says the same in prose.
import { isIP } from 'node:net';
import { z } from 'zod';

const legId = z.string().regex(/^[\x21-\x7e]{1,63}$/);
const address = z.string().refine((text) => isIP(text) !== 0, 'not an IP address');
const remote = z.strictObject({ address, port: z.int().min(1).max(65_535) });
const codec = z.enum(['PCMA', 'PCMU']);
/** 0 and absent: the party has no telephone-event. */
const telephoneEvent = z.union([z.literal(0), z.int().min(96).max(127)]);
const promptName = z.string().regex(/^[A-Za-z0-9._-]{1,128}$/);
const stream = z.int().min(0).max(254);
const name = z.string().min(1).max(128);
const json = z.record(z.string(), z.unknown());

export const hearSchema = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('none') }),
  z.strictObject({ kind: z.literal('leg'), leg: legId }),
  z.strictObject({
    kind: z.literal('play'),
    prompts: z.array(promptName).min(1).max(64),
    loop: z.boolean().optional(),
    fromMs: z.number().min(0).max(86_400_000).optional(),
    token: z.string().max(128).optional(),
  }),
  z.strictObject({ kind: z.literal('mix'), mix: name, hear: z.array(legId).max(64).optional() }),
]);

const settings = {
  codec: codec.optional(),
  telephoneEvent: telephoneEvent.optional(),
  remote: remote.optional(),
  strict: z.boolean().optional(),
  rtcpMux: z.boolean().optional(),
};

export const requestSchema = z.discriminatedUnion('op', [
  z.strictObject({ op: z.literal('leg.create'), leg: legId, near: legId.optional(), ...settings, codec }),
  z.strictObject({ op: z.literal('leg.update'), leg: legId, relatch: z.boolean().optional(), ...settings }),
  z.strictObject({ op: z.literal('leg.delete'), leg: legId }),
  z.strictObject({
    op: z.literal('route'),
    routes: z
      .array(z.strictObject({ leg: legId, hear: hearSchema }))
      .min(1)
      .max(64),
  }),
  z.strictObject({ op: z.literal('digits.block'), leg: legId, blocked: z.boolean() }),
  z.strictObject({ op: z.literal('digits.send'), leg: legId, digits: z.string().regex(/^[0-9*#A-Da-d,wW]{1,64}$/) }),
  z.strictObject({
    op: z.literal('recording.start'),
    recording: name,
    file: z.string().min(1).max(1024),
    legs: z.array(z.strictObject({ leg: legId, stream })).max(32),
    meta: z.unknown().optional(),
  }),
  z.strictObject({ op: z.literal('recording.add'), recording: name, leg: legId, stream }),
  z.strictObject({ op: z.literal('recording.mark'), recording: name, mark: json }),
  z.strictObject({ op: z.literal('recording.pause'), recording: name }),
  z.strictObject({ op: z.literal('recording.resume'), recording: name }),
  z.strictObject({ op: z.literal('recording.stop'), recording: name }),
  z.strictObject({ op: z.literal('stats'), leg: legId }),
  z.strictObject({ op: z.literal('list') }),
  z.strictObject({ op: z.literal('health') }),
]);

export type Request = z.infer<typeof requestSchema>;
export type HearRequest = z.infer<typeof hearSchema>;

export const replySchema = z.union([
  z.looseObject({ n: z.int(), ok: z.unknown() }),
  z.looseObject({ n: z.int(), error: z.string() }),
]);

const digit = z.object({
  leg: z.string(),
  digit: z.string(),
  phase: z.enum(['down', 'up']),
  ms: z.number().optional(),
  via: z.enum(['rfc4733', 'inband']),
});

export const eventSchema = z.discriminatedUnion('event', [
  z.object({ event: z.literal('hello'), generation: z.string(), legs: z.array(z.string()) }),
  digit.extend({ event: z.literal('digit') }),
  z.object({ event: z.literal('played'), leg: z.string(), token: z.string().optional() }),
  z.object({
    event: z.literal('latched'),
    leg: z.string(),
    remote: z.object({ address: z.string(), port: z.number() }),
  }),
  z.object({ event: z.literal('silent'), leg: z.string(), ms: z.number() }),
  z.object({ event: z.literal('recording-closed'), recording: z.string(), file: z.string(), frames: z.number() }),
  z.object({ event: z.literal('recording-failed'), recording: z.string(), error: z.string() }),
]);

export type WireEvent = z.infer<typeof eventSchema>;

export const MAX_REQUEST_BYTES = 256 << 10;
export const MAX_REPLY_BYTES = 4 << 20;
