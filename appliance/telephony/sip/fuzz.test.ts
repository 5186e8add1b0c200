import { expect, it } from 'vitest';
import { fuzz } from './fuzz.ts';

it('twenty thousand mutated messages break nothing and leave nothing behind', async () => {
  const result = await fuzz(20_000, 1);
  expect(result.findings).toEqual([]);
  expect(result.parsed).toBeGreaterThan(5000);
}, 60_000);
