import type { FlowStep } from '#appliance/contract/flow.ts';

export type StepType = FlowStep['type'];
/** A step as it is being drawn: fields may be missing or wrong, the box says which. */
export type DraftStep = { type: StepType; name?: string; note?: string } & Record<string, unknown>;
export interface Place {
  x: number;
  y: number;
}
export interface Draft {
  schema: 1;
  start: string;
  language: string;
  variables?: Record<string, unknown>;
  onError?: string;
  steps: Record<string, DraftStep>;
  layout?: Record<string, Place>;
}

/** A way out of a step, whether it leads anywhere yet or not. */
export interface Slot {
  /** The way to the field, as `edgesOf` of the contract names it: `next`, `choices.2`, `branches.0`. */
  label: string;
  /** Empty: leads nowhere yet. */
  to: string;
  optional: boolean;
}

const ONE_WAY = { must: ['next'], may: [] };
const WAYS: Record<StepType, { must: readonly string[]; may: readonly string[]; keyed?: 'choices' | 'escape' }> = {
  answer: ONE_WAY,
  play: ONE_WAY,
  say: ONE_WAY,
  language: ONE_WAY,
  set: ONE_WAY,
  goto: ONE_WAY,
  voicemail: { must: [], may: ['next'] },
  menu: { must: [], may: ['timeout', 'invalid'], keyed: 'choices' },
  gather: { must: ['next'], may: ['timeout', 'invalid'] },
  hours: { must: ['open', 'closed'], may: ['holiday'] },
  condition: { must: ['otherwise'], may: [] },
  http: { must: ['next', 'error'], may: [] },
  lookup: { must: ['found', 'unknown'], may: [] },
  queue: { must: [], may: ['refused'], keyed: 'escape' },
  transfer: { must: [], may: ['busy', 'noAnswer', 'failed'] },
  callback: { must: ['next'], may: ['failed'] },
  secure: { must: ['next', 'failed'], may: [] },
  hangup: { must: [], may: [] },
};

const record = (value: unknown): Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : {};
const list = (value: unknown): Record<string, unknown>[] => (Array.isArray(value) ? value.map(record) : []);
const id = (value: unknown): string => (typeof value === 'string' ? value : '');

/** All ways out of a step, in drawing order; those that lead nowhere too. */
export function slotsOf(step: DraftStep): Slot[] {
  const ways = WAYS[step.type] ?? { must: [], may: [] };
  const keyed = ways.keyed;
  return [
    ...(keyed
      ? Object.entries(record(step[keyed])).map(([key, to]) => ({
          label: `${keyed}.${key}`,
          to: id(to),
          optional: false,
        }))
      : []),
    ...(step.type === 'condition'
      ? list(step.branches).map((branch, index) => ({
          label: `branches.${index}`,
          to: id(branch.next),
          optional: false,
        }))
      : []),
    ...ways.must.map((label) => ({ label, to: id(step[label]), optional: false })),
    ...ways.may.map((label) => ({ label, to: id(step[label]), optional: true })),
  ];
}

/** The step with one way out leading elsewhere; '' for nowhere. */
export function withWay(step: DraftStep, label: string, to: string): DraftStep {
  const [field = '', key] = label.split('.');
  if (key === undefined) {
    if (to !== '' || WAYS[step.type].must.includes(field)) return { ...step, [field]: to };
    const { [field]: _, ...rest } = step;
    return rest as DraftStep;
  }
  if (field === 'branches')
    return {
      ...step,
      branches: list(step.branches).map((one, index) => (index === Number(key) ? { ...one, next: to } : one)),
    };
  return { ...step, [field]: { ...record(step[field]), [key]: to } };
}

/** Nothing leads to these steps any more. */
export function withoutWaysTo(draft: Draft, gone: ReadonlySet<string>): Draft {
  const steps = Object.entries(draft.steps).map(([name, step]) => {
    const cut = slotsOf(step)
      .filter(({ to }) => gone.has(to))
      .reduce((now, { label }) => withWay(now, label, ''), step);
    return [name, gone.has(id(cut.handTo)) ? { ...cut, handTo: '' } : cut] as const;
  });
  const { onError, ...rest } = draft;
  return { ...rest, ...(onError !== undefined && !gone.has(onError) && { onError }), steps: Object.fromEntries(steps) };
}

export function withoutSteps(draft: Draft, gone: ReadonlySet<string>): Draft {
  const kept = <T>(all: Record<string, T>) =>
    Object.fromEntries(Object.entries(all).filter(([name]) => !gone.has(name)));
  const cut = withoutWaysTo(draft, gone);
  return { ...cut, steps: kept(cut.steps), ...(cut.layout && { layout: kept(cut.layout) }) };
}

/** An id that no step has: `queue`, `queue-2`… */
export function freshId(draft: Draft, type: StepType): string {
  for (let n = 1; ; n++) {
    const candidate = n === 1 ? type : `${type}-${n}`;
    if (!Object.hasOwn(draft.steps, candidate)) return candidate;
  }
}

/** What a new step begins with: as much as can be guessed, and what is left the box asks for. */
export function freshStep(type: StepType, language: string): DraftStep {
  const say = [{ text: { [language]: '' } }];
  switch (type) {
    case 'play':
      return { type, say, next: '' };
    case 'say':
      return { type, text: { [language]: '' }, next: '' };
    case 'menu':
      return { type, say, choices: { '1': '' } };
    case 'gather':
      return { type, say, variable: 'digits', max: 10, next: '' };
    case 'secure':
      return { type, say, variable: 'card', min: 12, max: 19, checkDigit: true, handTo: '', next: '', failed: '' };
    case 'hours':
      return { type, hoursId: '', open: '', closed: '' };
    case 'language':
      return { type, language, next: '' };
    case 'set':
      return { type, values: {}, next: '' };
    case 'condition':
      return { type, branches: [{ all: [{ value: '', is: 'equal', than: '' }], next: '' }], otherwise: '' };
    case 'http':
      return { type, url: '', next: '', error: '' };
    case 'lookup':
      return { type, found: '', unknown: '' };
    case 'queue':
      return { type, queueId: '' };
    case 'transfer':
      return { type, to: { kind: 'number', number: '' } };
    case 'callback':
      return { type, queueId: '', next: '' };
    case 'voicemail':
    case 'hangup':
      return { type };
    case 'answer':
    case 'goto':
      return { type, next: '' };
  }
}

/** An unreadable draft becomes an empty one rather than an error. */
export function draftOf(document: unknown): Draft {
  const given = record(document);
  const steps = Object.fromEntries(
    Object.entries(record(given.steps)).filter(([, step]) => id(record(step).type) in WAYS),
  ) as Record<string, DraftStep>;
  return {
    ...given,
    schema: 1,
    start: id(given.start),
    language: id(given.language) || 'en',
    steps,
  } as Draft;
}
