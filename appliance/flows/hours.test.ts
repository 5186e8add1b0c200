import { describe, expect, it } from 'vitest';
import { type Hours, hoursAt, isTimeZone, nextOpening } from './hours.ts';

const berlin: Hours = {
  timeZone: 'Europe/Berlin',
  weekly: [
    { days: [1, 2, 3, 4, 5], from: '08:00', to: '18:00' },
    { days: [6], from: '22:00', to: '02:30' },
  ],
  holidays: [
    { date: '2020-12-25', name: 'Christmas Day', yearly: true },
    { date: '2026-12-24', name: 'Christmas Eve', ranges: [{ from: '09:00', to: '12:00' }] },
    { date: '2026-04-05', name: 'Easter' },
  ],
};

describe('opening hours', () => {
  it.each([
    ['a Monday morning in winter', '2026-01-05T07:00:00Z', 'open'],
    ['one second before', '2026-01-05T06:59:59Z', 'closed'],
    ['the closing minute itself', '2026-01-05T17:00:00Z', 'closed'],
    ['the same wall time in summer is an hour earlier', '2026-07-06T06:00:00Z', 'open'],
    ['a Sunday noon', '2026-01-04T11:00:00Z', 'closed'],
    ['Saturday late', '2026-01-03T22:30:00Z', 'open'],
    ['Sunday after midnight, still the Saturday range', '2026-01-04T01:00:00Z', 'open'],
    ['a holiday that comes every year', '2026-12-25T09:00:00Z', 'holiday'],
    ['before the yearly holiday was entered', '2019-12-25T09:00:00Z', 'open'],
    ['special hours of a holiday', '2026-12-24T09:00:00Z', 'open'],
    ['after the special hours', '2026-12-24T12:00:00Z', 'holiday'],
    ['a range of the evening before reaches into a holiday', '2026-04-05T00:15:00Z', 'open'],
    ['and then the holiday begins', '2026-04-05T00:30:00Z', 'holiday'],
    // The clocks go from 2:00 to 3:00 on 29 March 2026: 2:30 does not exist, the range ends at 3:30.
    ['the missing hour in spring', '2026-03-29T01:15:00Z', 'open'],
    ['after the moved end', '2026-03-29T01:30:00Z', 'closed'],
    // The clocks go from 3:00 back to 2:00 on 25 October 2026: 2:00-2:30 comes twice.
    ['the first 2:15 in autumn', '2026-10-25T00:15:00Z', 'open'],
    ['the second 2:15 in autumn', '2026-10-25T01:15:00Z', 'open'],
    ['the second 2:30 in autumn', '2026-10-25T01:30:00Z', 'closed'],
  ])('%s', (_, at, state) => {
    expect(hoursAt(berlin, new Date(at)).state).toBe(state);
  });

  it('says until when it is open', () => {
    expect(hoursAt(berlin, new Date('2026-01-05T07:00:00Z'))).toEqual({
      state: 'open',
      until: new Date('2026-01-05T17:00:00Z'),
    });
  });

  it('knows the whole day', () => {
    const always: Hours = {
      timeZone: 'Asia/Kathmandu',
      weekly: [{ days: [1, 2, 3, 4, 5, 6, 7], from: '00:00', to: '24:00' }],
      holidays: [],
    };
    for (let hour = 0; hour < 48; hour++)
      expect(hoursAt(always, new Date(Date.UTC(2026, 2, 1, hour))).state).toBe('open');
  });

  it('finds the next opening over a weekend and a holiday', () => {
    expect(nextOpening(berlin, new Date('2026-12-24T12:00:00Z'))).toEqual(new Date('2026-12-26T21:00:00Z'));
    expect(nextOpening({ ...berlin, weekly: [], holidays: [] }, new Date('2026-01-01T00:00:00Z'))).toBeUndefined();
  });

  it('takes places as time zones, not offsets', () => {
    expect(isTimeZone('America/St_Johns')).toBe(true);
    expect(isTimeZone('+02:00')).toBe(false);
    expect(isTimeZone('Berlin')).toBe(false);
  });
});
