import { describe, expect, it } from 'vitest';
import type { FlowDocumentInput, Scalar } from '#appliance/contract/flow.ts';
import { flowDocument } from '#appliance/contract/flow.ts';
import { ManualClock } from '#appliance/kernel/clock.ts';
import { uuidv7 } from '#appliance/kernel/ids.ts';
import { DigitInput } from './digits.ts';
import type { FlowHost, QueueOutcome } from './host.ts';
import type { HttpAnswer, HttpRequest } from './http-call.ts';
import { interpret, STEP_BUDGET } from './interpreter.ts';
import type { FlowOutcome, RunDeps, RunState } from './run-state.ts';
import { runFlowInText } from './text-run.ts';

const MAIN: FlowDocumentInput = {
  schema: 1,
  start: 'answer',
  steps: {
    answer: { type: 'answer', next: 'menu' },
    menu: {
      type: 'menu',
      say: [{ prompt: 'menu' }],
      sorry: [{ text: { en: 'Sorry', de: 'Leider nein' } }],
      choices: { 1: 'sales', 2: 'support', 9: 'message' },
      timeoutS: 5,
      retries: 1,
      timeout: 'support',
    },
    sales: { type: 'queue', queueId: 'sales', refused: 'bye' },
    support: {
      type: 'queue',
      queueId: 'support',
      announce: { position: true, everyS: 30 },
      escape: { '*': 'message' },
      refused: 'bye',
    },
    message: { type: 'voicemail', queueId: 'support', say: [{ text: 'Leave a message' }] },
    bye: { type: 'hangup', cause: 'busy' },
  },
};

const run = (input: FlowDocumentInput, options: Parameters<typeof runFlowInText>[1] = {}) =>
  runFlowInText(flowDocument.parse(input), options);
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** A caller on a manual clock; prompts take no time but to a loop there is no end. */
function caller(call: Record<string, Scalar> = { from: '+15550123' }) {
  const clock = new ManualClock();
  const digits = new DigitInput(clock);
  const heard: string[] = [];
  const log: string[] = [];
  let settle: (outcome: QueueOutcome) => void = () => {};
  let isSecure = false;
  const host: FlowHost = {
    call,
    answered: false,
    answer: async () => void log.push('answer'),
    async play(items, { interruptedBy, loop, forMs, signal }) {
      heard.push(items.map(({ text }) => text).join(' '));
      if (!loop) return 'finished';
      const over = new AbortController();
      signal?.addEventListener('abort', () => over.abort());
      let timedOut = false;
      const stop =
        forMs === undefined
          ? () => {}
          : clock.after(forMs, () => {
              timedOut = true;
              over.abort();
            });
      const end = await digits.oneOf(interruptedBy, over.signal).finally(stop);
      return timedOut && end === 'aborted' ? 'finished' : end;
    },
    gather: (options) => digits.gather(options),
    clearDigits: () => digits.clear(),
    language: (language) => void log.push(`language ${language}`),
    async enqueue({ queueId, resumed }) {
      log.push(`enqueue ${queueId}${resumed ? ' again' : ''}`);
      return {
        outcome: new Promise<QueueOutcome>((resolve) => {
          settle = resolve;
        }),
        position: () => ({ position: 2, estimatedWaitS: 30 }),
        leave: async (why) => {
          log.push(`leave ${why}`);
          return true;
        },
      };
    },
    transfer: async () => 'busy',
    voicemail: async () => {
      log.push('voicemail');
      return 'recorded';
    },
    callback: async ({ number }) => void log.push(`callback ${number}`),
    hangup: async (cause) => void log.push(`hangup ${cause}`),
    secure: async (on) => {
      if (on !== isSecure) log.push(on ? 'secure on' : 'secure off');
      isSecure = on;
    },
  };
  const saved: (RunState & { outcome: string | null })[] = [];
  const events: Record<string, unknown>[] = [];
  const requests: HttpRequest[] = [];
  let answer: HttpAnswer = { ok: true, status: 200, body: {} };
  const deps: RunDeps = {
    clock,
    speech: async (items, language) =>
      items.map((item) => ({
        media: 'm',
        text:
          'prompt' in item
            ? item.prompt
            : 'number' in item
              ? item.number
              : 'text' in item
                ? typeof item.text === 'string'
                  ? item.text
                  : (item.text[language] ?? '')
                : '',
      })),
    hours: () => undefined,
    lookUpCustomer: async () => undefined,
    lastAgent: async () => undefined,
    http: {
      async call(request) {
        requests.push(request);
        return answer;
      },
    },
    save: (state, outcome) => void saved.push({ ...structuredClone(state), outcome }),
    event: (type, data) => void events.push({ event: type, ...data }),
  };
  return {
    clock,
    digits,
    heard,
    log,
    host,
    saved,
    events,
    requests,
    deps,
    agentAnswers: () => settle({ end: 'connected' }),
    answers: (given: HttpAnswer) => {
      answer = given;
    },
    begin(input: FlowDocumentInput, from: Partial<RunState> = {}, resumed = false): Promise<FlowOutcome> {
      const document = flowDocument.parse(input);
      const state: RunState = {
        id: uuidv7(),
        interactionId: uuidv7(),
        versionId: uuidv7(),
        step: document.start,
        steps: 0,
        language: document.language,
        variables: { ...document.variables },
        secureFrom: null,
        answered: false,
        startedAt: clock.now(),
        ...from,
      };
      return interpret(document, state, host, deps, resumed);
    },
  };
}

