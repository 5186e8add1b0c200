// Whether somebody who works on these channels may be offered one more. Pure.
import type { Channel } from '#appliance/contract/work.ts';

export interface Capacity {
  capacity: Readonly<Partial<Record<Channel, number>>>;
  /** While working on the key's channel, which channels may be offered all the same. */
  interrupts: Readonly<Partial<Record<Channel, readonly Channel[]>>>;
}

/** One more of `channel` fits: below its own number, and every other channel at work lets itself be interrupted by it. */
export function mayTake(limits: Capacity, working: Iterable<Channel>, channel: Channel): boolean {
  const most = limits.capacity[channel] ?? 0;
  let same = 0;
  for (const busy of working) {
    if (busy === channel) same++;
    else if (!limits.interrupts[busy]?.includes(channel)) return false;
  }
  return same < most;
}
