import { type FlowDocument, type FlowProblem, type FlowStep, flowDocument } from '#appliance/contract/flow.ts';
import { digitPattern } from './conditions.ts';
import { type AllowedHost, allowedHost } from './http-call.ts';
import { error, warning } from './problems.ts';
import { namesInside } from './template.ts';
import { graphProblems } from './validate-graph.ts';
import { shapeProblem } from './validate-shape.ts';

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

/** Everything that is wrong with a document, each with the step it is in and what to do. Pure. */
export function validateFlow(input: unknown, references: FlowReferences): Validated {
  const parsed = flowDocument.safeParse(input);
  if (!parsed.success)
    return { problems: parsed.error.issues.slice(0, 100).map((issue) => shapeProblem(issue, input)) };
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

function stepProblems(id: string, step: FlowStep, document: FlowDocument, references: FlowReferences): FlowProblem[] {
  const problems: FlowProblem[] = [];
  const fail = (code: string, message: string): void =>
    void problems.push(error(id, code, `Step "${id}" (${step.type}) ${message}`));
  const warn = (code: string, message: string): void =>
    void problems.push(warning(id, code, `Step "${id}" (${step.type}) ${message}`));
  const prompt = (name: string): void => {
    if (!references.prompts.has(name))
      fail(
        'prompt-unknown',
        `plays the prompt "${name}", which does not exist. Upload or speak it under Prompts, or choose another.`,
      );
  };
  const queue = (queueId: string | undefined): void => {
    if (queueId !== undefined && !references.queues.has(queueId))
      fail('queue-unknown', 'names a queue that does not exist. Choose an existing queue.');
  };

  for (const item of saidIn(step)) {
    if ('prompt' in item) {
      prompt(item.prompt);
      const languages = references.prompts.get(item.prompt);
      for (const language of languagesOf(document)) {
        if (languages && !languages.has('*') && !languages.has(language)) {
          warn(
            'prompt-language',
            `plays the prompt "${item.prompt}", which has no version in "${language}"; callers will hear another language. Add it under Prompts.`,
          );
        }
      }
    }
    if ('text' in item && typeof item.text === 'object' && !item.text[document.language]) {
      fail('text-language', `says nothing in "${document.language}", the language of the flow. Add a text for it.`);
    }
  }
  for (const name of unknownNames(step, document))
    fail(
      'variable-unknown',
      `uses {{${name}}}, which nothing sets. Set it in an earlier step or among the flow's variables.`,
    );

  switch (step.type) {
    case 'menu':
      if (Object.keys(step.choices).length === 0) fail('no-choices', 'has no choices. Connect at least one digit.');
      if (!step.timeout && !step.invalid)
        fail('missing-edge', 'does not say where a caller goes who presses nothing. Connect its "timeout" edge.');
      break;
    case 'gather':
      if (step.min > step.max)
        fail('min-over-max', `wants at least ${step.min} digits but takes ${step.max} at most. Correct one of them.`);
      if (step.matches !== undefined && !digitPattern(step.matches))
        fail(
          'bad-pattern',
          `has the pattern "${step.matches}", which is not understood. Use digits, sets like [0-9], \\d, and repetition of single characters, for example "49[0-9]{8,10}".`,
        );
      if (!step.timeout && !step.invalid)
        fail('missing-edge', 'does not say where a caller goes who enters nothing. Connect its "timeout" edge.');
      break;
    case 'hours':
      if (!references.hours.has(step.hoursId))
        fail('hours-unknown', 'names opening hours that do not exist. Choose existing ones.');
      break;
    case 'queue':
      queue(step.queueId);
      prompt(step.music);
      for (const { skillId } of step.skills)
        if (!references.skills.has(skillId))
          fail('skill-unknown', 'asks for a skill that does not exist. Choose an existing skill.');
      if (step.announce?.position) for (const name of ['queue.position', 'queue.position-end']) prompt(name);
      if (step.announce?.estimatedWait)
        for (const name of ['queue.wait', 'queue.minutes', 'queue.wait-short', 'queue.wait-long']) prompt(name);
      if (!step.refused)
        warn(
          'missing-edge',
          'does not say where a caller goes when the queue is closed or full. Connect its "refused" edge.',
        );
      break;
    case 'transfer':
      prompt(step.music);
      if (!step.failed)
        warn('missing-edge', 'does not say where a caller goes when nobody answers. Connect its "failed" edge.');
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
      if (!origin)
        fail(
          'bad-url',
          'needs a URL that begins with https:// and a fixed host name; {{variables}} may come after it.',
        );
      else if (!allowedHost(origin, references.hosts))
        fail(
          'host-not-allowed',
          `calls ${origin}, which is not among the hosts that flows may reach. Have an administrator add it under Flow hosts.`,
        );
      break;
    }
    case 'secure': {
      if (step.min > step.max)
        fail('min-over-max', `wants at least ${step.min} digits but takes ${step.max} at most. Correct one of them.`);
      const taker = Object.hasOwn(document.steps, step.handTo) ? document.steps[step.handTo] : undefined;
      if (!taker)
        fail(
          'step-unknown',
          `hands its digits to "${step.handTo}", which is no step. Choose the http step that needs them.`,
        );
      else if (taker.type !== 'http')
        fail(
          'secure-taker',
          `hands its digits to "${step.handTo}", which is no http step. Only an http step may have them.`,
        );
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
  const given = new Set(
    Object.values(document.steps).flatMap((other) =>
      other.type === 'secure' && other.handTo === id ? [`secure.${other.variable}`] : [],
    ),
  );
  const allowed = step.type === 'http' ? [...namesInside(step.headers), ...namesInside(step.body)] : [];
  const all = namesInside(step).filter((name) => name.startsWith('secure.'));
  const problems: FlowProblem[] = [];
  for (const name of new Set(all)) {
    const places = all.filter((other) => other === name).length;
    const rightful = given.has(name) ? allowed.filter((other) => other === name).length : 0;
    if (places > rightful) {
      problems.push(
        error(
          id,
          'secure-misused',
          `Step "${id}" (${step.type}) uses {{${name}}} where secure digits must not go. Only headers and body of the http step named by the secure step's "handTo" may hold them.`,
        ),
      );
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