describe('a flow in text', () => {
  it('leads who presses 2 to Support', async () => {
    const { lines, outcome, path } = await run(MAIN, { digits: ['2'], promptText: (name) => `${name}.` });
    expect(lines).toEqual([
      'language en',
      'answer',
      'says   "menu."',
      'hears  2',
      'queue  support',
      'says   "queue.position. number.1. queue.position-end."',
      'music  "music.hold."',
    ]);
    expect(outcome).toEqual({ end: 'connected', step: 'support' });
    expect(path.map(({ step }) => step)).toEqual(['answer', 'menu', 'support']);
  });

  it('leads who presses nothing to the timeout, after hearing the menu again', async () => {
    const { lines, outcome } = await run(MAIN, { digits: ['', ''] });
    expect(lines.filter((line) => line.includes('"menu"'))).toHaveLength(2);
    expect(outcome.step).toBe('support');
  });

  it('says sorry to who presses a wrong digit', async () => {
    const { lines, outcome } = await run(MAIN, { digits: ['5', '1'] });
    expect(lines).toContain('says   "Sorry"');
    expect(outcome.step).toBe('sales');
  });

  it('lets a waiting caller leave a message', async () => {
    const { lines, outcome } = await run(MAIN, { digits: ['2', '*'] });
    expect(lines).toContain('leaves the queue (voicemail)');
    expect(outcome).toMatchObject({ end: 'voicemail', step: 'message' });
  });

  it('goes on where a closed queue sends it', async () => {
    const { outcome } = await run(MAIN, { digits: ['2'], queue: { end: 'refused', why: 'closed' } });
    expect(outcome).toEqual({ end: 'hung-up', step: 'bye', detail: 'busy' });
  });

  it('decides by hours, conditions and a looked-up customer', async () => {
    const document: FlowDocumentInput = {
      schema: 1,
      start: 'hours',
      steps: {
        hours: { type: 'hours', hoursId: 'office', open: 'who', closed: 'bye', holiday: 'bye' },
        who: { type: 'lookup', found: 'gold', unknown: 'bye' },
        gold: {
          type: 'condition',
          branches: [{ all: [{ value: '{{customer.level}}', is: 'equal', than: 'gold' }], next: 'set' }],
          otherwise: 'bye',
        },
        set: { type: 'set', values: { line: 'Hello {{customer.name}}' }, next: 'say' },
        say: { type: 'say', text: '{{line}}', next: 'move' },
        move: { type: 'transfer', to: { kind: 'number', number: '{{call.from}}' }, busy: 'bye' },
        bye: { type: 'hangup' },
      },
    };
    const office = { timeZone: 'UTC', weekly: [{ days: [1], from: '09:00', to: '17:00' }], holidays: [] };
    const options = {
      hours: () => office,
      customer: { level: 'gold', name: 'Ada' },
      from: '+15550177',
      at: new Date('2026-01-05T10:00:00Z'),
    };
    const { lines, outcome } = await run(document, options);
    expect(lines).toContain('says   "Hello Ada"');
    expect(lines).toContain('transfer +15550177: connected');
    expect(outcome.end).toBe('transferred');
    expect((await run(document, { ...options, at: new Date('2026-01-05T20:00:00Z') })).path[0]).toEqual({
      step: 'hours',
      edge: 'closed',
    });
    expect((await run(document, { ...options, transfer: 'busy' })).outcome.step).toBe('bye');
  });

  it('takes the edges of an http step by its answer', async () => {
    const document: FlowDocumentInput = {
      schema: 1,
      start: 'ask',
      steps: {
        ask: {
          type: 'http',
          url: 'https://crm.example/{{call.from}}',
          result: { name: 'customer.names.0', code: '$status' },
          next: 'bye',
          error: 'failed',
        },
        failed: { type: 'hangup', cause: 'unavailable' },
        bye: { type: 'hangup' },
      },
    };
    const good = await run(document, { http: { ask: { status: 201, body: { customer: { names: ['Ada'] } } } } });
    expect(good.variables).toEqual({ name: 'Ada', code: 201 });
    expect(good.lines).toContain('get   https://crm.example/%2B15550199 → 201');
    expect((await run(document, { http: { ask: { status: 500 } } })).outcome.step).toBe('failed');
  });
});

