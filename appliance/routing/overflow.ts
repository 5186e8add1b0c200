// When an interaction leaves its queue without an agent, and when to look again. Pure.
import type { SegmentEnd } from '#appliance/contract/work.ts';
import type { QueueExit } from './channel-port.ts';
import type { Entry } from './line.ts';
import type { OverflowRule, QueueConfig } from './types.ts';

export interface QueueFacts {
  /** Others who wait in it. */
  waiting: number;
  /** Members who are not offline. */
  signedIn: number;
  open: boolean;
}

export interface Leaving {
  exit: QueueExit;
  end: SegmentEnd;
  why: OverflowRule['when'];
}

/** More moves between queues than this look like a circle: the interaction then stays. */
export const MAX_HOPS = 5;

/** Hours are asked again so often while somebody waits in a queue that has a rule for being closed. */
const CLOSING_LOOK_MS = 30_000;

/** On entering: closed, full and nobody there count at once. */
export function refusal(queue: QueueConfig, facts: QueueFacts, hops: number): Leaving | undefined {
  if (!facts.open) {
    const closed = rule(queue, 'closed', hops);
    if (closed) return leaving(closed);
  }
  if (queue.maxWaiting !== null && facts.waiting >= queue.maxWaiting) {
    const full = rule(queue, 'full', hops);
    return leaving(full ?? { when: 'full', exit: { to: 'hang-up' } });
  }
  return undefined;
}

/** While waiting: the first rule that is due. */
export function due(queue: QueueConfig, facts: QueueFacts, entry: Entry, now: number): Leaving | undefined {
  const waitedS = (now - entry.enteredAt) / 1000;
  if (!facts.open) {
    const closed = rule(queue, 'closed', entry.hops);
    if (closed) return leaving(closed);
  }
  if (queue.maxWaitS !== null && waitedS >= queue.maxWaitS) {
    return leaving(rule(queue, 'max-wait', entry.hops) ?? { when: 'max-wait', exit: { to: 'hang-up' } });
  }
  for (const candidate of queue.overflow) {
    if (!followable(candidate, queue, entry.hops)) continue;
    if (candidate.when === 'no-agents' && facts.signedIn === 0 && waitedS >= (candidate.afterS ?? 0))
      return leaving(candidate);
    if (candidate.when === 'waited' && waitedS >= (candidate.afterS ?? 0)) return leaving(candidate);
  }
  return undefined;
}

/** The next moment at which waiting alone changes something for this entry: overflow, relaxation, reservation, a second try. */
export function nextLook(queue: QueueConfig, entry: Entry, now: number): number | undefined {
  let next = Number.POSITIVE_INFINITY;
  const at = (moment: number) => {
    if (moment > now && moment < next) next = moment;
  };
  for (const { afterS } of queue.relaxations) at(entry.enteredAt + afterS * 1000);
  for (const { when, afterS } of queue.overflow) {
    if (when === 'waited' || when === 'no-agents') at(entry.enteredAt + (afterS ?? 0) * 1000);
    if (when === 'closed') at(now + CLOSING_LOOK_MS);
  }
  if (queue.maxWaitS !== null) at(entry.enteredAt + queue.maxWaitS * 1000);
  if (entry.reservedFor !== null) at(entry.reservedUntil);
  if (entry.avoid) for (const until of entry.avoid.values()) at(until);
  return Number.isFinite(next) ? next : undefined;
}

function rule(queue: QueueConfig, when: OverflowRule['when'], hops: number): OverflowRule | undefined {
  return queue.overflow.find((candidate) => candidate.when === when && followable(candidate, queue, hops));
}

function followable({ exit }: OverflowRule, queue: QueueConfig, hops: number): boolean {
  return exit.to !== 'queue' || (hops < MAX_HOPS && exit.queueId !== queue.id);
}

function leaving({ when, exit }: OverflowRule): Leaving {
  const end: SegmentEnd =
    exit.to === 'voicemail'
      ? 'voicemail'
      : exit.to === 'callback'
        ? 'callback'
        : when === 'max-wait'
          ? 'timed-out'
          : 'overflow';
  return { exit, end, why: when };
}
