import { expect, it } from 'vitest';
import { curveOf, type Interval } from './day-curve.ts';

const at = (start: string, offered: number, serviceLevel: number | null = null): Interval =>
  ({ start, figures: { offered, answered: offered, abandoned: 0, serviceLevel } }) as unknown as Interval;
const day = '2026-01-12T00:00:00Z';
const weekAgo = '2026-01-05T00:00:00Z';

it('a day is drawn by the hour, beside the same weekday before', () => {
  const curve = curveOf(
    [at('2026-01-12T09:00:00Z', 4, 0.75)],
    [at('2026-01-05T09:00:00Z', 6), at('2026-01-05T19:00:00Z', 1)],
    day,
    weekAgo,
    Date.parse('2026-01-12T10:20:00Z'),
  );
  expect(curve.hours.at(0)).toBe(8);
  expect(curve.hours.at(-1)).toBe(19);
  const nine = curve.hours.indexOf(9);
  expect([curve.offered[nine], curve.level[nine], curve.before[nine]]).toEqual([4, 0.75, 6]);
  expect(curve.level[0]).toBeNull();
  // Eight had nobody, ten has begun, eleven has not.
  expect([8, 10, 11].map((hour) => curve.offered[curve.hours.indexOf(hour)])).toEqual([0, 0, null]);
});

it('a day without anybody still shows its hours', () =>
  expect(curveOf([], [], day, weekAgo, 0).hours).toEqual([8, 9, 10, 11, 12, 13, 14, 15, 16, 17]));
