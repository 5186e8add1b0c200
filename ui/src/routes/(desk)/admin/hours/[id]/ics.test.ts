import { describe, expect, it } from 'vitest';
import { readHolidays } from './ics.ts';

const calendar = (...lines: string[]) => ['BEGIN:VCALENDAR', 'VERSION:2.0', ...lines, 'END:VCALENDAR'].join('\r\n');
const event = (...lines: string[]) => ['BEGIN:VEVENT', ...lines, 'END:VEVENT'].join('\r\n');

describe('holidays of a calendar file', () => {
  it('are its whole days, by date, with names as written', () => {
    const file = calendar(
      event('DTSTART;VALUE=DATE:20271225', 'DTEND;VALUE=DATE:20271227', 'SUMMARY:Christmas\\, both days'),
      event('DTSTART;VALUE=DATE:20270101', 'SUMMARY:New', ' Year', 'RRULE:FREQ=YEARLY'),
    );
    expect(readHolidays(file, 2026)).toEqual({
      holidays: [
        { date: '2027-01-01', name: 'NewYear', yearly: true },
        { date: '2027-12-25', name: 'Christmas, both days' },
        { date: '2027-12-26', name: 'Christmas, both days' },
      ],
      skipped: 0,
    });
  });
  it.each([
    ['an hour of a day', event('DTSTART:20270101T090000Z', 'SUMMARY:x')],
    ['a rule that is not followed', event('DTSTART;VALUE=DATE:20270101', 'RRULE:FREQ=YEARLY;BYDAY=1MO')],
    ['a day that does not exist', event('DTSTART;VALUE=DATE:20270231', 'SUMMARY:x')],
    ['no day', event('SUMMARY:x')],
  ])('leave out %s, and say so', (_, one) =>
    expect(readHolidays(calendar(one), 2026)).toEqual({ holidays: [], skipped: 1 }),
  );
  it('leave out years gone by, but not what comes again each year', () => {
    const file = calendar(
      event('DTSTART;VALUE=DATE:20200101'),
      event('DTSTART;VALUE=DATE:20200501', 'RRULE:FREQ=YEARLY'),
    );
    expect(readHolidays(file, 2026).holidays.map(({ date }) => date)).toEqual(['2020-05-01']);
  });
  it('are at most a month of one event, and a bounded number of events', () => {
    expect(
      readHolidays(calendar(event('DTSTART;VALUE=DATE:20270101', 'DTEND;VALUE=DATE:20990101')), 2026).holidays,
    ).toHaveLength(31);
    const many = calendar(
      ...Array.from({ length: 5000 }, (_, i) => event(`DTSTART;VALUE=DATE:20${27 + (i % 70)}0101`)),
    );
    expect(readHolidays(many, 2026).holidays.length).toBeLessThanOrEqual(70);
  });
  it.each(['', 'hello', '<html>', '\0\0'])('are refused of what is no calendar (%j)', (file) =>
    expect(() => readHolidays(file, 2026)).toThrow('no calendar'),
  );
});
