// What people do with calls beyond answering them: parking, picking up, forwarding, ringing, voicemail. See PROTOCOL of the API.
import { z } from 'zod';

type CustomerRef = { id: string; name: string | null; known: boolean } | null;

/** A customer who was parked and waits, with music, for anybody to pick them up. */
export interface ParkedCall {
  /** The slot. */
  id: string;
  slot: string;
  interactionId: string;
  from: string;
  customer: CustomerRef;
  queueId: string | null;
  queueName: string | null;
  parkedBy: { id: string; name: string };
  since: string;
  /** When it comes back to whoever parked it. */
  backAt: string;
}

/** A call that rings at a colleague's. */
export interface RingingCall {
  /** `{interactionId}_{agentId}`. */
  id: string;
  interactionId: string;
  agentId: string;
  agentName: string;
  extension: string | null;
  from: string;
  customer: CustomerRef;
  queueId: string | null;
  queueName: string | null;
  since: string;
}

/** Topic `calls`: what anybody else may take. */
export type CallToTake = ({ kind: 'parked' } & ParkedCall) | ({ kind: 'ringing' } & RingingCall);

/** A message for one agent. */
export interface AgentVoicemail {
  id: string;
  interactionId: string;
  recordingId: string;
  from: string;
  customer: CustomerRef;
  leftAt: string;
  durationS: number;
  heard: boolean;
  state: 'processing' | 'ready' | 'failed';
}

export interface SecureEntryView {
  state: 'prompting' | 'collecting' | 'processing';
  name: string;
  /** How many digits so far, never which. */
  collected: number;
}

export const extensionNumber = z.string().regex(/^[0-9]{2,8}$/, 'an extension');

export const forwardTarget = z.discriminatedUnion('to', [
  z.strictObject({ to: z.literal('extension'), extension: extensionNumber }),
  z.strictObject({ to: z.literal('voicemail') }),
  z.strictObject({
    to: z.literal('number'),
    number: z
      .string()
      .trim()
      .regex(/^\+?[0-9 ()./-]{3,40}$/, 'a telephone number'),
  }),
]);
const wayOut = forwardTarget.nullable().default(null);

export const forwarding = z.strictObject({
  always: wayOut,
  busy: wayOut,
  noAnswer: wayOut,
  noAnswerAfterS: z.int().min(5).max(60).default(20),
  notRegistered: wayOut,
});

/** One device's turn: from `afterS` on, for `forS` or to the end. */
export const ringTurn = z.strictObject({
  device: z.enum(['browser', 'phone', 'number']),
  afterS: z.int().min(0).max(60).default(0),
  forS: z.int().min(1).max(60).nullable().default(null),
});
export const ringPattern = z
  .array(ringTurn)
  .min(1)
  .max(6)
  .refine((list) => new Set(list.map(({ device }) => device)).size === list.length, 'a device is named twice')
  .refine((list) => list.some(({ afterS }) => afterS === 0), 'one device rings at once');

export type ForwardTarget = z.infer<typeof forwardTarget>;
export type Forwarding = z.infer<typeof forwarding>;
export type RingTurn = z.infer<typeof ringTurn>;

export const NO_FORWARDING: Forwarding = {
  always: null,
  busy: null,
  noAnswer: null,
  noAnswerAfterS: 20,
  notRegistered: null,
};

/** What `CallView` says of everybody else on a call, and of digits being entered. */
export const callViewParts = {
  parties: z
    .array(
      z.object({
        id: z.string(),
        label: z.string(),
        agentId: z.uuid().nullable(),
        state: z.enum(['ringing', 'waiting', 'talking']),
      }),
    )
    .optional()
    .meta({ description: 'Everybody besides the customer and me.' }),
  secureEntry: z
    .object({
      state: z.enum(['prompting', 'collecting', 'processing']),
      name: z.string(),
      collected: z.int().meta({ description: 'How many digits so far, never which.' }),
    })
    .nullish(),
  lastSecureEntry: z.object({ name: z.string(), end: z.enum(['done', 'failed', 'cancelled']) }).nullish(),
};
