import { describe, expect, it } from 'vitest';
import { edgesOf, type FlowStep, flowStep } from '#appliance/contract/flow.ts';
import { arranged } from './arrange.ts';
import { type Draft, draftOf, freshId, freshStep, type StepType, slotsOf, withoutSteps, withWay } from './draft.ts';

const TYPES = flowStep.options.map((option) => option.shape.type.value as StepType);

describe('the ways out of a step', () => {
  it.each(TYPES)('of %s are those of the contract, whichever of them are taken', (type) => {
    const fresh = { ...freshStep(type, 'en'), ...(type === 'queue' && { escape: { '0': '' } }) };
    const all = slotsOf(fresh).reduce(
      (step, { label }) => withWay(step, label, `to-${label.replace('.', '-')}`),
      fresh,
    );
    expect(slotsOf(all).map(({ label, to }) => ({ label, to }))).toEqual(
      edgesOf({ escape: {}, ...all } as unknown as FlowStep),
    );
    const none = slotsOf(all).reduce((step, { label }) => withWay(step, label, ''), all);
    expect(slotsOf(none).filter(({ to }) => to !== '')).toEqual([]);
  });
});

const draft: Draft = draftOf({
  start: 'a',
  onError: 'c',
  steps: {
    a: { type: 'menu', choices: { '1': 'b', '2': 'c' }, timeout: 'b' },
    b: { type: 'play', next: 'c' },
    c: { type: 'hangup' },
  },
  layout: { a: { x: 0, y: 0 }, b: { x: 1, y: 1 } },
});

describe('a draft', () => {
  it('loses a step together with every way to it', () => {
    expect(withoutSteps(draft, new Set(['c']))).toEqual({
      schema: 1,
      language: 'en',
      start: 'a',
      steps: { a: { type: 'menu', choices: { '1': 'b', '2': '' }, timeout: 'b' }, b: { type: 'play', next: '' } },
      layout: { a: { x: 0, y: 0 }, b: { x: 1, y: 1 } },
    });
  });
  it('names new steps so that no two are the same', () => {
    expect(freshId(draftOf({ steps: { queue: { type: 'queue' }, 'queue-2': { type: 'queue' } } }), 'queue')).toBe(
      'queue-3',
    );
  });
  it.each([undefined, null, 7, 'x', [], { steps: 4 }, { steps: { a: null, b: { type: 'nonsense' } } }])(
    'that cannot be read (%j) is an empty one',
    (document) => expect(draftOf(document).steps).toEqual({}),
  );
});

describe('arranging by itself', () => {
  it('puts what comes later further to the right, and nothing on top of another', () => {
    const places = arranged(draft);
    expect(places.a!.x).toBeLessThan(places.b!.x);
    expect(places.b!.x).toBeLessThan(places.c!.x);
    expect(new Set(Object.values(places).map(({ x, y }) => `${x},${y}`)).size).toBe(3);
  });
  it('comes to an end with circles and with steps that nothing leads to', () => {
    const round = draftOf({
      start: 'a',
      steps: { a: { type: 'goto', next: 'b' }, b: { type: 'goto', next: 'a' }, lost: { type: 'hangup' } },
    });
    expect(Object.keys(arranged(round)).toSorted()).toEqual(['a', 'b', 'lost']);
  });
});
