import { describe, expect, it } from 'vitest';
import { flowDocument } from '#appliance/contract/flow.ts';
import { diffFlows } from './diff.ts';
import { EMPTY_FLOW } from './flow-admin.ts';
import { type FlowReferences, validateFlow } from './validate.ts';

const references: FlowReferences = {
  prompts: new Map([
    ['greeting', new Set(['en', 'de'])],
    ['only-english', new Set(['en'])],
    ['goodbye', new Set(['en'])],
    ['music.hold', new Set(['*'])],
    ['tone.beep', new Set(['*'])],
    ['tone.ringback', new Set(['*'])],
  ]),
  queues: new Set(['q1']),
  hours: new Set(['h1']),
  skills: new Set(['s1']),
  hosts: [
    { host: 'crm.example', plainHttp: false, headers: {} },
    { host: '10.0.0.5:8080', plainHttp: true, headers: {} },
  ],
};
const end = { type: 'hangup' };
const flow = (steps: Record<string, unknown>, more: object = {}) => ({
  schema: 1,
  start: Object.keys(steps)[0],
  steps,
  ...more,
});
const problemsOf = (input: unknown) => validateFlow(input, references).problems;

describe('validation of flows', () => {
  it('finds nothing wrong with what a new flow begins with', () => {
    expect(problemsOf(EMPTY_FLOW)).toEqual([]);
  });

  it.each<[string, unknown, string, string | undefined, RegExp]>([
    [
      'a way to a step that is not there',
      flow({ a: { type: 'answer', next: 'b' } }),
      'step-unknown',
      'a',
      /"a" leads to "b" \(next\)/,
    ],
    ['a start that is not there', { ...flow({ a: end }), start: 'x' }, 'start-unknown', undefined, /Choose the step/],
    ['a missing edge', flow({ a: { type: 'answer' } }), 'missing-edge', 'a', /has no "next" edge\. Connect it/],
    [
      'a menu without a way for the silent',
      flow({
        a: { type: 'answer', next: 'm' },
        m: { type: 'menu', say: [{ prompt: 'greeting' }], choices: { 1: 'e' } },
        e: end,
      }),
      'missing-edge',
      'm',
      /presses nothing/,
    ],
    [
      'a menu without choices',
      flow({
        a: { type: 'answer', next: 'm' },
        m: { type: 'menu', say: [{ prompt: 'greeting' }], choices: {}, timeout: 'e' },
        e: end,
      }),
      'no-choices',
      'm',
      /at least one digit/,
    ],
    [
      'a prompt that is not there',
      flow({ a: { type: 'answer', next: 'p' }, p: { type: 'play', say: [{ prompt: 'nope' }], next: 'e' }, e: end }),
      'prompt-unknown',
      'p',
      /"nope", which does not exist\. Upload/,
    ],
    [
      'a queue that is not there',
      flow({ a: { type: 'answer', next: 'q' }, q: { type: 'queue', queueId: 'gone', refused: 'e' }, e: end }),
      'queue-unknown',
      'q',
      /existing queue/,
    ],
    [
      'hours that are not there',
      flow({ h: { type: 'hours', hoursId: 'x', open: 'e', closed: 'e' }, e: end }),
      'hours-unknown',
      'h',
      /existing ones/,
    ],
    [
      'a skill that is not there',
      flow({
        a: { type: 'answer', next: 'q' },
        q: { type: 'queue', queueId: 'q1', skills: [{ skillId: 'x' }], refused: 'e' },
        e: end,
      }),
      'skill-unknown',
      'q',
      /existing skill/,
    ],
    [
      'a loop that never waits',
      flow({
        a: { type: 'set', values: { x: 1 }, next: 'b' },
        b: {
          type: 'condition',
          branches: [{ all: [{ value: '{{x}}', is: 'equal', than: 1 }], next: 'a' }],
          otherwise: 'e',
        },
        e: end,
      }),
      'endless-loop',
      'a',
      /"a" → "b" go round/,
    ],
    [
      'a step that leads to itself',
      flow({ a: { type: 'goto', next: 'a' } }),
      'endless-loop',
      'a',
      /Put a play, menu or gather/,
    ],
    [
      'a menu before the answer',
      flow({ m: { type: 'menu', say: [{ prompt: 'greeting' }], choices: { 1: 'e' }, timeout: 'e' }, e: end }),
      'not-answered',
      'm',
      /Put an answer step in front/,
    ],
    ['a type nobody knows', flow({ a: { type: 'dance', next: 'a' } }), 'type-unknown', 'a', /no known type/],
    [
      'a pattern that could take for ever',
      flow({
        a: { type: 'answer', next: 'g' },
        g: { type: 'gather', variable: 'n', max: 9, matches: '(1+)+', next: 'e', timeout: 'e' },
        e: end,
      }),
      'bad-pattern',
      'g',
      /not understood/,
    ],
    [
      'more digits wanted than taken',
      flow({
        a: { type: 'answer', next: 'g' },
        g: { type: 'gather', variable: 'n', min: 5, max: 4, next: 'e', timeout: 'e' },
        e: end,
      }),
      'min-over-max',
      'g',
      /at least 5/,
    ],
    [
      'a host that is not allowed',
      flow({ h: { type: 'http', url: 'https://elsewhere.example/x', next: 'e', error: 'e' }, e: end }),
      'host-not-allowed',
      'h',
      /Flow hosts/,
    ],
    [
      'plain HTTP to a host that wants TLS',
      flow({ h: { type: 'http', url: 'http://crm.example/x', next: 'e', error: 'e' }, e: end }),
      'host-not-allowed',
      'h',
      /Flow hosts/,
    ],
    [
      'a host made of variables',
      flow({ h: { type: 'http', url: 'https://{{call.from}}/', next: 'e', error: 'e' }, e: end }),
      'bad-url',
      'h',
      /fixed host/,
    ],
    [
      'a host hidden behind a user name',
      flow({ h: { type: 'http', url: 'https://crm.example@evil.example/', next: 'e', error: 'e' }, e: end }),
      'host-not-allowed',
      'h',
      /Flow hosts/,
    ],
    [
      'a host prolonged by a variable',
      flow({ h: { type: 'http', url: 'https://crm.example{{call.from}}/', next: 'e', error: 'e' }, e: end }),
      'bad-url',
      'h',
      /fixed host/,
    ],
    [
      'a variable that nothing sets',
      flow({ a: { type: 'answer', next: 's' }, s: { type: 'say', text: '{{nope}}', next: 'e' }, e: end }),
      'variable-unknown',
      's',
      /nothing sets/,
    ],
    ['a field of the wrong kind', flow({ a: { type: 'answer', next: 5 } }), 'bad-field', 'a', /field "next"/],
    ['a field nobody knows', flow({ a: { type: 'hangup', colour: 'red' } }), 'bad-field', 'a', /colour/],
    [
      'a text without the language of the flow',
      flow({ a: { type: 'answer', next: 's' }, s: { type: 'say', text: { de: 'Hallo' }, next: 'e' }, e: end }),
      'text-language',
      's',
      /Add a text/,
    ],
    [
      'secure digits for no http step',
      flow({
        a: { type: 'answer', next: 's' },
        s: {
          type: 'secure',
          say: [{ prompt: 'greeting' }],
          variable: 'card',
          min: 1,
          max: 2,
          handTo: 'e',
          next: 'e',
          failed: 'e',
        },
        e: end,
      }),
      'secure-taker',
      's',
      /Only an http step/,
    ],
  ])('names the step and the remedy: %s', (_, input, code, step, message) => {
    const found = problemsOf(input).find((problem) => problem.code === code);
    expect(found).toMatchObject({ severity: 'error', ...(step && { step }) });
    expect(found!.message).toMatch(message);
  });

  const PAY = {
    a: { type: 'answer', next: 's' },
    s: {
      type: 'secure',
      say: [{ prompt: 'greeting' }],
      variable: 'card',
      min: 12,
      max: 19,
      handTo: 'pay',
      next: 'pay',
      failed: 'e',
    },
    pay: {
      type: 'http',
      method: 'POST',
      url: 'https://crm.example/pay',
      headers: { 'X-Card': '{{secure.card}}' },
      body: { n: '{{secure.card}}' },
      next: 'e',
      error: 'e',
    },
    e: end,
  };

  it('lets secure digits go into headers and body of their http step', () => {
    expect(problemsOf(flow(PAY))).toEqual([]);
  });

  it.each([
    ['the URL', { pay: { ...PAY.pay, url: 'https://crm.example/{{secure.card}}' } }, 'pay'],
    [
      'another http step',
      { pay: { ...PAY.pay, next: 'other' }, other: { ...PAY.pay, url: 'https://crm.example/other' } },
      'other',
    ],
    [
      'speech',
      { pay: { ...PAY.pay, next: 'say' }, say: { type: 'say', text: 'Your card {{secure.card}}', next: 'e' } },
      'say',
    ],
    [
      'a variable',
      { pay: { ...PAY.pay, next: 'set' }, set: { type: 'set', values: { x: '{{ secure.card }}' }, next: 'e' } },
      'set',
    ],
  ])('keeps secure digits out of %s', (_, steps, step) => {
    expect(problemsOf(flow({ ...PAY, ...steps }))).toContainEqual(
      expect.objectContaining({ severity: 'error', step, code: 'secure-misused' }),
    );
  });

  it('warns of steps that no way leads to, of early sound, and of languages without a prompt', () => {
    const problems = problemsOf(
      flow({
        p: { type: 'play', say: [{ prompt: 'only-english' }], next: 'l' },
        l: { type: 'language', language: 'de', next: 'e' },
        e: end,
        lost: end,
      }),
    );
    expect(problems.map(({ severity, step, code }) => [severity, step, code])).toEqual([
      ['warning', 'lost', 'unreachable'],
      ['warning', 'p', 'not-answered'],
      ['warning', 'p', 'prompt-language'],
    ]);
  });

  it('lets a loop through a menu be', () => {
    expect(
      problemsOf(
        flow({
          a: { type: 'answer', next: 'm' },
          m: { type: 'menu', say: [{ prompt: 'greeting' }], choices: { 1: 'm' }, timeout: 'm' },
        }),
      ),
    ).toEqual([]);
  });

  it.each([
    [undefined],
    [null],
    ['text'],
    [[]],
    [{}],
    [{ schema: 2 }],
    [{ schema: 1, start: 'a', steps: { a: null } }],
    [{ schema: 1, start: 'a', steps: { constructor: { type: 'goto', next: 'toString' } } }],
    [{ schema: 1, start: '__proto__', steps: {} }],
  ])('survives %j', (input) => {
    expect(problemsOf(input).some(({ severity }) => severity === 'error')).toBe(true);
  });
});

describe('difference of two versions', () => {
  it('tells steps added, removed and changed, by field', () => {
    const from = flowDocument.parse(EMPTY_FLOW);
    const to = flowDocument.parse({
      ...EMPTY_FLOW,
      language: 'de',
      steps: { answer: { type: 'answer', next: 'end' }, end: { type: 'hangup' }, more: { type: 'hangup' } },
      layout: { end: { x: 1, y: 2 } },
    });
    expect(diffFlows(from, to)).toEqual({
      added: ['more'],
      removed: ['goodbye'],
      changed: [{ step: 'answer', path: 'next', from: 'goodbye', to: 'end' }],
      document: [{ path: 'language', from: 'en', to: 'de' }],
    });
  });
});
