// A flow as a document: what an admin draws, what is stored per version, what the interpreter runs.
// Every edge is a field that holds a step's id; `edgesOf` lists them, so that nobody else has to know the step types.
import { z } from 'zod';

export const STEP_ID = /^[a-z][a-z0-9_-]{0,47}$/i;
export const VARIABLE = /^[a-z][a-zA-Z0-9_]{0,39}$/;

const step = z.string().regex(STEP_ID, 'a step id: a letter, then letters, digits, - or _ (48 at most)');
const variable = z.string().regex(VARIABLE, 'a variable: a small letter, then letters, digits or _ (40 at most)');
const language = z.string().regex(/^[a-z]{2}(-[A-Z]{2})?$/, 'a language such as en or de');
/** May hold {{variable}}; filled in when the step runs. */
const template = z.string().max(2000);
const digit = z.string().regex(/^[0-9*#]$/, 'one of 0-9 * #');
const seconds = z.number().min(0).max(3600);
const scalar = z.union([z.string().max(2000), z.number(), z.boolean(), z.null()]);

/** Something to hear. `text` is one sentence for all languages, or one per language. */
const sayItem = z.union([
  z.strictObject({ prompt: z.string().min(1).max(100) }),
  z.strictObject({ text: z.union([template, z.record(language, template)]) }),
  /** Spoken as a number ("twenty-three"). */
  z.strictObject({ number: template }),
  /** Spoken one by one ("two, three"). */
  z.strictObject({ digits: template }),
]);
const say = z.array(sayItem).min(1).max(20);

const base = { name: z.string().max(80).optional(), note: z.string().max(1000).optional() };

const condition = z.strictObject({
  value: template,
  is: z.enum([
    'equal',
    'not-equal',
    'less',
    'at-most',
    'more',
    'at-least',
    'one-of',
    'contains',
    'starts-with',
    'empty',
    'not-empty',
  ]),
  than: z.union([template, z.number(), z.boolean(), z.array(template).max(200)]).optional(),
});

const transferTarget = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('number'), number: template }),
  z.strictObject({ kind: z.literal('extension'), extension: template }),
  z.strictObject({ kind: z.literal('agent'), agentId: template }),
]);

export const flowStep = z.discriminatedUnion('type', [
  z.strictObject({ ...base, type: z.literal('answer'), next: step }),
  z.strictObject({ ...base, type: z.literal('play'), say, interruptible: z.boolean().default(true), next: step }),
  z.strictObject({
    ...base,
    type: z.literal('say'),
    text: z.union([template, z.record(language, template)]),
    interruptible: z.boolean().default(true),
    next: step,
  }),
  z.strictObject({
    ...base,
    type: z.literal('menu'),
    say,
    /** Heard after a digit that is no choice. */
    sorry: say.optional(),
    choices: z.record(digit, step),
    timeoutS: seconds.default(5),
    /** How often the menu is heard again before `timeout` or `invalid` is taken. */
    retries: z.number().int().min(0).max(10).default(1),
    timeout: step.optional(),
    invalid: step.optional(),
  }),
  z.strictObject({
    ...base,
    type: z.literal('gather'),
    say: say.optional(),
    sorry: say.optional(),
    variable,
    min: z.number().int().min(1).max(32).default(1),
    max: z.number().int().min(1).max(32),
    terminator: digit.nullable().default('#'),
    timeoutS: seconds.default(6),
    betweenS: seconds.default(4),
    /** Digits that do not match are asked for again. A small safe subset, see `digitPattern`. */
    matches: z.string().max(100).optional(),
    retries: z.number().int().min(0).max(10).default(1),
    next: step,
    timeout: step.optional(),
    invalid: step.optional(),
  }),
  z.strictObject({
    ...base,
    type: z.literal('hours'),
    hoursId: z.string().min(1).max(100),
    open: step,
    closed: step,
    holiday: step.optional(),
  }),
  z.strictObject({ ...base, type: z.literal('language'), language, next: step }),
  z.strictObject({ ...base, type: z.literal('set'), values: z.record(variable, scalar), next: step }),
  z.strictObject({
    ...base,
    type: z.literal('condition'),
    /** Tried in order; the first whose conditions all hold is taken. */
    branches: z
      .array(z.strictObject({ all: z.array(condition).min(1).max(20), next: step }))
      .min(1)
      .max(20),
    otherwise: step,
  }),
  z.strictObject({
    ...base,
    type: z.literal('http'),
    method: z.enum(['GET', 'POST', 'PUT', 'PATCH', 'DELETE']).default('GET'),
    url: template.min(1),
    headers: z.record(z.string().regex(/^[A-Za-z0-9-]{1,60}$/), template).default({}),
    /** A string is sent as it is; anything else as JSON, with {{variables}} filled into its strings. */
    body: z.json().optional(),
    timeoutS: z.number().min(0.1).max(60).default(5),
    maxBytes: z.number().int().min(1).max(1_048_576).default(65_536),
    /** Variable to path in the JSON answer (`customer.name`, `items.0.id`), or `$status`. */
    result: z.record(variable, z.string().max(200)).default({}),
    next: step,
    error: step,
  }),
  z.strictObject({
    ...base,
    type: z.literal('lookup'),
    number: template.default('{{call.from}}'),
    found: step,
    unknown: step,
  }),
  z.strictObject({
    ...base,
    type: z.literal('queue'),
    queueId: z.string().min(1).max(100),
    priority: z.number().int().min(-100).max(100).default(0),
    skills: z
      .array(z.strictObject({ skillId: z.string().max(100), level: z.number().int().min(1).max(10).default(1) }))
      .max(20)
      .default([]),
    /** An agent's id, or 'last' for whoever spoke with this customer last. */
    preferredAgent: template.optional(),
    /** Heard once on arrival, before the wait. */
    first: say.optional(),
    announce: z
      .strictObject({
        position: z.boolean().default(false),
        estimatedWait: z.boolean().default(false),
        say: say.optional(),
        everyS: z.number().min(10).max(600).default(45),
      })
      .optional(),
    music: z.string().max(100).default('music.hold'),
    /** Digits that leave the queue. */
    escape: z.record(digit, step).default({}),
    /** Closed, full, or nobody signed in. */
    refused: step.optional(),
  }),
  z.strictObject({
    ...base,
    type: z.literal('transfer'),
    to: transferTarget,
    timeoutS: z.number().min(5).max(300).default(30),
    music: z.string().max(100).default('tone.ringback'),
    busy: step.optional(),
    noAnswer: step.optional(),
    failed: step.optional(),
  }),
  z.strictObject({
    ...base,
    type: z.literal('voicemail'),
    queueId: z.string().max(100).optional(),
    say: say.optional(),
    maxS: z.number().min(5).max(600).default(180),
    next: step.optional(),
  }),
  z.strictObject({
    ...base,
    type: z.literal('callback'),
    queueId: z.string().min(1).max(100),
    number: template.default('{{call.from}}'),
    next: step,
    failed: step.optional(),
  }),
  z.strictObject({
    ...base,
    type: z.literal('hangup'),
    cause: z.enum(['normal', 'busy', 'rejected', 'unavailable']).default('normal'),
  }),
  z.strictObject({
    ...base,
    type: z.literal('secure'),
    say,
    sorry: say.optional(),
    /** Lives in memory until `handTo` has run, as {{secure.NAME}}; nowhere else. */
    variable,
    min: z.number().int().min(1).max(32),
    max: z.number().int().min(1).max(32),
    terminator: digit.nullable().default('#'),
    timeoutS: seconds.default(10),
    betweenS: seconds.default(6),
    retries: z.number().int().min(0).max(10).default(2),
    /** Refuse numbers that fail the check digit of ISO/IEC 7812 (Luhn). */
    checkDigit: z.boolean().default(false),
    /** The one http step that may use the value. */
    handTo: step,
    next: step,
    failed: step,
  }),
  z.strictObject({ ...base, type: z.literal('goto'), next: step }),
]);

