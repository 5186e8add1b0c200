// Days as people at a place count them: 23 to 25 hours. Pure.
import { AppError } from '#appliance/kernel/errors.ts';

/** @throws {AppError} invalid when there is no such time zone. */
export function knownTimeZone(timeZone: string): string {
  try {
    return new Intl.DateTimeFormat('en', { timeZone }).resolvedOptions().timeZone;
  } catch {
    throw new AppError('invalid', 'time-zone-unknown', `There is no time zone ${timeZone}`);
  }
}

/** The first moment of the day that `at` falls on at that place. */
export function startOfDay(at: Date, timeZone: string): Date {
  return new Date(there(at, timeZone).startOfDay().epochMilliseconds);
}

/** The first moment of the next day. */
export function endOfDay(at: Date, timeZone: string): Date {
  return new Date(there(at, timeZone).startOfDay().add({ days: 1 }).startOfDay().epochMilliseconds);
}

function there(at: Date, timeZone: string): Temporal.ZonedDateTime {
  return Temporal.Instant.fromEpochMilliseconds(at.getTime()).toZonedDateTimeISO(timeZone);
}
