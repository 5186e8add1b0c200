// Does a phone answer where it said it is? What one OPTIONS, answered or not, changes. Pure.

export interface Reach {
  /** Undefined: it has never answered. Many phones behind firewalls do not, and are not the worse for it. */
  reachable: boolean | undefined;
  roundTripMs: number | undefined;
  since: Date | undefined;
  /** Unanswered in a row. */
  missed: number;
}

export type Sign =
  /** An answer to OPTIONS, whatever it says. */
  | { kind: 'answered'; roundTripMs: number }
  /** It spoke to us by itself: REGISTER. */
  | { kind: 'heard' }
  | { kind: 'missed' };

/** One packet may get lost together with its retransmissions; a phone that is silent twice is not there. */
export const MISSES = 2;

export const NEVER_ASKED: Reach = { reachable: undefined, roundTripMs: undefined, since: undefined, missed: 0 };

export function judge(before: Reach, sign: Sign, now: Date): Reach {
  switch (sign.kind) {
    case 'answered':
      return {
        reachable: true,
        roundTripMs: sign.roundTripMs,
        since: before.reachable === true ? before.since : now,
        missed: 0,
      };
    case 'heard':
      if (before.reachable === false) return { reachable: true, roundTripMs: undefined, since: now, missed: 0 };
      return { ...before, missed: 0 };
    case 'missed': {
      const missed = before.missed + 1;
      // Who never answered is not judged by silence.
      if (before.reachable !== true || missed < MISSES) return { ...before, missed };
      return { reachable: false, roundTripMs: undefined, since: now, missed };
    }
  }
}

/** While in doubt we ask soon; else at the interval, a little apart from all the others. */
export function nextInMs(reach: Reach, everyMs: number, random: number): number {
  if (reach.reachable === true && reach.missed > 0) return Math.min(everyMs, 5_000);
  return everyMs * (0.9 + 0.2 * random);
}

/** A round trip is written down when it has become another one, not at each check. */
export function isWorthStoring(stored: Reach, now: Reach): boolean {
  if (stored.reachable !== now.reachable) return true;
  if (now.roundTripMs === undefined) return false;
  if (stored.roundTripMs === undefined) return true;
  return Math.abs(now.roundTripMs - stored.roundTripMs) > Math.max(10, stored.roundTripMs / 2);
}
