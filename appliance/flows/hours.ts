// Opening hours are wall-clock times of a place; open or closed is a question about an instant. Pure.

/** `from` and `to` are HH:MM; `to` before or equal to `from` means the next morning, 24:00 the end of the day. */
export interface Range {
  from: string;
  to: string;
}

export interface WeeklyRange extends Range {
  /** ISO weekdays: 1 Monday to 7 Sunday. The day is the one the range begins on. */
  days: number[];
}

export interface Holiday {
  /** YYYY-MM-DD. */
  date: string;
  name: string;
  /** The same day every year (29 February only in leap years). */
  yearly?: boolean | undefined;
  /** Open in these all the same; without them the whole day is a holiday. */
  ranges?: Range[] | undefined;
}

export interface Hours {
  timeZone: string;
  weekly: WeeklyRange[];
  holidays: Holiday[];
}

export type HoursState = { state: 'open'; until: Date } | { state: 'closed' } | { state: 'holiday'; name: string };

const TIME = /^([01][0-9]|2[0-3]):([0-5][0-9])$/;

/** Whether the place is open at that instant. A range that began the evening before still counts, also into a holiday. */
export function hoursAt(hours: Hours, at: Date): HoursState {
  const now = Temporal.Instant.fromEpochMilliseconds(at.getTime());
  const today = now.toZonedDateTimeISO(hours.timeZone).toPlainDate();
  let until: Temporal.Instant | undefined;
  for (const span of [...spansOf(hours, today.subtract({ days: 1 })), ...spansOf(hours, today)]) {
    if (Temporal.Instant.compare(span.start, now) > 0 || Temporal.Instant.compare(now, span.end) >= 0) continue;
    if (!until || Temporal.Instant.compare(span.end, until) > 0) until = span.end;
  }
  if (until) return { state: 'open', until: new Date(until.epochMilliseconds) };
  const holiday = holidayOn(hours, today);
  return holiday ? { state: 'holiday', name: holiday.name } : { state: 'closed' };
}

/** When it opens next after that instant; undefined when not within a year. */
export function nextOpening(hours: Hours, after: Date): Date | undefined {
  const now = Temporal.Instant.fromEpochMilliseconds(after.getTime());
  let day = now.toZonedDateTimeISO(hours.timeZone).toPlainDate();
  for (let tries = 0; tries < 370; tries++, day = day.add({ days: 1 })) {
    const next = spansOf(hours, day)
      .map(({ start }) => start.epochMilliseconds)
      .filter((start) => start > now.epochMilliseconds)
      .sort((a, b) => a - b)[0];
    if (next !== undefined) return new Date(next);
  }
  return undefined;
}

export function isTimeOfDay(text: string): boolean {
  return TIME.test(text);
}

export function isTimeZone(name: string): boolean {
  try {
    Temporal.Instant.fromEpochMilliseconds(0).toZonedDateTimeISO(name);
    // An offset such as +02:00 knows no summer time: a place is meant.
    return !/^[+-]/.test(name);
  } catch {
    return false;
  }
}

function spansOf(hours: Hours, day: Temporal.PlainDate): { start: Temporal.Instant; end: Temporal.Instant }[] {
  const holiday = holidayOn(hours, day);
  const ranges = holiday ? (holiday.ranges ?? []) : hours.weekly.filter(({ days }) => days.includes(day.dayOfWeek));
  return ranges.flatMap(({ from, to }) => {
    const start = instantOf(day, from, hours.timeZone, 'earlier');
    const endsNextDay = to === '24:00' || to <= from;
    const end = instantOf(
      endsNextDay ? day.add({ days: 1 }) : day,
      to === '24:00' ? '00:00' : to,
      hours.timeZone,
      'later',
    );
    return Temporal.Instant.compare(start, end) < 0 ? [{ start, end }] : [];
  });
}

/** In the hour that comes twice in autumn a range begins at the first and ends at the second; in the one that is missing in spring, times move on. */
function instantOf(
  day: Temporal.PlainDate,
  time: string,
  timeZone: string,
  whenTwice: 'earlier' | 'later',
): Temporal.Instant {
  const wall = day.toPlainDateTime(Temporal.PlainTime.from(time));
  const zoned = wall.toZonedDateTime(timeZone, { disambiguation: whenTwice });
  const skipped = !zoned.toPlainDateTime().equals(wall);
  return (skipped ? wall.toZonedDateTime(timeZone, { disambiguation: 'compatible' }) : zoned).toInstant();
}

function holidayOn(hours: Hours, day: Temporal.PlainDate): Holiday | undefined {
  const date = day.toString();
  return (
    hours.holidays.find((holiday) => holiday.date === date) ??
    hours.holidays.find((holiday) => holiday.yearly && holiday.date.slice(5) === date.slice(5) && holiday.date <= date)
  );
}
