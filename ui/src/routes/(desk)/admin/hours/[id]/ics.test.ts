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
    ['every Monday for ever', event('DTSTART;VALUE=DATE:20270104', 'RRULE:FREQ=WEEKLY')],
    ['what was called off', event('DTSTART;VALUE=DATE:20270104', 'STATUS:CANCELLED')],
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
  it.each([
    [
      'the fourth Thursday of November',
      ['DTSTART;VALUE=DATE:20261126', 'RRULE:FREQ=YEARLY;BYMONTH=11;BYDAY=4TH'],
      10,
      ['2026-11-26', '2027-11-25', '2028-11-23'],
    ],
    [
      'the last Monday of May',
      ['DTSTART;VALUE=DATE:20200525', 'RRULE:FREQ=YEARLY;BYMONTH=5;BYDAY=-1MO'],
      10,
      ['2026-05-25', '2027-05-31', '2028-05-29'],
    ],
    ['so many times', ['DTSTART;VALUE=DATE:20250501', 'RRULE:FREQ=YEARLY;COUNT=3'], 2, ['2026-05-01', '2027-05-01']],
    [
      'until a day',
      ['DTSTART;VALUE=DATE:20261224', 'RRULE:FREQ=DAILY;UNTIL=20261226'],
      3,
      ['2026-12-24', '2026-12-25', '2026-12-26'],
    ],
    [
      'every second year',
      ['DTSTART;VALUE=DATE:20260301', 'RRULE:FREQ=YEARLY;INTERVAL=2'],
      5,
      ['2026-03-01', '2028-03-01', '2030-03-01'],
    ],
    [
      '29 February',
      ['DTSTART;VALUE=DATE:20240229', 'RRULE:FREQ=YEARLY;INTERVAL=1;COUNT=4'],
      2,
      ['2028-02-29', '2032-02-29'],
    ],
    [
      'but not on days taken out',
      ['DTSTART;VALUE=DATE:20260101', 'RRULE:FREQ=YEARLY', 'EXDATE;VALUE=DATE:20270101'],
      9,
      ['2026-01-01', '2028-01-01', '2029-01-01'],
    ],
    [
      'weeks in a row',
      ['DTSTART;VALUE=DATE:20270104', 'RRULE:FREQ=WEEKLY;COUNT=3;BYDAY=MO'],
      3,
      ['2027-01-04', '2027-01-11', '2027-01-18'],
    ],
    ['for as long as it says', ['DTSTART;VALUE=DATE:20270104', 'DURATION:P2D'], 2, ['2027-01-04', '2027-01-05']],
  ])('come again: %s', (_, lines, many, dates) => {
    const found = readHolidays(calendar(event(...lines)), 2026).holidays.map(({ date }) => date);
    expect(found.slice(0, dates.length)).toEqual(dates);
    expect(found).toHaveLength(many);
  });
  it('that come again for ever are bounded', () => {
    const file = calendar(
      ...Array.from({ length: 300 }, (_, i) =>
        event(`DTSTART;VALUE=DATE:2020${String(1 + (i % 12)).padStart(2, '0')}01`, 'RRULE:FREQ=DAILY;COUNT=99999'),
      ),
    );
    const began = performance.now();
    expect(readHolidays(file, 2026).holidays.length).toBeLessThan(800);
    expect(performance.now() - began).toBeLessThan(3000);
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