export const flowDocument = z.strictObject({
  schema: z.literal(1),
  start: step,
  language: language.default('en'),
  variables: z.record(variable, scalar).default({}),
  /** Where a call goes when a step breaks; without it the call is ended. */
  onError: step.optional(),
  steps: z.record(step, flowStep),
  /** Where the editor drew each step. */
  layout: z.record(step, z.strictObject({ x: z.number(), y: z.number() })).optional(),
});

export type SayItem = z.infer<typeof sayItem>;
export type FlowStep = z.infer<typeof flowStep>;
export type FlowStepOf<T extends FlowStep['type']> = Extract<FlowStep, { type: T }>;
export type FlowCondition = z.infer<typeof condition>;
export type FlowDocument = z.infer<typeof flowDocument>;
/** As written by hand: fields with defaults may be missing. */
export type FlowDocumentInput = z.input<typeof flowDocument>;
export type Scalar = z.infer<typeof scalar>;

export interface FlowProblem {
  severity: 'error' | 'warning';
  /** The step at fault; absent when it is the document as a whole. */
  step?: string;
  code: string;
  /** What is wrong and what to do about it. */
  message: string;
}

export interface FlowEdge {
  /** The way to the field: `next`, `choices.2`, `branches.0`. */
  label: string;
  to: string;
}

/** All ways out of a step, in drawing order. */
export function edgesOf(step: FlowStep): FlowEdge[] {
  const named = (...labels: string[]): FlowEdge[] =>
    labels.flatMap((label) => {
      const to = (step as unknown as Record<string, unknown>)[label];
      return typeof to === 'string' ? [{ label, to }] : [];
    });
  const keyed = (label: string, map: Record<string, string>): FlowEdge[] =>
    Object.entries(map).map(([key, to]) => ({ label: `${label}.${key}`, to }));
  switch (step.type) {
    case 'answer':
    case 'play':
    case 'say':
    case 'language':
    case 'set':
    case 'goto':
    case 'voicemail':
      return named('next');
    case 'menu':
      return [...keyed('choices', step.choices), ...named('timeout', 'invalid')];
    case 'gather':
      return named('next', 'timeout', 'invalid');
    case 'hours':
      return named('open', 'closed', 'holiday');
    case 'condition':
      return [
        ...step.branches.map((branch, index) => ({ label: `branches.${index}`, to: branch.next })),
        ...named('otherwise'),
      ];
    case 'http':
      return named('next', 'error');
    case 'lookup':
      return named('found', 'unknown');
    case 'queue':
      return [...keyed('escape', step.escape), ...named('refused')];
    case 'transfer':
      return named('busy', 'noAnswer', 'failed');
    case 'callback':
      return named('next', 'failed');
    case 'secure':
      return named('next', 'failed');
    case 'hangup':
      return [];
  }
}
