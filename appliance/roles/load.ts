// Watches how busy this process is and refuses new calls before the ones in progress suffer.
import type { Clock } from '#appliance/kernel/clock.ts';
import type { Log } from '#appliance/platform/log/index.ts';
import type { Batch } from '#appliance/platform/postgres/index.ts';
import { Admissions } from '#appliance/telephony/calls/index.ts';

const LOOK_EVERY_MS = 100;
/** A database that has taken nothing for so long is away: a call that cannot be committed is not answered (DESIGN 7). */
const AWAY_AFTER_MS = 2000;
/** And for so long that it is no longer a restart of it. */
const LONG_AWAY_MS = 10_000;
/** Some time without a refusal, and the trouble is over. */
const OVER_AFTER_MS = 10_000;

/** All ports in use, too much to do, or nobody there who would write it down. */
export type Refusal = 'ports' | 'load' | 'database';

export interface LoadGateOptions {
  batch: Pick<Batch, 'tookMs' | 'stuckMs'>;
  clock: Clock;
  log: Log;
  /** One call was refused; undefined once none has been for a while. */
  refused?: ((why: Refusal | undefined) => void) | undefined;
  /** What happens waits to be written since long, or no longer: the database is away, or its disk is full. */
  unwritten?: ((is: boolean) => void) | undefined;
}

export interface LoadGate {
  start(): void;
  stop(): void;
  /** Asked once for each new call. */
  take(roomLeft: boolean): boolean;
}

export function createLoadGate({ batch, clock, log, refused, unwritten }: LoadGateOptions): LoadGate {
  const admissions = new Admissions();
  let cancel: (() => void) | undefined;
  let count = 0;
  let lastAtMs: number | undefined;
  let away = false;

  function look(): void {
    const dueMs = performance.now() + LOOK_EVERY_MS;
    cancel = clock.after(LOOK_EVERY_MS, () => {
      const nowMs = performance.now();
      if (away !== batch.stuckMs() > LONG_AWAY_MS) {
        away = !away;
        unwritten?.(away);
      }
      admissions.observe({ loopLateMs: Math.max(0, nowMs - dueMs), commitMs: batch.tookMs() });
      if (lastAtMs !== undefined && nowMs - lastAtMs > OVER_AFTER_MS && admissions.share === 0) {
        log.info({ refused: count }, 'new calls are taken again, all of them');
        count = 0;
        lastAtMs = undefined;
        refused?.(undefined);
      }
      look();
    });
  }

  function whyNot(roomLeft: boolean): Refusal | undefined {
    if (!roomLeft) return 'ports';
    if (batch.stuckMs() > AWAY_AFTER_MS) return 'database';
    return admissions.take() ? undefined : 'load';
  }

  return {
    start: look,
    stop: () => cancel?.(),
    take(roomLeft) {
      const why = whyNot(roomLeft);
      if (!why) return true;
      if (lastAtMs === undefined) log.warn({ why }, 'new calls are refused');
      lastAtMs = performance.now();
      count++;
      refused?.(why);
      return false;
    },
  };
}
