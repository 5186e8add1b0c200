import { afterAll, expect, it } from 'vitest';
import { fromWallTime, setTimeZone, wallTime } from './time.ts';

afterAll(() => setTimeZone(undefined));

it.each([
  ['UTC', '2026-12-01T09:00', '2026-12-01T09:00:00.000Z'],
  ['Europe/Berlin', '2026-12-01T09:00', '2026-12-01T08:00:00.000Z'],
  ['Europe/Berlin', '2026-07-01T00:30', '2026-06-30T22:30:00.000Z'],
  // The hour before and the hour after the clocks change.
  ['Europe/Berlin', '2026-03-29T01:59', '2026-03-29T00:59:00.000Z'],
  ['Europe/Berlin', '2026-03-29T03:00', '2026-03-29T01:00:00.000Z'],
  ['Asia/Kathmandu', '2026-12-01T05:45', '2026-12-01T00:00:00.000Z'],
])('in %s %s is %s, and back', (zone, wall, utc) => {
  setTimeZone(zone);
  expect(fromWallTime(wall)?.toISOString()).toBe(utc);
  expect(wallTime(utc)).toBe(wall);
});

it('knows what is no date', () => expect(fromWallTime('tomorrow')).toBeUndefined());
