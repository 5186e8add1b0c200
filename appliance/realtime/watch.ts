import { createHash } from 'node:crypto';
import type { Alarm } from '#appliance/contract/live.ts';
import type { Clock } from '#appliance/kernel/clock.ts';
import { messageOf } from '#appliance/kernel/errors.ts';
import type { Log } from '#appliance/platform/log/index.ts';
import type { Alarms } from './alarms.ts';

/** One thing that is looked at, well or not. */
export interface Watched {
  kind: string;
  subject?: string;
  trouble?: { severity: Alarm['severity']; text: string } | undefined;
}

interface Seen {
  kind: string;
  subject: string;
  /** Looks in a row that found trouble. */
  looks: number;
  since: Date;
  /** Until it is stored that it was and is over. */
  trouble: NonNullable<Watched['trouble']> | undefined;
  over: boolean;
  /** What the database has; undefined: a former process may have left an alarm open. */
  stored: Alarm['severity'] | 'none' | undefined;
}

export type Watch = ReturnType<typeof createWatch>;

/**
 * Looks at something now and then: trouble that two looks in a row see becomes an alarm, and the first look that finds all well
 * clears it. What the database cannot take (it may be the trouble) waits here and is told meanwhile; its true times are
 * stored when it is back.
 */
export function createWatch(deps: {
  look: () => Promise<Watched[]>;
  everyMs: number;
  alarms: Pick<Alarms, 'raise' | 'clear'>;
  clock: Clock;
  log: Log;
}) {
  const { look, everyMs, alarms, clock, log } = deps;
  const seen = new Map<string, Seen>();
  let storing: Promise<void> | undefined;
  let cancel = () => {};
  let stopped = false;

  /** One look; resolves without waiting for the database. */
  async function turn(): Promise<void> {
    let found: Watched[];
    try {
      found = await look();
    } catch (error) {
      log.warn({ error: messageOf(error) }, 'a look at the box failed');
      return;
    }
    for (const { kind, subject = '', trouble } of found) {
      const key = `${kind} ${subject}`;
      let one = seen.get(key);
      if (!one) {
        one = { kind, subject, looks: 0, since: clock.now(), trouble: undefined, over: false, stored: undefined };
        seen.set(key, one);
      }
      if (!trouble) {
        one.looks = 0;
        one.over = true;
        continue;
      }
      if (one.looks++ === 0) one.since = clock.now();
      if (one.looks < LOOKS) continue;
      const news = one.over || one.trouble?.severity !== trouble.severity;
      one.over = false;
      one.trouble = trouble;
      if (news) log.warn({ alarm: kind, subject, text: trouble.text }, 'alarm');
    }
    storing ??= store().finally(() => {
      storing = undefined;
    });
  }

  async function store(): Promise<void> {
    for (const one of seen.values()) {
      const { kind, subject, since, trouble } = one;
      try {
        // Also what is over by now: it was.
        if (trouble && one.stored !== trouble.severity) {
          await alarms.raise({ kind, subject, since, ...trouble });
          one.stored = trouble.severity;
        }
        if (!one.over || one.trouble !== trouble || one.stored === 'none') continue;
        const was = await alarms.clear(kind, subject);
        one.stored = 'none';
        one.trouble = undefined;
        if (was) log.info({ alarm: kind, subject }, 'alarm over');
      } catch (error) {
        log.debug({ alarm: kind, error: messageOf(error) }, 'an alarm waits for the database');
      }
    }
  }

  function next(): void {
    cancel = clock.after(everyMs, () => {
      void turn().finally(() => {
        if (!stopped) next();
      });
    });
  }

  return {
    start: next,
    turn,
    /** Resolves when everything that can be stored is. */
    stored: () => storing ?? Promise.resolve(),
    /** Troubles that the database has not taken yet. */
    standing(): Alarm[] {
      return [...seen.values()].flatMap(({ kind, subject, since, trouble, over, stored }) =>
        trouble && !over && stored !== trouble.severity
          ? [{ id: idOf(kind, subject, since), kind, ...trouble, since: since.toISOString(), acknowledgedBy: null }]
          : [],
      );
    },
    stop(): void {
      stopped = true;
      cancel();
    },
  };
}

/** Two looks: what was restarted in between is no alarm. */
const LOOKS = 2;

/** The same while it stands, so that a screen does not blink. */
function idOf(kind: string, subject: string, since: Date): string {
  const hex = createHash('sha256').update(`${kind} ${subject} ${since.getTime()}`).digest('hex');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-8${hex.slice(13, 16)}-8${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
}
