// RFC 5545 §3.3.10, as far as closed days go: yearly ones of every sort, and days or weeks in a row that end. Bounded.

export type Rule =
  /** The same date each year, for ever: the box knows such days itself. */
  | { kind: 'yearly' }
  | {
      kind: 'rule';
      every: 'year' | 'week' | 'day';
      interval: number;
      count: number;
      until: number;
      /** The n-th such weekday of a month: 0 is Sunday, a negative n counts from the end. */
      nth: { weekday: number; n: number; month: number } | undefined;
    };

const DAY_MS = 86_400_000;
/** Years that are made out of a rule; a calendar is imported again before they are over. */
const HORIZON_YEARS = 10;
const MAX_DAYS = 370;
const MAX_STEPS = 5000;
const WEEKDAYS = ['SU', 'MO', 'TU', 'WE', 'TH', 'FR', 'SA'];
const KNOWN = new Set(['FREQ', 'INTERVAL', 'COUNT', 'UNTIL', 'BYMONTH', 'BYMONTHDAY', 'BYDAY', 'WKST']);

/** Undefined when it is a rule that is not followed. */
export function ruleOf(text: string, start: number): Rule | undefined {
  const parts = new Map(
    text
      .toUpperCase()
      .split(';', 20)
      .map((part) => part.split('=', 2) as [string, string | undefined]),
  );
  if ([...parts.keys()].some((name) => !KNOWN.has(name))) return undefined;
  const first = new Date(start);
  const whole = (name: string) => (/^[1-9]\d{0,4}$/.test(parts.get(name) ?? '') ? Number(parts.get(name)) : undefined);
  const interval = parts.has('INTERVAL') ? whole('INTERVAL') : 1;
  const count = parts.has('COUNT') ? whole('COUNT') : Number.POSITIVE_INFINITY;
  const until = parts.has('UNTIL') ? dateOf(parts.get('UNTIL') ?? '') : Number.POSITIVE_INFINITY;
  if (interval === undefined || count === undefined || until === undefined) return undefined;
  const endless = count === Number.POSITIVE_INFINITY && until === Number.POSITIVE_INFINITY;
  const same = (name: string, value: number) => !parts.has(name) || parts.get(name) === String(value);

  if (parts.get('FREQ') === 'YEARLY') {
    const nth = nthOf(parts.get('BYDAY'), parts.get('BYMONTH'));
    if (nth === undefined && parts.has('BYDAY')) return undefined;
    if (
      nth
        ? parts.has('BYMONTHDAY')
        : !same('BYMONTH', first.getUTCMonth() + 1) || !same('BYMONTHDAY', first.getUTCDate())
    )
      return undefined;
    if (!nth && endless && interval === 1) return { kind: 'yearly' };
    return { kind: 'rule', every: 'year', interval, count, until, nth };
  }
  // What comes every week for ever is no holiday: that is what opening hours are for.
  if (endless || parts.has('BYMONTH') || parts.has('BYMONTHDAY')) return undefined;
  if (parts.get('FREQ') === 'WEEKLY' && (!parts.has('BYDAY') || parts.get('BYDAY') === WEEKDAYS[first.getUTCDay()]))
    return { kind: 'rule', every: 'week', interval, count, until, nth: undefined };
  if (parts.get('FREQ') === 'DAILY' && !parts.has('BYDAY'))
    return { kind: 'rule', every: 'day', interval, count, until, nth: undefined };
  return undefined;
}

/** First days, from `fromYear` on. */
export function occurrences(rule: Rule, start: number, fromYear: number): number[] {
  if (rule.kind === 'yearly') {
    const first = new Date(start);
    return range(HORIZON_YEARS).map((year) => Date.UTC(fromYear + year, first.getUTCMonth(), first.getUTCDate()));
  }
  const found: number[] = [];
  const last = Math.min(rule.until, Date.UTC(fromYear + HORIZON_YEARS, 0, 1) - 1);
  let counted = 0;
  for (let step = 0; step < MAX_STEPS && counted < rule.count && found.length < MAX_DAYS; step++) {
    const day = at(rule, start, step);
    if (day === undefined) continue;
    if (day > last) break;
    if (day < start) continue;
    counted++;
    if (new Date(day).getUTCFullYear() >= fromYear) found.push(day);
  }
  return found;
}

function at(rule: Rule & { kind: 'rule' }, start: number, step: number): number | undefined {
  if (rule.every === 'day') return start + step * rule.interval * DAY_MS;
  if (rule.every === 'week') return start + step * rule.interval * 7 * DAY_MS;
  const first = new Date(start);
  const year = first.getUTCFullYear() + step * rule.interval;
  if (!rule.nth) {
    const day = Date.UTC(year, first.getUTCMonth(), first.getUTCDate());
    // 29 February is not there in most years (§3.3.10: such days are passed over).
    return new Date(day).getUTCDate() === first.getUTCDate() ? day : undefined;
  }
  const { weekday, n, month } = rule.nth;
  const days = range(31)
    .map((day) => Date.UTC(year, month, day + 1))
    .filter((day) => new Date(day).getUTCMonth() === month && new Date(day).getUTCDay() === weekday);
  return days.at(n > 0 ? n - 1 : n);
}

function nthOf(byDay: string | undefined, byMonth: string | undefined) {
  const match = /^([+-]?[1-5])(SU|MO|TU|WE|TH|FR|SA)$/.exec(byDay ?? '');
  // Without a month it would be the n-th of the year.
  if (!match || !/^([1-9]|1[0-2])$/.test(byMonth ?? '')) return undefined;
  return { weekday: WEEKDAYS.indexOf(match[2]!), n: Number(match[1]), month: Number(byMonth) - 1 };
}

function dateOf(text: string): number | undefined {
  const match = /^(\d{4})(\d{2})(\d{2})(T\d{6}Z?)?$/.exec(text);
  if (!match) return undefined;
  return Date.UTC(Number(match[1]), Number(match[2]) - 1, Number(match[3])) + (match[4] ? DAY_MS - 1 : 0);
}

const range = (length: number): number[] => Array.from({ length }, (_, index) => index);
