import { edgesOf, type FlowDocument, type FlowProblem, type FlowStep, flowDocument } from '#appliance/contract/flow.ts';
import { digitPattern } from './conditions.ts';
import { type AllowedHost, allowedHost } from './http-call.ts';
import { namesInside } from './template.ts';

/** What a document may refer to. */
export interface FlowReferences {
  /** Prompt names with the languages they exist in ('*' for sounds without words). */
  prompts: ReadonlyMap<string, ReadonlySet<string>>;
  queues: ReadonlySet<string>;
  hours: ReadonlySet<string>;
  skills: ReadonlySet<string>;
  hosts: AllowedHost[];
}

export interface Validated {
  /** Present when the shape is right, even if there are errors in what it says. */
  document?: FlowDocument;
  problems: FlowProblem[];
}

const MAX_STEPS = 500;
/** Steps that take the caller's time, so that a loop through them cannot spin. */
const WAITS = new Set<FlowStep['type']>(['play', 'say', 'menu', 'gather', 'secure', 'queue', 'transfer', 'voicemail', 'callback']);
/** Steps that only make sense once the call is answered. */
const NEEDS_ANSWER = new Set<FlowStep['type']>(['menu', 'gather', 'secure', 'voicemail']);

/** Everything that is wrong with a document, each with the step it is in and what to do. Pure. */
export function validateFlow(input: unknown, references: FlowReferences): Validated {
  const parsed = flowDocument.safeParse(input);
  if (!parsed.success) return { problems: parsed.error.issues.slice(0, 100).map((issue) => shapeProblem(issue, input)) };
  const document = parsed.data;
  const problems = [
    ...graphProblems(document),
    ...Object.entries(document.steps).flatMap(([id, step]) => stepProblems(id, step, document, references)),
  ];
  return { document, problems };
}

export function hasErrors(problems: FlowProblem[]): boolean {
  return problems.some(({ severity }) => severity === 'error');
}

function graphProblems(document: FlowDocument): FlowProblem[] {
  const { steps, start, onError } = document;
  const ids = Object.keys(steps);
  const problems: FlowProblem[] = [];
  if (ids.length > MAX_STEPS) problems.push(error(undefined, 'too-large', `The flow has ${ids.length} steps; ${MAX_STEPS} is the most. Split it into several flows.`));
  if (!Object.hasOwn(steps, start)) problems.push(error(undefined, 'start-unknown', `The flow starts at "${start}", which is no step. Choose the step that a call begins with.`));
  if (onError !== undefined && !Object.hasOwn(steps, onError)) problems.push(error(undefined, 'step-unknown', `On an error the flow goes to "${onError}", which is no step. Choose an existing one.`));
  for (const [id, step] of Object.entries(steps)) {
    for (const { label, to } of edgesOf(step)) {
      if (!Object.hasOwn(steps, to)) problems.push(error(id, 'step-unknown', `Step "${id}" leads to "${to}" (${label}), which is no step. Connect it to an existing one.`));
    }
  }
  const reached = reach(document, [start, ...(onError ? [onError] : [])], () => true);
  for (const id of ids) {
    if (!reached.has(id)) problems.push(warning(id, 'unreachable', `No way leads to step "${id}". Connect it, or remove it.`));
  }
  const unanswered = reach(document, [start], (step) => step.type !== 'answer');
  for (const id of unanswered) {
    const { type } = steps[id]!;
    if (NEEDS_ANSWER.has(type)) problems.push(error(id, 'not-answered', `Step "${id}" (${type}) can be reached before the call is answered. Put an answer step in front of it.`));
    else if (type === 'play' || type === 'say' || type === 'queue') {
      problems.push(warning(id, 'not-answered', `Step "${id}" (${type}) can be heard before the call is answered, which some carriers suppress. Put an answer step in front of it, unless that is meant.`));
    }
  }
  for (const loop of spinningLoops(document)) {
    problems.push(error(loop[0], 'endless-loop', `The steps ${loop.map((id) => `"${id}"`).join(' → ')} go round without ever waiting for the caller. Put a play, menu or gather step into the loop, or lead it out.`));
  }
  return problems;
}

/** Steps that can be reached; ways out of a step are followed only when `through` says so. */
function reach({ steps }: FlowDocument, from: string[], through: (step: FlowStep) => boolean): Set<string> {
  const seen = new Set<string>();
  const open = from.filter((id) => Object.hasOwn(steps, id));
  for (let id = open.pop(); id !== undefined; id = open.pop()) {
    if (seen.has(id)) continue;
    seen.add(id);
    const step = steps[id]!;
    if (through(step)) open.push(...edgesOf(step).map(({ to }) => to).filter((to) => Object.hasOwn(steps, to)));
  }
  return seen;
}

