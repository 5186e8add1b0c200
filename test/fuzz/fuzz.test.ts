import { expect, test } from 'vitest';
import { fuzzTarget } from './fuzz.ts';
import { fuzzLive } from './live.ts';
import { createTargets } from './targets.ts';

test.each(createTargets().map((target) => [target.name, target] as const))(
  '%s: mutated inputs neither break it nor make it slow',
  async (_name, target) => {
    const { findings, taken } = await fuzzTarget(target, 5000, 42);
    expect(findings).toEqual([]);
    expect(taken).toBeGreaterThan(100);
  },
  30_000,
);

test('a running switch: two people hear each other before, between and after three thousand mutated datagrams', async () => {
  const { findings, taken } = await fuzzLive(3000, 42, 14_020);
  expect(findings).toEqual([]);
  expect(taken).toBeGreaterThan(100);
}, 30_000);