describe('a flow on a call', () => {
  it('takes digits typed ahead', async () => {
    const { begin, digits, heard, agentAnswers, log } = caller();
    const over = begin(MAIN);
    digits.push('2');
    for (let index = 0; index < 5; index++) await turn();
    expect(log).toContain('enqueue support');
    agentAnswers();
    await expect(over).resolves.toMatchObject({ end: 'connected' });
    expect(heard[0]).toBe('menu');
  });

  it('announces the place again and again, and leaves on the escape digit only', async () => {
    const { begin, digits, heard, clock, log } = caller();
    const over = begin(MAIN, { step: 'support' });
    await turn();
    clock.advance(30_000);
    await turn();
    clock.advance(30_000);
    await turn();
    expect(heard.filter((text) => text === 'queue.position 2 queue.position-end')).toHaveLength(3);
    digits.push('5');
    await turn();
    expect(log).not.toContain('leave voicemail');
    digits.push('*');
    await expect(over).resolves.toMatchObject({ end: 'voicemail' });
    expect(log).toContain('leave voicemail');
  });

  it('ends when the caller hangs up, wherever that is', async () => {
    const { begin, digits, saved, events } = caller();
    const over = begin(MAIN);
    await turn();
    digits.end();
    await expect(over).resolves.toEqual({ end: 'gone', step: 'menu' });
    expect(saved.at(-1)?.outcome).toBe('gone');
    expect(events.at(-1)).toMatchObject({ event: 'flow-ended', end: 'gone' });
  });

  it('sends a broken step to onError, and ends the call when that breaks too', async () => {
    const document: FlowDocumentInput = {
      ...MAIN,
      onError: 'support',
      start: 'hours',
      steps: { ...MAIN.steps, hours: { type: 'hours', hoursId: 'gone', open: 'bye', closed: 'bye' } },
    };
    const first = caller();
    const over = first.begin(document);
    await turn();
    await turn();
    first.agentAnswers();
    await expect(over).resolves.toMatchObject({ end: 'connected', step: 'support' });
    expect(first.events).toContainEqual({ event: 'flow-failed', step: 'hours', error: 'hours-unknown' });

    const second = caller();
    second.host.enqueue = () => Promise.reject(new Error('broken too'));
    await expect(second.begin(document)).resolves.toEqual({ end: 'failed', step: 'support' });
    expect(second.log).toContain('hangup failure');
  });

  it('does not go in circles for ever', async () => {
    const { begin, events } = caller();
    const steps: FlowDocumentInput['steps'] = {
      a: { type: 'set', values: { x: 1 }, next: 'b' },
      b: { type: 'goto', next: 'a' },
    };
    await expect(begin({ schema: 1, start: 'a', steps })).resolves.toMatchObject({ end: 'failed' });
    expect(events.filter(({ event }) => event === 'flow-step')).toHaveLength(STEP_BUDGET);
  });

  it('goes on in the queue after a crash, and keeps its variables', async () => {
    const { begin, agentAnswers, log, heard } = caller();
    const over = begin(
      {
        ...MAIN,
        steps: {
          ...MAIN.steps,
          support: { type: 'queue', queueId: 'support', first: [{ text: 'Welcome to Support' }], refused: 'bye' },
        },
      },
      { step: 'support', steps: 7, language: 'de' },
      true,
    );
    await turn();
    await turn();
    expect(log).toEqual(['language de', 'enqueue support again']);
    expect(heard).not.toContain('Welcome to Support');
    agentAnswers();
    await expect(over).resolves.toMatchObject({ end: 'connected' });
  });
});