/** Cycles made only of steps that do not wait; each reported once. */
function spinningLoops({ steps }: FlowDocument): string[][] {
  const state = new Map<string, 'open' | 'done'>();
  const path: string[] = [];
  const loops: string[][] = [];
  const visit = (id: string): void => {
    if (state.get(id) === 'done') return;
    if (state.get(id) === 'open') {
      loops.push(path.slice(path.indexOf(id)));
      return;
    }
    const step = Object.hasOwn(steps, id) ? steps[id] : undefined;
    if (!step || WAITS.has(step.type)) return;
    state.set(id, 'open');
    path.push(id);
    for (const to of new Set(edgesOf(step).map((edge) => edge.to))) visit(to);
    path.pop();
    state.set(id, 'done');
  };
  for (const id of Object.keys(steps)) visit(id);
  return loops;
}

function stepProblems(id: string, step: FlowStep, document: FlowDocument, references: FlowReferences): FlowProblem[] {
  const problems: FlowProblem[] = [];
  const fail = (code: string, message: string): void => void problems.push(error(id, code, `Step "${id}" (${step.type}) ${message}`));
  const warn = (code: string, message: string): void => void problems.push(warning(id, code, `Step "${id}" (${step.type}) ${message}`));
  const prompt = (name: string): void => {
    if (!references.prompts.has(name)) fail('prompt-unknown', `plays the prompt "${name}", which does not exist. Upload or speak it under Prompts, or choose another.`);
  };
  const queue = (queueId: string | undefined): void => {
    if (queueId !== undefined && !references.queues.has(queueId)) fail('queue-unknown', 'names a queue that does not exist. Choose an existing queue.');
  };

  for (const item of saidIn(step)) {
    if ('prompt' in item) {
      prompt(item.prompt);
      const languages = references.prompts.get(item.prompt);
      for (const language of languagesOf(document)) {
        if (languages && !languages.has('*') && !languages.has(language)) {
          warn('prompt-language', `plays the prompt "${item.prompt}", which has no version in "${language}"; callers will hear another language. Add it under Prompts.`);
        }
      }
    }
    if ('text' in item && typeof item.text === 'object' && !item.text[document.language]) {
      fail('text-language', `says nothing in "${document.language}", the language of the flow. Add a text for it.`);
    }
  }
  for (const name of unknownNames(step, document)) fail('variable-unknown', `uses {{${name}}}, which nothing sets. Set it in an earlier step or among the flow's variables.`);

  switch (step.type) {
    case 'menu':
      if (Object.keys(step.choices).length === 0) fail('no-choices', 'has no choices. Connect at least one digit.');
      if (!step.timeout && !step.invalid) fail('missing-edge', 'does not say where a caller goes who presses nothing. Connect its "timeout" edge.');
      break;
    case 'gather':
      if (step.min > step.max) fail('min-over-max', `wants at least ${step.min} digits but takes ${step.max} at most. Correct one of them.`);
      if (step.matches !== undefined && !digitPattern(step.matches)) fail('bad-pattern', `has the pattern "${step.matches}", which is not understood. Use digits, sets like [0-9], \\d, and repetition of single characters, for example "49[0-9]{8,10}".`);
      if (!step.timeout && !step.invalid) fail('missing-edge', 'does not say where a caller goes who enters nothing. Connect its "timeout" edge.');
      break;
    case 'hours':
      if (!references.hours.has(step.hoursId)) fail('hours-unknown', 'names opening hours that do not exist. Choose existing ones.');
      break;
    case 'queue':
      queue(step.queueId);
      prompt(step.music);
      for (const { skillId } of step.skills) if (!references.skills.has(skillId)) fail('skill-unknown', 'asks for a skill that does not exist. Choose an existing skill.');
      if (step.announce?.position) for (const name of ['queue.position', 'queue.position-end']) prompt(name);
      if (step.announce?.estimatedWait) for (const name of ['queue.wait', 'queue.minutes', 'queue.wait-short', 'queue.wait-long']) prompt(name);
      if (!step.refused) warn('missing-edge', 'does not say where a caller goes when the queue is closed or full. Connect its "refused" edge.');
      break;
    case 'transfer':
      prompt(step.music);
      if (!step.failed) warn('missing-edge', 'does not say where a caller goes when nobody answers. Connect its "failed" edge.');
      break;
    case 'voicemail':
      queue(step.queueId);
      prompt('tone.beep');
      break;
    case 'callback':
      queue(step.queueId);
      break;
    case 'http': {
      const origin = /^(https?:\/\/[^/?#{}]+)(?=[/?#]|$)/i.exec(step.url)?.[1];
      if (!origin) fail('bad-url', 'needs a URL that begins with https:// and a fixed host name; {{variables}} may come after it.');
      else if (!allowedHost(origin, references.hosts)) fail('host-not-allowed', `calls ${origin}, which is not among the hosts that flows may reach. Have an administrator add it under Flow hosts.`);
      break;
    }
    case 'secure': {
      if (step.min > step.max) fail('min-over-max', `wants at least ${step.min} digits but takes ${step.max} at most. Correct one of them.`);
      const taker = Object.hasOwn(document.steps, step.handTo) ? document.steps[step.handTo] : undefined;
      if (!taker) fail('step-unknown', `hands its digits to "${step.handTo}", which is no step. Choose the http step that needs them.`);
      else if (taker.type !== 'http') fail('secure-taker', `hands its digits to "${step.handTo}", which is no http step. Only an http step may have them.`);
      break;
    }
    case 'answer':
    case 'play':
    case 'say':
    case 'language':
    case 'set':
    case 'condition':
    case 'lookup':
    case 'hangup':
    case 'goto':
      break;
  }
  return [...problems, ...secureProblems(id, step, document)];
}

/** {{secure.…}} only in headers and body of the http step it was meant for. */
function secureProblems(id: string, step: FlowStep, document: FlowDocument): FlowProblem[] {
  const given = new Set(Object.values(document.steps).flatMap((other) => (other.type === 'secure' && other.handTo === id ? [`secure.${other.variable}`] : [])));
  const allowed = step.type === 'http' ? [...namesInside(step.headers), ...namesInside(step.body)] : [];
  const all = namesInside(step).filter((name) => name.startsWith('secure.'));
  const problems: FlowProblem[] = [];
  for (const name of new Set(all)) {
    const places = all.filter((other) => other === name).length;
    const rightful = given.has(name) ? allowed.filter((other) => other === name).length : 0;
    if (places > rightful) {
      problems.push(error(id, 'secure-misused', `Step "${id}" (${step.type}) uses {{${name}}} where secure digits must not go. Only headers and body of the http step named by the secure step's "handTo" may hold them.`));
    }
  }
  return problems;
}

function unknownNames(step: FlowStep, document: FlowDocument): string[] {
  const known = new Set(Object.keys(document.variables));
  for (const other of Object.values(document.steps)) {
    if (other.type === 'set') for (const name of Object.keys(other.values)) known.add(name);
    if (other.type === 'gather') known.add(other.variable);
    if (other.type === 'http') for (const name of Object.keys(other.result)) known.add(name);
  }
  return [...new Set(namesInside(step))].filter((name) => !known.has(name) && !/^(call|customer|secure)\../.test(name));
}

function languagesOf(document: FlowDocument): Set<string> {
  const languages = new Set([document.language]);
  for (const step of Object.values(document.steps)) if (step.type === 'language') languages.add(step.language);
  return languages;
}

function saidIn(step: FlowStep) {
  switch (step.type) {
    case 'play':
    case 'secure':
      return [...step.say, ...('sorry' in step ? (step.sorry ?? []) : [])];
    case 'say':
      return [{ text: step.text }];
    case 'menu':
      return [...step.say, ...(step.sorry ?? [])];
    case 'gather':
      return [...(step.say ?? []), ...(step.sorry ?? [])];
    case 'queue':
      return [...(step.first ?? []), ...(step.announce?.say ?? [])];
    case 'voicemail':
      return step.say ?? [];
    case 'answer':
    case 'hours':
    case 'language':
    case 'set':
    case 'condition':
    case 'http':
    case 'lookup':
    case 'transfer':
    case 'callback':
    case 'hangup':
    case 'goto':
      return [];
  }
}

/** A problem of shape in words that name the step. */
function shapeProblem(issue: { code?: string | undefined; path: PropertyKey[]; message: string }, input: unknown): FlowProblem {
  const path = issue.path.map(String);
  if (path[0] !== 'steps' || path.length < 2) {
    const where = path.join('.');
    return error(undefined, 'bad-shape', where ? `The flow's "${where}" is not right: ${issue.message}.` : `The document is no flow: ${issue.message}. Start from an empty flow.`);
  }
  const id = path[1]!.slice(0, 60);
  const step = (input as { steps?: Record<string, unknown> }).steps?.[path[1]!] as Record<string, unknown> | undefined;
  const field = path.slice(2).join('.');
  const type = typeof step?.['type'] === 'string' ? ` (${step['type'].slice(0, 20)})` : '';
  if (field === 'type' || (field === '' && issue.code === 'invalid_union')) {
    return error(id, 'type-unknown', `Step "${id}"${type} is of no known type. Choose one of the step types.`);
  }
  if (field && valueAt(step, path.slice(2)) === undefined) {
    return EDGE_FIELDS.has(path[2]!)
      ? error(id, 'missing-edge', `Step "${id}"${type} has no "${field}" edge. Connect it to the step that comes then.`)
      : error(id, 'missing-field', `Step "${id}"${type} lacks "${field}". Fill it in.`);
  }
  return error(id, 'bad-field', `Step "${id}"${type}${field ? `, field "${field}"` : ''}: ${issue.message}.`);
}

const EDGE_FIELDS = new Set(['next', 'error', 'open', 'closed', 'found', 'unknown', 'otherwise', 'failed', 'handTo']);

function valueAt(value: unknown, path: string[]): unknown {
  return path.reduce<unknown>((at, key) => (at as Record<string, unknown> | undefined)?.[key], value);
}

function error(step: string | undefined, code: string, message: string): FlowProblem {
  return { severity: 'error', ...(step !== undefined && { step }), code, message };
}

function warning(step: string | undefined, code: string, message: string): FlowProblem {
  return { ...error(step, code, message), severity: 'warning' };
}

