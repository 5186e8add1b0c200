import { z } from 'zod';
import { text, uuid } from '#appliance/http/schemas.ts';
import { STRATEGIES } from './types.ts';

const seconds = (max: number) => z.number().min(0).max(max);
const DAY_S = 86_400;

export const queueExit = z.discriminatedUnion('to', [
  z.object({ to: z.literal('queue'), queueId: uuid }).strict(),
  z.object({ to: z.literal('voicemail') }).strict(),
  z.object({ to: z.literal('callback') }).strict(),
  z.object({ to: z.literal('number'), number: text(40, 1) }).strict(),
  z.object({ to: z.literal('flow'), flowId: uuid }).strict(),
  z.object({ to: z.literal('hang-up') }).strict(),
]);

const overflow = z
  .object({
    when: z.enum(['waited', 'no-agents', 'full', 'max-wait', 'closed']),
    afterS: seconds(DAY_S).optional(),
    exit: queueExit,
  })
  .strict();

const announcements = z
  .object({
    music: uuid.nullable().optional(),
    welcome: uuid.nullable().optional(),
    firstAfterS: seconds(3600).optional(),
    everyS: z.number().min(5).max(3600).optional(),
    position: z.boolean().optional(),
    estimatedWait: z.boolean().optional(),
    escape: z
      .array(z.object({ digit: z.string().regex(/^[0-9*#]$/), exit: queueExit }).strict())
      .max(12)
      .refine((list) => new Set(list.map(({ digit }) => digit)).size === list.length, 'a digit is named twice')
      .optional(),
  })
  .strict();

/** A queue as the API takes it. */
export const queueFields = z.object({
  name: text(100, 1),
  description: text(500).default(''),
  active: z.boolean().default(true),
  strategy: z.enum(STRATEGIES).default('longest-idle'),
  priority: z.int().min(0).max(10).default(5),
  ageingS: z
    .number()
    .positive()
    .max(DAY_S)
    .nullable()
    .default(60)
    .meta({ description: 'So much waiting is worth one point of priority; null: points never age.' }),
  answerWithinS: z.number().positive().max(DAY_S).default(20).meta({ description: 'The service level’s threshold.' }),
  shortAbandonS: seconds(3600).default(5),
  serviceLevelTarget: z.number().min(0).max(1).default(0.8),
  serviceLevelFormula: z
    .enum(['handled', 'without-abandons', 'positive', 'negative', 'without-short'])
    .default('without-abandons'),
  offerTimeoutS: z.number().min(1).max(600).default(20),
  ronaLimit: z.int().min(1).max(20).default(1).meta({ description: 'Missed offers in a row until not ready.' }),
  lastAgentWaitS: seconds(3600).default(0),
  maxWaiting: z.int().min(0).max(100_000).nullable().default(null),
  maxWaitS: z.number().positive().max(DAY_S).nullable().default(null),
  overflow: z.array(overflow).max(20).default([]),
  hoursId: uuid.nullable().default(null),
  wrapUp: z.enum(['none', 'timed', 'until-done']).default('timed'),
  wrapUpS: z.number().min(1).max(3600).default(30),
  wrapUpExtensionS: seconds(3600).default(120),
  afterWrapUp: z.enum(['ready', 'not-ready']).default('ready'),
  dispositionRequired: z.boolean().default(false),
  announcements: announcements.default({}),
  recordingRuleId: uuid.nullable().default(null),
  skills: z
    .array(z.object({ skillId: uuid, minLevel: z.int().min(1).max(10) }).strict())
    .max(20)
    .default([]),
  relaxations: z
    .array(
      z
        .object({
          skillId: uuid,
          afterS: z.number().positive().max(DAY_S),
          minLevel: z.int().min(1).max(10).nullable(),
        })
        .strict(),
    )
    .max(100)
    .default([]),
});
