import { describe, expect, it } from 'vitest';
import {
  type Forwarding,
  type ForwardTarget,
  forwarding,
  NO_FORWARDING,
  ringPattern,
} from '#appliance/contract/calls.ts';
import { featureOf } from './features.ts';
import { afterwards, atOnce, isPublic, next } from './forwards.ts';

const mailbox: ForwardTarget = { to: 'voicemail' };
const to = (extension: string): ForwardTarget => ({ to: 'extension', extension });
const rules = (some: Partial<Forwarding>): Forwarding => ({ ...NO_FORWARDING, ...some });
const so = { far: 0, voicemail: false, been: () => false, isOurs: () => false };

describe('forwarding', () => {
  it.each([
    [{}, { busy: false, reachable: true }, undefined],
    [{}, { busy: true, reachable: true }, undefined],
    [{}, { busy: false, reachable: false }, 'notRegistered'],
    [{ busy: mailbox }, { busy: true, reachable: true }, 'busy'],
    [{ busy: mailbox }, { busy: false, reachable: true }, undefined],
    [{ always: mailbox }, { busy: true, reachable: false }, 'always'],
    [{ noAnswer: mailbox }, { busy: true, reachable: true }, undefined],
  ] as const)('with %j and %j is asked at once for %s', (some, facts, wanted) => {
    expect(atOnce(rules(some), facts)).toBe(wanted);
  });

  it.each([
    [17, 'busy'],
    [21, 'busy'],
    [19, 'noAnswer'],
    [18, 'noAnswer'],
    [20, 'notRegistered'],
    [27, 'notRegistered'],
  ] as const)('after Q.850 %d is by the rule %s', (q850, situation) => {
    expect(afterwards(q850)).toBe(situation);
  });

  it.each([
    ['goes where the rule says', { busy: to('1003') }, {}, to('1003')],
    ['ends without a rule', {}, {}, { to: 'nowhere', why: 'no-rule' }],
    ['ends in the mailbox without a rule where that is usual', {}, { voicemail: true }, mailbox],
    ['never goes where it was already', { busy: to('1003') }, { been: () => true }, { to: 'nowhere', why: 'loop' }],
    ['goes on at most five times', { busy: to('1003') }, { far: 5 }, { to: 'nowhere', why: 'too-many-hops' }],
    ['may end in a mailbox however far it came', { busy: mailbox }, { far: 5 }, mailbox],
    ['goes outside', { busy: { to: 'number', number: '+12025550143' } }, {}, { to: 'number', number: '+12025550143' }],
    [
      'does not come back by way of the world',
      { busy: { to: 'number', number: '+15550100' } },
      { isOurs: () => true },
      { to: 'nowhere', why: 'number-not-allowed' },
    ],
    [
      'does not reach short codes',
      { busy: { to: 'number', number: '911' } },
      {},
      { to: 'nowhere', why: 'number-not-allowed' },
    ],
  ] as const)('%s', (_, some, more, wanted) => {
    expect(next(rules(some), 'busy', { ...so, ...more })).toEqual(wanted);
  });

  it.each([
    ['+12025550143', true],
    ['0 30 / 123-456', true],
    ['112', false],
    ['*72', false],
    ['+0123456', false],
    ['+1202555014312345678', false],
  ])('%s is a public number: %s', (number, wanted) => {
    expect(isPublic(number)).toBe(wanted);
  });

  it('is read strictly', () => {
    expect(forwarding.parse({})).toEqual(NO_FORWARDING);
    expect(forwarding.safeParse({ always: { to: 'extension', extension: 'x' } }).success).toBe(false);
    expect(forwarding.safeParse({ noAnswerAfterS: 1 }).success).toBe(false);
    expect(ringPattern.safeParse([{ device: 'phone', afterS: 5 }]).success, 'nothing rings at once').toBe(false);
    expect(ringPattern.safeParse([{ device: 'phone' }, { device: 'phone' }]).success).toBe(false);
  });
});

describe('what a desk phone dials', () => {
  it.each([
    ['701', { do: 'unpark', slot: '701' }],
    ['709', { do: 'unpark', slot: '709' }],
    ['700', undefined],
    ['**1003', { do: 'pick-up', extension: '1003' }],
    ['*721003', { do: 'forward', extension: '1003' }],
    ['*73', { do: 'forward-off' }],
    ['*97', { do: 'mailbox' }],
    ['1003', undefined],
    ['**', undefined],
    ['*72', undefined],
    ['+15550100', undefined],
  ])('%s means %j', (dialled, feature) => {
    expect(featureOf(dialled)).toEqual(feature);
  });
});
