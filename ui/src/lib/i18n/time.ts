import { getLocale } from '#lib/paraglide/runtime.js';

/** The signed-in person's zone; the browser's until somebody signed in. */
let zone: string | undefined;

export function setTimeZone(name: string | null | undefined): void {
  zone = name ?? undefined;
}

/** 0:07, 12:34, 1:02:03: the same in all languages, always the same width for the same length. */
export function duration(seconds: number | null | undefined): string {
  if (seconds === null || seconds === undefined || !Number.isFinite(seconds)) return '–';
  const whole = Math.max(0, Math.floor(seconds));
  const s = String(whole % 60).padStart(2, '0');
  const minutes = Math.floor(whole / 60);
  if (minutes < 60) return `${minutes}:${s}`;
  return `${Math.floor(minutes / 60)}:${String(minutes % 60).padStart(2, '0')}:${s}`;
}

export function timeOfDay(at: string | number, withSeconds = false): string {
  return format(at, { hour: hourDigits(), minute: '2-digit', ...(withSeconds ? { second: '2-digit' } : {}) });
}

/** Today: the time; else the day and the time. */
export function moment(at: string | number | null | undefined, now = Date.now()): string {
  if (at === null || at === undefined) return '–';
  const day: Intl.DateTimeFormatOptions = { year: 'numeric', month: 'numeric', day: 'numeric' };
  if (format(at, day) === format(now, day)) return timeOfDay(at);
  return format(at, { day: 'numeric', month: 'short', hour: hourDigits(), minute: '2-digit' });
}

export function full(at: string | number): string {
  return format(at, { dateStyle: 'full', timeStyle: 'medium' });
}

export function percent(share: number | null | undefined): string {
  if (share === null || share === undefined) return '–';
  return numbers({ style: 'percent', maximumFractionDigits: 0 }).format(share);
}

export function count(value: number): string {
  return numbers({}).format(value);
}

function format(at: string | number, options: Intl.DateTimeFormatOptions): string {
  const date = new Date(at);
  if (Number.isNaN(date.getTime())) return '–';
  return dates(options).format(date);
}

// To make a formatter costs a hundred times what it costs to use one, and a list uses thousands.
const known = new Map<string, Intl.DateTimeFormat | Intl.NumberFormat>();

function kept<T extends Intl.DateTimeFormat | Intl.NumberFormat>(key: string, make: () => T): T {
  const found = known.get(key) as T | undefined;
  if (found) return found;
  const made = make();
  known.set(key, made);
  return made;
}

function dates(options: Intl.DateTimeFormatOptions): Intl.DateTimeFormat {
  const locale = regional();
  return kept(
    `${locale} ${zone ?? ''} ${JSON.stringify(options)}`,
    () => new Intl.DateTimeFormat(locale, { ...options, ...(zone ? { timeZone: zone } : {}) }),
  );
}

function numbers(options: Intl.NumberFormatOptions): Intl.NumberFormat {
  const locale = getLocale();
  return kept(`${locale} number ${JSON.stringify(options)}`, () => new Intl.NumberFormat(locale, options));
}

/** 09:05, but 9:05 am: without its nought a time of day would read as a length of time. */
function hourDigits(): 'numeric' | '2-digit' {
  const locale = regional();
  let digits = hours.get(locale);
  if (!digits) {
    const { hourCycle } = dates({ hour: 'numeric' }).resolvedOptions();
    digits = hourCycle === 'h23' || hourCycle === 'h24' ? '2-digit' : 'numeric';
    hours.set(locale, digits);
  }
  return digits;
}
const hours = new Map<string, 'numeric' | '2-digit'>();

/** "en" alone would mean American times to a British browser: keep the region the browser knows. */
function regional(): string {
  const language = getLocale();
  return navigator.languages.find((tag) => tag.startsWith(language)) ?? language;
}

/** The moment as the clock on the person's wall shows it, `2026-12-01T09:00`: what a date field holds. */
export function wallTime(at: string | number | Date): string {
  const parts = new Intl.DateTimeFormat('en-GB', {
    year: 'numeric',
    month: '2-digit',
    day: '2-digit',
    hour: '2-digit',
    minute: '2-digit',
    hourCycle: 'h23',
    ...(zone ? { timeZone: zone } : {}),
  }).formatToParts(new Date(at));
  const part = (type: string) => parts.find((one) => one.type === type)?.value ?? '';
  return `${part('year')}-${part('month')}-${part('day')}T${part('hour')}:${part('minute')}`;
}

/** The moment at which the clock on the person's wall shows this; undefined when it is no date. */
export function fromWallTime(wall: string): Date | undefined {
  const wanted = Date.parse(`${wall}Z`);
  if (Number.isNaN(wanted)) return undefined;
  // Twice: the first guess may lie on the other side of a change of the clocks.
  let at = wanted;
  for (let turn = 0; turn < 2; turn += 1) at += wanted - Date.parse(`${wallTime(at)}Z`);
  return new Date(at);
}
