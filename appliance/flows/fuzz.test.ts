import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { flowDocument } from '#appliance/contract/flow.ts';
import { runFlowInText } from './text-run.ts';
import { type FlowReferences, hasErrors, validateFlow } from './validate.ts';

const IDS = ['a', 'b', 'c', 'd', 'e', 'f'];
const id = fc.constantFrom(...IDS);
const say = fc.constant([{ text: 'Hello {{x}}' }]);
const step = fc.oneof(
  fc.record({ type: fc.constant('answer'), next: id }),
  fc.record({ type: fc.constant('play'), say, interruptible: fc.boolean(), next: id }),
  fc.record({ type: fc.constant('menu'), say, choices: fc.record({ 1: id, 2: id }), timeout: id }),
  fc.record({ type: fc.constant('gather'), variable: fc.constant('x'), max: fc.constant(4), next: id, timeout: id }),
  fc.record({
    type: fc.constant('set'),
    values: fc.record({ x: fc.oneof(fc.string(), fc.integer(), fc.constant('{{x}}{{x}}')) }),
    next: id,
  }),
  fc.record({
    type: fc.constant('condition'),
    branches: fc.array(fc.record({ all: fc.constant([{ value: '{{x}}', is: 'equal', than: '1' }]), next: id }), {
      minLength: 1,
      maxLength: 3,
    }),
    otherwise: id,
  }),
  fc.record({ type: fc.constant('http'), url: fc.constant('https://crm.example/{{x}}'), next: id, error: id }),
  fc.record({ type: fc.constant('queue'), queueId: fc.constant('q'), escape: fc.record({ '*': id }), refused: id }),
  fc.record({
    type: fc.constant('secure'),
    say,
    variable: fc.constant('pin'),
    min: fc.constant(1),
    max: fc.constant(4),
    handTo: id,
    next: id,
    failed: id,
  }),
  fc.record({ type: fc.constant('goto'), next: id }),
  fc.record({ type: fc.constant('hangup') }),
);
const graph = fc.record({
  schema: fc.constant(1),
  start: id,
  variables: fc.constant({ x: '' }),
  steps: fc.dictionary(id, step, { minKeys: 1 }),
});
const references: FlowReferences = {
  prompts: new Map([['music.hold', new Set(['*'])]]),
  queues: new Set(['q']),
  hours: new Set(),
  skills: new Set(),
  hosts: [{ host: 'crm.example', plainHttp: false, headers: {} }],
};
const digits = fc.array(fc.stringMatching(/^[0-9*#]{0,5}$/), { maxLength: 30 });

describe('any flow', () => {
  it('can be checked, whatever is sent', () => {
    fc.assert(
      fc.property(fc.json(), (text) => {
        expect(validateFlow(JSON.parse(text), references).problems.length).toBeGreaterThan(0);
      }),
    );
    fc.assert(
      fc.property(
        fc.dictionary(id, fc.oneof(step, fc.jsonValue())),
        (steps) => void validateFlow({ schema: 1, start: 'a', steps }, references),
      ),
    );
  });

  it('comes to an end, whatever is drawn and pressed', async () => {
    await fc.assert(
      fc.asyncProperty(graph, digits, async (document, pressed) => {
        const { outcome, lines } = await runFlowInText(flowDocument.parse(document), { digits: pressed });
        expect(outcome.end).toMatch(/^(connected|hung-up|failed)$/);
        expect(lines.length).toBeLessThanOrEqual(2000);
      }),
      { numRuns: 300 },
    );
  });

  it('that passed the checks breaks in no step, unless by going in circles', async () => {
    let passed = 0;
    await fc.assert(
      fc.asyncProperty(graph, digits, async (document, pressed) => {
        const checked = validateFlow(document, references);
        if (!checked.document || hasErrors(checked.problems)) return;
        passed++;
        const { broken } = await runFlowInText(checked.document, { digits: pressed });
        expect(broken.filter(({ error }) => error !== 'step-budget')).toEqual([]);
      }),
      { numRuns: 3000 },
    );
    expect(passed).toBeGreaterThan(50);
  });
});
