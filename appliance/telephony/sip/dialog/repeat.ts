import type { Clock } from '#appliance/kernel/clock.ts';
import { type SipTimers, sixtyFourT1 } from '../transaction/timers.ts';

/** Sends again after T1, 2*T1, ... T2, T2 until stopped; gives up after 64*T1. RFC 3261 §13.3.1.4: over streams too. */
export function repeat(clock: Clock, timers: SipTimers, send: () => void, giveUp: () => void): () => void {
  let intervalMs = timers.t1Ms;
  let cancel: () => void;
  const again = () => {
    send();
    intervalMs = Math.min(intervalMs * 2, timers.t2Ms);
    cancel = clock.after(intervalMs, again);
  };
  cancel = clock.after(intervalMs, again);
  const cancelEnd = clock.after(sixtyFourT1(timers), () => {
    cancel();
    giveUp();
  });
  return () => {
    cancel();
    cancelEnd();
  };
}
