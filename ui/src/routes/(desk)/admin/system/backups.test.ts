import { describe, expect, it } from 'vitest';
import { age, type Backups, restoreCommand, standing } from './backups.ts';

const NOW = Date.UTC(2026, 0, 5, 12);
const backups = (lastGoodAt: string | null, maxAgeH: number | null = 48) =>
  ({ lastGoodAt, plan: { maxAgeH } }) as Backups;

describe('the backups of a box', () => {
  it.each([
    [null, 48, 'never'],
    ['2026-01-05T03:00:00Z', 48, 'fresh'],
    ['2026-01-03T03:00:00Z', 48, 'old'],
    ['2025-01-03T03:00:00Z', null, 'fresh'],
  ] as const)('last good at %s with a limit of %s hours: %s', (at, hours, how) =>
    expect(standing(backups(at, hours), NOW)).toBe(how),
  );
  it.each([
    ['2026-01-05T11:59:30Z', '0 minutes'],
    ['2026-01-05T11:00:00Z', '60 minutes'],
    ['2026-01-05T03:00:00Z', '9 hours'],
    ['2026-01-01T12:00:00Z', '4 days'],
  ])('of %s are %s old', (at, text) => expect(age(at, NOW, 'en')).toBe(text));
  it('are restored by a command that the shell takes as it is', () => {
    expect(restoreCommand('/var/b/x.tar.gz')).toBe('npm run strongroom -- restore /var/b/x.tar.gz --to NEW_FOLDER');
    expect(restoreCommand("/mnt/it's here/x")).toContain("'/mnt/it'\\''s here/x'");
  });
});
