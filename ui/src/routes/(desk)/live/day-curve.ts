import type { QueueFigures } from '#appliance/contract/work.ts';

export interface Interval {
  start: string | null;
  figures: QueueFigures;
}

/** One value per hour of the day at its place; null where nothing can be said. */
export interface Curve {
  hours: number[];
  /** Null: not yet. */
  offered: (number | null)[];
  answered: (number | null)[];
  abandoned: (number | null)[];
  level: (number | null)[];
  before: number[];
  levelBefore: (number | null)[];
}

const HOUR_MS = 3_600_000;

/** Two days as one picture: today by the hour, and how many came on the same weekday a week before. */
export function curveOf(
  today: readonly Interval[],
  lastWeek: readonly Interval[],
  dayStart: string,
  weekAgoStart: string,
  nowMs: number,
): Curve {
  const hourOf = (interval: Interval, from: string) =>
    Math.floor((Date.parse(interval.start ?? from) - Date.parse(from)) / HOUR_MS);
  const now = new Map(today.map((one) => [hourOf(one, dayStart), one.figures]));
  const then = new Map(lastWeek.map((one) => [hourOf(one, weekAgoStart), one.figures]));
  const seen = [...now.keys(), ...then.keys()];
  // Business hours are always there, so that a quiet day does not look like a busy hour.
  const first = Math.max(0, Math.min(8, ...seen));
  const last = Math.max(18, ...seen.map((hour) => hour + 1));
  const hours = Array.from({ length: last - first }, (_, index) => first + index);
  // An hour that has not begun has no callers yet, which is something else than none.
  const begun = (nowMs - Date.parse(dayStart)) / HOUR_MS;
  const counted = (hour: number, of: (figures: QueueFigures) => number) => {
    const figures = now.get(hour);
    return figures ? of(figures) : hour <= begun ? 0 : null;
  };
  return {
    hours,
    offered: hours.map((hour) => counted(hour, ({ offered }) => offered)),
    answered: hours.map((hour) => counted(hour, ({ answered }) => answered)),
    abandoned: hours.map((hour) => counted(hour, ({ abandoned }) => abandoned)),
    level: hours.map((hour) => now.get(hour)?.serviceLevel ?? null),
    before: hours.map((hour) => then.get(hour)?.offered ?? 0),
    levelBefore: hours.map((hour) => then.get(hour)?.serviceLevel ?? null),
  };
}
