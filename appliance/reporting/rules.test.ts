import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { endOfDay, knownTimeZone, startOfDay } from '#appliance/kernel/days.ts';
import { SERVICE_LEVEL_FORMULAS, serviceLevel } from './service-level.ts';

describe('the service level', () => {
  // Cisco's published example: 70 answered in time, 10 abandoned in time, 20 too late.
  const counts = {
    offered: 100,
    answered: 90,
    answeredWithin: 70,
    abandoned: 10,
    abandonedWithin: 10,
    shortAbandoned: 4,
    flowedOut: 0,
  };
  it.each([
    ['without-abandons', 70 / 90, 'answered within 20 s ÷ (offered − abandoned within 20 s) = 70 ÷ (100 − 10)'],
    ['negative', 0.7, 'answered within 20 s ÷ offered = 70 ÷ 100'],
    ['positive', 0.8, '(answered within 20 s + abandoned within 20 s) ÷ offered = (70 + 10) ÷ 100'],
    ['handled', 70 / 90, 'answered within 20 s ÷ answered = 70 ÷ 90'],
    ['without-short', 70 / 96, 'answered within 20 s ÷ (offered − short abandons) = 70 ÷ (100 − 4)'],
  ] as const)('%s is %f and prints its formula', (kind, value, formula) => {
    expect(serviceLevel(kind, counts, 20)).toEqual({ value, formula });
  });

  it('is between 0 and 1, or nothing when nothing counts', () => {
    const n = fc.nat(50);
    fc.assert(
      fc.property(n, n, n, n, n, (answeredWithin, late, abandonedWithin, abandonedLate, flowedOut) => {
        const answered = answeredWithin + late;
        const abandoned = abandonedWithin + abandonedLate;
        const offered = answered + abandoned + flowedOut;
        for (const kind of SERVICE_LEVEL_FORMULAS) {
          const all = {
            offered,
            answered,
            answeredWithin,
            abandoned,
            abandonedWithin,
            shortAbandoned: abandonedWithin,
            flowedOut,
          };
          const { value } = serviceLevel(kind, all, 20);
          if (value === null) continue;
          expect(value).toBeGreaterThanOrEqual(0);
          expect(value).toBeLessThanOrEqual(1);
        }
      }),
    );
  });
});

describe('a day', () => {
  it.each([
    ['2026-06-15T12:00:00Z', 'Europe/Berlin', '2026-06-14T22:00:00.000Z', 24],
    ['2026-03-29T12:00:00Z', 'Europe/Berlin', '2026-03-28T23:00:00.000Z', 23],
    ['2026-10-25T12:00:00Z', 'Europe/Berlin', '2026-10-24T22:00:00.000Z', 25],
    ['2026-01-01T02:00:00Z', 'America/New_York', '2025-12-31T05:00:00.000Z', 24],
    ['2026-05-05T20:00:00Z', 'Asia/Kathmandu', '2026-05-05T18:15:00.000Z', 24],
    ['2026-05-05T20:00:00Z', 'UTC', '2026-05-05T00:00:00.000Z', 24],
  ])('of %s in %s begins at %s and has %i hours', (at, timeZone, start, hours) => {
    expect(startOfDay(new Date(at), timeZone).toISOString()).toBe(start);
    expect((endOfDay(new Date(at), timeZone).getTime() - Date.parse(start)) / 3_600_000).toBe(hours);
  });

  it('is refused at a place that does not exist', () => {
    expect(() => knownTimeZone('Mars/Olympus')).toThrow(/no time zone/);
  });
});
