import { expect, test } from 'vitest';
import { CallRate } from './call-rate.ts';

test('no second holds more beginnings than agreed, wherever it starts', () => {
  const rate = new CallRate(3);
  const begun: number[] = [];
  for (let at = 0; at < 10_000; at += 70) if (rate.begin(at)) begun.push(at);
  for (const from of begun) expect(begun.filter((at) => at >= from && at < from + 1000).length).toBeLessThanOrEqual(3);
  expect(begun.length).toBeGreaterThan(25);
});

test('a clock set back by an hour does not close the trunk', () => {
  const rate = new CallRate(1);
  expect(rate.begin(10_000_000)).toBe(true);
  expect(rate.begin(10_000_500)).toBe(false);
  expect(rate.begin(6_400_000)).toBe(true);
});
