// Holidays from an iCalendar file (RFC 5545): whole days, one or several, also yearly. Everything in it is bounded.

export interface Holiday {
  date: string;
  name: string;
  yearly?: boolean;
  ranges?: { from: string; to: string }[];
}
export interface IcsResult {
  holidays: Holiday[];
  /** Events that are no whole days, or that repeat in a way we do not follow. */
  skipped: number;
}

export const MAX_ICS_BYTES = 2_000_000;
const MAX_EVENTS = 2000;
const MAX_DAYS = 31;
const DAY_MS = 86_400_000;

/** Events of `fromYear` and later; yearly ones of any year. Throws when it is no calendar. */
export function readHolidays(file: string, fromYear: number): IcsResult {
  // §3.1: a line that begins with white space goes on from the one before.
  const lines = file
    .slice(0, MAX_ICS_BYTES)
    .replaceAll(/\r?\n[ \t]/g, '')
    .split(/\r?\n/);
  if (!/^BEGIN:VCALENDAR/i.test(lines.find((line) => line.trim() !== '')?.replace(/^\uFEFF/, '') ?? ''))
    throw new Error('no calendar');
  const holidays = new Map<string, Holiday>();
  let skipped = 0;
  let events = 0;
  let event: Map<string, { parameters: string; value: string }> | undefined;
  for (const line of lines) {
    if (/^BEGIN:VEVENT/i.test(line)) {
      if (++events > MAX_EVENTS) break;
      event = new Map();
    } else if (/^END:VEVENT/i.test(line) && event) {
      const days = daysOf(event);
      if (days.length === 0) skipped++;
      for (const day of days) {
        if (!day.yearly && Number(day.date.slice(0, 4)) < fromYear) continue;
        if (!holidays.has(day.date)) holidays.set(day.date, day);
      }
      event = undefined;
    } else if (event) {
      const match = /^([A-Za-z-]+)((?:;[^:"]*(?:"[^"]*"[^:"]*)*)?):(.*)$/.exec(line);
      if (match && !event.has(match[1]!.toUpperCase()))
        event.set(match[1]!.toUpperCase(), { parameters: match[2] ?? '', value: match[3] ?? '' });
    }
  }
  return { holidays: [...holidays.values()].toSorted((a, b) => (a.date < b.date ? -1 : 1)), skipped };
}

function daysOf(event: Map<string, { parameters: string; value: string }>): Holiday[] {
  const start = dayOf(event.get('DTSTART')?.value);
  if (start === undefined) return [];
  // §3.6.1: the end is the first day after; without one it is one day.
  const end = dayOf(event.get('DTEND')?.value) ?? start + DAY_MS;
  const rule = event.get('RRULE')?.value.toUpperCase();
  const yearly =
    rule !== undefined &&
    /(^|;)FREQ=YEARLY(;|$)/.test(rule) &&
    !/BYDAY|BYWEEKNO|COUNT|UNTIL|INTERVAL=(?!1(;|$))/.test(rule);
  if (rule !== undefined && !yearly) return [];
  const name = textOf(event.get('SUMMARY')?.value ?? '') || '–';
  const days = Math.min(MAX_DAYS, Math.max(1, Math.round((end - start) / DAY_MS)));
  return Array.from({ length: days }, (_, index) => ({
    date: new Date(start + index * DAY_MS).toISOString().slice(0, 10),
    name,
    ...(yearly && { yearly }),
  }));
}

/** A DATE (§3.3.4) as milliseconds; a DATE-TIME is no whole day unless it says midnight. */
function dayOf(value: string | undefined): number | undefined {
  const match = /^(\d{4})(\d{2})(\d{2})(?:T000000Z?)?$/.exec(value?.trim() ?? '');
  if (!match) return undefined;
  const [year, month, day] = match.slice(1).map(Number) as [number, number, number];
  const at = Date.UTC(year, month - 1, day);
  return new Date(at).getUTCDate() === day && year >= 1970 ? at : undefined;
}

/** §3.3.11, without what a name cannot hold. */
function textOf(value: string): string {
  return value
    .replaceAll(/\\n/gi, ' ')
    .replaceAll(/\\([,;\\])/g, '$1')
    .replaceAll(/\p{Cc}/gu, ' ')
    .trim()
    .slice(0, 100);
}