describe('secure entry', () => {
  const PAY: FlowDocumentInput = {
    schema: 1,
    start: 'card',
    steps: {
      card: {
        type: 'secure',
        say: [{ text: 'Card' }],
        variable: 'card',
        min: 12,
        max: 19,
        checkDigit: true,
        handTo: 'pay',
        next: 'code',
        failed: 'bye',
      },
      code: {
        type: 'secure',
        say: [{ text: 'Code' }],
        variable: 'code',
        min: 3,
        max: 4,
        handTo: 'pay',
        next: 'pay',
        failed: 'bye',
      },
      pay: {
        type: 'http',
        method: 'POST',
        url: 'https://pay.example/charge',
        body: { pan: '{{secure.card}}', cvc: '{{secure.code}}' },
        result: { receipt: 'receipt', echo: 'echo' },
        next: 'thanks',
        error: 'bye',
      },
      thanks: { type: 'say', text: 'Thanks {{receipt}} {{secure.card}}', next: 'bye' },
      bye: { type: 'hangup' },
    },
  };
  const CARD = '4111111111111111';

  it('hands the digits to its http step and to nothing else', async () => {
    const { begin, digits, requests, events, saved, heard, log, answers } = caller();
    answers({ ok: true, status: 200, body: { receipt: 'R-77', echo: `you sent 4111 1111 1111 1111` } });
    const over = begin(PAY);
    await turn();
    for (const digit of `${CARD}#`) digits.push(digit);
    await turn();
    await turn();
    for (const digit of '737#') digits.push(digit);
    await expect(over).resolves.toMatchObject({ end: 'hung-up' });
    expect(JSON.parse(requests[0]!.body!)).toEqual({ pan: CARD, cvc: '737' });
    const outside = JSON.stringify([events, saved, heard, requests[0]!.url]);
    expect(outside).not.toMatch(/4111|737/);
    expect(outside).toContain('R-77');
    expect(saved.at(-1)?.variables).toMatchObject({ echo: '****' });
    expect(log).toEqual(['language en', 'secure on', 'secure off', 'hangup normal']);
    expect(events.find(({ step }) => step === 'card')).toMatchObject({ digits: '****' });
  });

  it('refuses a number with a wrong check digit', async () => {
    const { begin, digits, log, clock, requests } = caller();
    const over = begin(PAY);
    for (const _ of [1, 2, 3]) {
      await turn();
      for (const digit of '4111111111111112#') digits.push(digit);
      await turn();
    }
    clock.advance(60_000);
    await expect(over).resolves.toMatchObject({ step: 'bye' });
    expect(requests).toHaveLength(0);
    expect(log).toContain('secure off');
  });

  it('asks for all digits again after a crash', async () => {
    const { begin, digits, heard } = caller();
    const over = begin(PAY, { step: 'code', steps: 2, secureFrom: 'card' }, true);
    await turn();
    expect(heard).toEqual(['Card']);
    digits.end();
    await expect(over).resolves.toMatchObject({ end: 'gone', step: 'card' });
  });

  it('does not repeat a payment that may have been made', async () => {
    const { begin, requests, events, log, host } = caller();
    await host.secure(true);
    await expect(begin(PAY, { step: 'pay', steps: 3, secureFrom: 'card' }, true)).resolves.toMatchObject({
      step: 'bye',
    });
    expect(requests).toHaveLength(0);
    expect(events).toContainEqual(expect.objectContaining({ step: 'pay', edge: 'error', why: 'outcome-unknown' }));
    expect(log).toContain('secure off');
  });

  it('repeats an ordinary request with the same key', async () => {
    const document: FlowDocumentInput = {
      schema: 1,
      start: 'ask',
      steps: {
        ask: { type: 'http', method: 'POST', url: 'https://a.example/', next: 'bye', error: 'bye' },
        bye: { type: 'hangup' },
      },
    };
    const { begin, requests, saved } = caller();
    const id = uuidv7();
    await begin(document, { id });
    await begin(document, { ...saved.find(({ step }) => step === 'ask')! }, true);
    expect(requests).toHaveLength(2);
    expect(requests[1]!.headers['Idempotency-Key']).toBe(requests[0]!.headers['Idempotency-Key']);
  });
});
