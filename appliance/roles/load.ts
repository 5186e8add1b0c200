// Watches how busy this process is and refuses new calls before the ones in progress suffer.
import type { Clock } from '#appliance/kernel/clock.ts';
import type { Log } from '#appliance/platform/log/index.ts';
import type { Batch } from '#appliance/platform/postgres/index.ts';
import { Admissions } from '#appliance/telephony/calls/index.ts';

const LOOK_EVERY_MS = 100;

export interface LoadGate {
  start(): void;
  stop(): void;
  /** Asked once for each new call. */
  take(): boolean;
}

export function createLoadGate({
  batch,
  clock,
  log,
}: {
  batch: Pick<Batch, 'tookMs'>;
  clock: Clock;
  log: Log;
}): LoadGate {
  const admissions = new Admissions();
  let cancel: (() => void) | undefined;
  let refused = 0;

  function look(): void {
    const dueMs = performance.now() + LOOK_EVERY_MS;
    cancel = clock.after(LOOK_EVERY_MS, () => {
      const load = { loopLateMs: Math.max(0, performance.now() - dueMs), commitMs: batch.tookMs() };
      const before = admissions.share;
      admissions.observe(load);
      if (before === 0 && admissions.share > 0) log.warn(load, 'too much to do: some new calls are refused');
      if (before > 0 && admissions.share === 0) {
        log.info({ refused }, 'new calls are taken again, all of them');
        refused = 0;
      }
      look();
    });
  }

  return {
    start: look,
    stop: () => cancel?.(),
    take() {
      const taken = admissions.take();
      if (!taken) refused++;
      return taken;
    },
  };
}
