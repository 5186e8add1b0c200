import { expect, it } from 'vitest';
import { type AudioCounts, qualityProblem } from './quality.ts';

const start: AudioCounts = { received: 1000, lost: 10, jitterS: 0.004, roundTripS: 0.02 };

it.each<[string, Partial<AudioCounts>, string | undefined]>([
  ['a good line has no problem', { received: 1250 }, undefined],
  ['one lost packet in a hundred is not heard', { received: 1248, lost: 12 }, undefined],
  ['four in a hundred are', { received: 1240, lost: 20 }, 'loss'],
  ['audio that comes unevenly', { received: 1250, jitterS: 0.06 }, 'jitter'],
  ['a long way round', { received: 1250, roundTripS: 0.6 }, 'delay'],
  ['nothing at all', {}, 'silence'],
  ['a counter that the browser corrected downwards', { received: 1250, lost: 3 }, undefined],
])('%s', (_, change, problem) => {
  expect(qualityProblem(start, { ...start, ...change })).toBe(problem);
});
