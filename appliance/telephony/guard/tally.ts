// What the guard did, hour by hour for a day: so that people see a storm, and that it was turned away. In memory, bounded.

export const TALLIED = ['banned', 'busy', 'silenced', 'unknown-user', 'wrong-password', 'scanner', 'bans'] as const;
/** Requests not heard because of a ban, answered 503, met with silence; names and passwords tried; scanners; bans made. */
export type Tallied = (typeof TALLIED)[number];

export interface TallyHour {
  /** When the hour began. */
  at: Date;
  counts: Record<Tallied, number>;
}

const HOUR_MS = 3600_000;
const HOURS = 24;

export class Tally {
  readonly #hours = new Map<number, Record<Tallied, number>>();

  count(what: Tallied, now: number): void {
    const hour = Math.floor(now / HOUR_MS);
    let counts = this.#hours.get(hour);
    if (!counts) {
      counts = nothing();
      this.#hours.set(hour, counts);
      for (const old of this.#hours.keys()) if (old <= hour - HOURS) this.#hours.delete(old);
    }
    counts[what]++;
  }

  /** The last 24 hours, the present one last; quiet ones too. */
  hours(now: number): TallyHour[] {
    const last = Math.floor(now / HOUR_MS);
    return Array.from({ length: HOURS }, (_, index) => {
      const hour = last - HOURS + 1 + index;
      return { at: new Date(hour * HOUR_MS), counts: { ...(this.#hours.get(hour) ?? nothing()) } };
    });
  }
}

function nothing(): Record<Tallied, number> {
  return { banned: 0, busy: 0, silenced: 0, 'unknown-user': 0, 'wrong-password': 0, scanner: 0, bans: 0 };
}
