import type { FlowDocument, SayItem, Scalar } from '#appliance/contract/flow.ts';
import type { Clock } from '#appliance/kernel/clock.ts';
import { uuidv7 } from '#appliance/kernel/ids.ts';
import type { PlayItem, QueueOutcome, TransferEnd } from './host.ts';
import type { Hours } from './hours.ts';
import type { HttpAnswer } from './http-call.ts';
import { interpret } from './interpreter.ts';
import { sayDigits, sayNumber } from './numbers.ts';
import type { FlowOutcome, LookUp, RunState } from './run-state.ts';
import { fill } from './template.ts';
import { createTextHost } from './text-host.ts';

export interface TextRunOptions {
  digits?: string[];
  /** Instead of now: what the hours say then. */
  at?: Date;
  from?: string;
  to?: string;
  /** What a looked-up customer is; nobody is known without. */
  customer?: Record<string, Scalar>;
  /** Answers of http steps by step id; nothing is sent. Steps without one take their `next` edge with empty results. */
  http?: Record<string, { status: number; body?: unknown }>;
  queue?: QueueOutcome;
  transfer?: TransferEnd;
  variables?: Record<string, Scalar>;
  hours?: (id: string) => Hours | undefined;
  /** What a prompt says, by name and language. */
  promptText?: (name: string, language: string) => string | undefined;
  nameOf?: (id: string) => string | undefined;
}

export interface TextRun {
  lines: string[];
  /** The steps in the order taken, with the edge each left by. */
  path: { step: string; edge?: string }[];
  /** Steps that broke, and why. */
  broken: { step: string; error: string }[];
  outcome: FlowOutcome;
  variables: Record<string, Scalar>;
}

/** Runs a document from its start to its end without a call, a database or the network. */
export async function runFlowInText(document: FlowDocument, options: TextRunOptions = {}): Promise<TextRun> {
  const lines: string[] = [];
  const path: TextRun['path'] = [];
  const broken: TextRun['broken'] = [];
  const at = options.at;
  const clock: Clock = { now: () => at ?? new Date(), after: () => () => {} };
  const print = (line: string): void => {
    if (lines.length < 2000) lines.push(line);
  };
  const host = createTextHost({
    digits: options.digits ?? [],
    call: { from: options.from ?? '+15550199', to: options.to ?? '+15550100', channel: 'voice' },
    print,
    ...(options.queue && { queue: options.queue }),
    ...(options.transfer && { transfer: options.transfer }),
    ...(options.nameOf && { nameOf: options.nameOf }),
  });
  const state: RunState = {
    id: uuidv7(),
    interactionId: uuidv7(),
    versionId: uuidv7(),
    step: document.start,
    steps: 0,
    language: document.language,
    variables: { ...document.variables, ...options.variables },
    secureFrom: null,
    answered: false,
    startedAt: clock.now(),
  };
  let called = '';
  const outcome = await interpret(document, state, host, {
    clock,
    speech: async (items, language, lookUp) => items.flatMap((item) => textOf(item, language, lookUp, options)),
    hours: (id) => options.hours?.(id),
    lookUpCustomer: async () => options.customer,
    lastAgent: async () => undefined,
    http: {
      async call({ method, url }): Promise<HttpAnswer> {
        const planned = options.http?.[called];
        print(`${method.toLowerCase()}   ${url} → ${planned ? planned.status : 'not sent'}`);
        if (planned && planned.status >= 300)
          return { ok: false, why: `status-${planned.status}`, status: planned.status };
        return { ok: true, status: planned?.status ?? 200, body: planned?.body ?? {} };
      },
    },
    save: (now) => {
      called = now.step;
    },
    event: (type, data) => {
      if (type === 'flow-step')
        path.push({ step: String(data.step), ...(data.edge !== undefined && { edge: String(data.edge) }) });
      if (type === 'flow-failed') {
        print(`step "${data.step}" broke: ${data.error}`);
        broken.push({ step: String(data.step), error: String(data.error) });
      }
    },
  });
  return { lines, path, broken, outcome, variables: state.variables };
}

function textOf(item: SayItem, language: string, lookUp: LookUp, { promptText }: TextRunOptions): PlayItem[] {
  const item_ = (name: string): PlayItem => ({ media: name, text: promptText?.(name, language) ?? name });
  if ('prompt' in item) return [item_(item.prompt)];
  if ('text' in item) {
    const text = typeof item.text === 'string' ? item.text : (item.text[language] ?? Object.values(item.text)[0] ?? '');
    return [{ media: '', text: fill(text, lookUp) }];
  }
  if ('number' in item) {
    const n = Number(fill(item.number, lookUp));
    return Number.isInteger(n) && n >= 0 ? sayNumber(n).map(item_) : [];
  }
  return sayDigits(fill(item.digits, lookUp)).map(item_);
}
