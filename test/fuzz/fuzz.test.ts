import { expect, test } from 'vitest';
import { fuzzTarget } from './fuzz.ts';
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
