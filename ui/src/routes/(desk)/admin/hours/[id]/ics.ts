// Holidays from an iCalendar file (RFC 5545): whole days, one or several, also those that come again. Everything in it is bounded.
import { occurrences, ruleOf } from './recurrence.ts';

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
  let event: Event | undefined;
  for (const line of lines) {
    if (/^BEGIN:VEVENT/i.test(line)) {
      if (++events > MAX_EVENTS) break;
      event = new Map();
    } else if (/^END:VEVENT/i.test(line) && event) {
      const days = daysOf(event, fromYear);
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

type Event = Map<string, { parameters: string; value: string }>;

function daysOf(event: Event, fromYear: number): Holiday[] {
  const start = dayOf(event.get('DTSTART')?.value);
  if (start === undefined || /^CANCELLED$/i.test(event.get('STATUS')?.value.trim() ?? '')) return [];
  // §3.6.1: the end is the first day after; without one it is one day, or as long as it says.
  const end = dayOf(event.get('DTEND')?.value) ?? start + lengthOf(event.get('DURATION')?.value) * DAY_MS;
  const name = textOf(event.get('SUMMARY')?.value ?? '') || '–';
  const days = Math.min(MAX_DAYS, Math.max(1, Math.round((end - start) / DAY_MS)));
  const rule = event.has('RRULE') ? ruleOf(event.get('RRULE')!.value, start) : { kind: 'once' as const };
  // §3.8.5.1: days that are taken out again.
  const out = new Set((event.get('EXDATE')?.value ?? '').split(',', 200).map(dayOf));
  if (rule === undefined) return [];
  const yearly = rule.kind === 'yearly' && out.size === 1 && out.has(undefined);
  const starts =
    rule.kind === 'once' || yearly ? [start] : occurrences(rule, start, fromYear).filter((day) => !out.has(day));
  return starts.flatMap((first) =>
    Array.from({ length: days }, (_, index) => ({
      date: new Date(first + index * DAY_MS).toISOString().slice(0, 10),
      name,
      ...(yearly && { yearly }),
    })),
  );
}

/** §3.3.6: P3D, P1W; anything else is a day. */
function lengthOf(duration: string | undefined): number {
  const match = /^\+?P(\d{1,3})([DW])/i.exec(duration?.trim() ?? '');
  return match ? Number(match[1]) * (match[2]!.toUpperCase() === 'W' ? 7 : 1) : 1;
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
