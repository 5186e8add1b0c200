import type { QueueLive } from '#appliance/contract/work.ts';

export type QueueState = 'calm' | 'waiting' | 'late' | 'unstaffed';

/** How a queue stands, in one word: somebody waits longer than promised, nobody is there to answer, somebody waits, or all is calm. */
export function queueState(
  queue: Pick<QueueLive, 'waiting' | 'longestSince' | 'agentsSignedIn' | 'today'>,
  nowMs: number,
): QueueState {
  const waitedS = queue.longestSince ? (nowMs - Date.parse(queue.longestSince)) / 1000 : 0;
  if (queue.waiting > 0 && waitedS > queue.today.serviceLevelThresholdS) return 'late';
  if (queue.agentsSignedIn === 0) return 'unstaffed';
  return queue.waiting > 0 ? 'waiting' : 'calm';
}
