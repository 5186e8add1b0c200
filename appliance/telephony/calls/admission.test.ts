import { describe, expect, it } from 'vitest';
import { Admissions } from './admission.ts';

const CALM = { loopLateMs: 5, commitMs: 20 };
const LATE = { loopLateMs: 200, commitMs: 20 };
const SLOW = { loopLateMs: 5, commitMs: 900 };

function taken(admissions: Admissions, of: number): number {
  return Array.from({ length: of }, () => admissions.take()).filter(Boolean).length;
}

function seen(admissions: Admissions, load: typeof CALM, times: number): void {
  for (let n = 0; n < times; n++) admissions.observe(load);
}

describe('new calls', () => {
  it('are all taken while there is time for them', () => {
    const admissions = new Admissions();
    seen(admissions, CALM, 100);
    expect(taken(admissions, 1000)).toBe(1000);
  });

  it.each([
    ['the event loop is late', LATE],
    ['commits take long', SLOW],
  ])('are refused more and more while %s, but for the first few', (_, load) => {
    const admissions = new Admissions();
    const counts = [1, 2, 30].map((times) => {
      seen(admissions, load, times);
      return taken(admissions, 1000);
    });
    expect(counts[0]).toBeLessThan(1000);
    expect(counts[0]).toBeGreaterThan(500);
    expect(counts[1]).toBeLessThan(counts[0]!);
    expect(counts[2]).toBe(10);
  });

  it('are all taken again some time after', () => {
    const admissions = new Admissions();
    seen(admissions, LATE, 50);
    seen(admissions, CALM, 20);
    const halfway = taken(admissions, 1000);
    expect(halfway).toBeGreaterThan(300);
    expect(halfway).toBeLessThan(600);
    seen(admissions, CALM, 50);
    expect(taken(admissions, 1000)).toBe(1000);
  });

  it('are refused evenly, not in heaps', () => {
    const admissions = new Admissions();
    seen(admissions, { loopLateMs: 130, commitMs: 0 }, 3);
    taken(admissions, 10);
    const pattern = Array.from({ length: 100 }, () => (admissions.take() ? 't' : 'r')).join('');
    expect(pattern).not.toContain('rr');
  });
});
