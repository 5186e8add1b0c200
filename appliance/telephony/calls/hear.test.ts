import { describe, expect, test } from 'vitest';
import type { Hear } from '../media/api.ts';
import { type Hearing, hearOf, sameHear } from './hear.ts';

function leg(id: string, state: Partial<Hearing> = {}): Hearing {
  return {
    id,
    hold: undefined,
    heldByParty: false,
    muted: false,
    play: undefined,
    peer: undefined,
    mix: undefined,
    ...state,
  };
}

const play = { prompts: ['hello'], loop: false, fromMs: 0, token: 't1', startedAtMs: 1000 };
const nobody = () => [];

describe('a leg hears', () => {
  const cases: [string, Hearing, Hear][] = [
    ['nothing by itself', leg('a'), { kind: 'none' }],
    ['its peer', leg('a', { peer: leg('b') }), { kind: 'leg', leg: 'b' }],
    ['nothing of a muted peer', leg('a', { peer: leg('b', { muted: true }) }), { kind: 'none' }],
    ['its peer while muted itself', leg('a', { muted: true, peer: leg('b') }), { kind: 'leg', leg: 'b' }],
    ['nothing of a peer on hold', leg('a', { peer: leg('b', { hold: ['music'] }) }), { kind: 'none' }],
    [
      'music while on hold',
      leg('a', { hold: ['music'], peer: leg('b') }),
      { kind: 'play', prompts: ['music'], loop: true },
    ],
    ['silence while on hold without music', leg('a', { hold: [], peer: leg('b') }), { kind: 'none' }],
    ['a prompt before its peer', leg('a', { play, peer: leg('b') }), { kind: 'play', prompts: ['hello'], token: 't1' }],
    [
      'hold music before a prompt',
      leg('a', { play, hold: ['music'] }),
      { kind: 'play', prompts: ['music'], loop: true },
    ],
    [
      'nothing while the party itself holds',
      leg('a', { heldByParty: true, play, hold: ['music'], peer: leg('b') }),
      { kind: 'none' },
    ],
    [
      'its peer who pressed hold, and whatever the peer plays',
      leg('a', { peer: leg('b', { heldByParty: true }) }),
      { kind: 'leg', leg: 'b' },
    ],
    ['the whole mix', leg('a', { mix: { name: 'm', hear: undefined } }), { kind: 'mix', mix: 'm' }],
    ['chosen members of a mix', leg('a', { mix: { name: 'm', hear: ['b'] } }), { kind: 'mix', mix: 'm', hear: ['b'] }],
  ];
  test.each(cases)('%s', (_name, subject, expected) => {
    expect(hearOf(subject, 1000, nobody)).toEqual(expected);
  });

  test('a mix without its muted and held members', () => {
    const mix = { name: 'm', hear: undefined };
    const members = [leg('a', { mix }), leg('b', { mix, muted: true }), leg('c', { mix, hold: [] }), leg('d', { mix })];
    expect(hearOf(members[0]!, 0, () => members)).toEqual({ kind: 'mix', mix: 'm', hear: ['d'] });
    expect(hearOf(members[1]!, 0, () => members)).toEqual({ kind: 'mix', mix: 'm', hear: ['a', 'd'] });
  });

  test('a prompt from where it would be by now', () => {
    expect(hearOf(leg('a', { play: { ...play, fromMs: 500 } }), 3000, nobody)).toEqual({
      kind: 'play',
      prompts: ['hello'],
      token: 't1',
      fromMs: 2500,
    });
  });
});

test('a prompt that went on is still the same sound, another one is not', () => {
  const first: Hear = { kind: 'play', prompts: ['x'], token: '1' };
  expect(sameHear(first, { ...first, fromMs: 700 })).toBe(true);
  expect(sameHear(first, { ...first, token: '2' })).toBe(false);
  expect(sameHear(undefined, { kind: 'none' })).toBe(false);
  expect(sameHear({ kind: 'mix', mix: 'm' }, { kind: 'mix', mix: 'm', hear: [] })).toBe(false);
});
