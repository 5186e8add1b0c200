import { describe, expect, test } from 'vitest';
import { answerOf, NEW, type SubscriptionInput, type SubscriptionState, step } from './machine.ts';

const run = (...inputs: (SubscriptionInput | SubscriptionInput['kind'])[]) => {
  let state: SubscriptionState = NEW;
  const effects: string[] = [];
  for (const input of inputs) {
    const next = step(state, typeof input === 'string' ? ({ kind: input } as SubscriptionInput) : input);
    state = next.state;
    if (next.effect) effects.push(next.effect);
  }
  return { state, effects };
};
const taken: SubscriptionInput = { kind: 'answered', how: 'taken' };
const refused: SubscriptionInput = { kind: 'answered', how: 'refused' };
const gone: SubscriptionInput = { kind: 'answered', how: 'gone' };

describe('when a subscriber is told what', () => {
  test.each<[string, (SubscriptionInput | SubscriptionInput['kind'])[], string[]]>([
    ['a subscription is answered with the state at once', ['subscribed'], ['notify']],
    ['a change is told', ['subscribed', taken, 'released', 'changed'], ['notify', 'notify']],
    ['a change within the second waits', ['subscribed', taken, 'changed'], ['notify']],
    ['and is told when the second is over', ['subscribed', taken, 'changed', 'released'], ['notify', 'notify']],
    [
      'ten changes are one',
      ['subscribed', taken, ...Array<'changed'>(10).fill('changed'), 'released'],
      ['notify', 'notify'],
    ],
    ['nothing waits, nothing is told', ['subscribed', taken, 'released', 'released'], ['notify']],
    ['one NOTIFY is on its way at a time', ['subscribed', 'changed', 'released'], ['notify']],
    ['the next follows its answer', ['subscribed', 'changed', 'released', taken], ['notify', 'notify']],
    ['but not within the second', ['subscribed', 'changed', taken], ['notify']],
    ['a refresh does not wait for the second', ['subscribed', taken, 'subscribed'], ['notify', 'notify']],
    ['but for the answer', ['subscribed', 'subscribed', taken], ['notify', 'notify']],
    ['a change does not make a refresh wait', ['subscribed', 'subscribed', 'changed', taken], ['notify', 'notify']],
    ['a refusal that says nothing keeps it', ['subscribed', refused, 'released', 'changed'], ['notify', 'notify']],
    ['who is gone is forgotten', ['subscribed', gone, 'changed', 'subscribed', 'end'], ['notify', 'forget']],
    ['the end is told', ['subscribed', taken, 'end', 'changed'], ['notify', 'last-notify']],
    ['even within the second', ['subscribed', taken, 'changed', 'end', 'released'], ['notify', 'last-notify']],
    ['after what is on its way', ['subscribed', 'end', 'released', 'subscribed', taken], ['notify', 'last-notify']],
    ['but not to who is gone', ['subscribed', 'end', gone], ['notify', 'forget']],
    ['once', ['subscribed', taken, 'end', 'end'], ['notify', 'last-notify']],
  ])('%s', (_, inputs, effects) => {
    expect(run(...inputs).effects).toEqual(effects);
  });

  test('who refuses five times in a row is not interested', () => {
    const round: (SubscriptionInput | SubscriptionInput['kind'])[] = [refused, 'released', 'changed'];
    const { state, effects } = run(
      'subscribed',
      ...round,
      ...round,
      taken,
      ...round,
      ...round,
      ...round,
      ...round,
      refused,
    );
    expect(state.phase).toBe('over');
    expect(effects.at(-1)).toBe('forget');
    expect(effects.filter((effect) => effect === 'notify')).toHaveLength(7);
  });

  test.each([
    [200, 'taken'],
    [202, 'taken'],
    [481, 'gone'],
    [489, 'gone'],
    [408, 'gone'],
    [404, 'gone'],
    [401, 'refused'],
    [500, 'refused'],
    [503, 'refused'],
  ] as const)('an answer of %i: %s', (status, how) => {
    expect(answerOf(status)).toBe(how);
  });
});
