import { expect, it } from 'vitest';
import { nextSpeech, speechOf } from './speaking.ts';

const N = 0;
const V = 120;
// Ten slices of half a second each.
const left = [V, V, N, N, N, N, N, N, N, N];
const right = [N, N, N, N, N, N, N, V, V, N];

it('says who spoke when', () =>
  expect(speechOf(left, right, 5)).toEqual([
    { side: 'left', fromS: 0, toS: 1 },
    { side: 'right', fromS: 3.5, toS: 4.5 },
  ]));
it('a pause for breath does not cut a sentence', () =>
  expect(speechOf([V, N, V], [N, N, N], 1.5)).toEqual([{ side: 'left', fromS: 0, toS: 1.5 }]));
it('both at once are told apart', () => expect(speechOf([V], [V], 1)).toEqual([{ side: 'both', fromS: 0, toS: 1 }]));
it('a recording without sound has no speakers', () => expect(speechOf([], [], 0)).toEqual([]));
it('silence is skipped to just before the next voice', () =>
  expect(nextSpeech(speechOf(left, right, 5), 1.5)).toBeCloseTo(3.3));
it('speech is never skipped', () => expect(nextSpeech(speechOf(left, right, 5), 0.5)).toBeUndefined());
it('after the last voice there is nothing to skip to', () =>
  expect(nextSpeech(speechOf(left, right, 5), 4.9)).toBeUndefined());
