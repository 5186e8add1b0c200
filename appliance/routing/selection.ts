// Who gets what. Pure and deterministic: the same people and the same line give the same answer.
import type { Channel } from '#appliance/contract/work.ts';
import { mayTake } from './capacity.ts';
import { ahead, avoids, type Entry, type Line } from './line.ts';
import { type Need, satisfies } from './needs.ts';
import type { Strategy } from './types.ts';

/** What selection needs to know about an agent. */
export interface Candidate {
  id: string;
  /** Ready, nothing pending, no offer under way. */
  open: boolean;
  capacity: Readonly<Partial<Record<Channel, number>>>;
  interrupts: Readonly<Partial<Record<Channel, readonly Channel[]>>>;
  /** Channels of the work at hand, wrap-up included. */
  working: readonly Channel[];
  levels: Readonly<Record<string, number>>;
  /** Since when without work, epoch milliseconds. */
  idleSince: number;
  handledInShift: number;
  /** Counts up with every offer of the house; smaller was asked longer ago. */
  lastOffered: number;
  /** Answers to needs, remembered; emptied when the skills change. */
  answers: Map<Need, boolean>;
}

export function can(agent: Candidate, need: Need): boolean {
  let answer = agent.answers.get(need);
  if (answer === undefined) {
    answer = satisfies(agent.levels, need);
    agent.answers.set(need, answer);
  }
  return answer;
}

/** The one rule about who may be offered what; everything else only chooses among those. */
export function eligible(agent: Candidate, entry: Entry, now: number): boolean {
  return (
    agent.open &&
    (entry.reservedFor === null || entry.reservedFor === agent.id) &&
    mayTake(agent, agent.working, entry.channel) &&
    can(agent, entry.need) &&
    !avoids(entry, agent.id, now)
  );
}

/** The best of the eligible members by the queue's strategy. */
export function bestAgent<A extends Candidate>(
  strategy: Strategy,
  entry: Entry,
  members: Iterable<A>,
  now: number,
): A | undefined {
  let best: A | undefined;
  for (const agent of members) {
    if (eligible(agent, entry, now) && (!best || before(strategy, entry.need, agent, best))) best = agent;
  }
  return best;
}

/** Everybody to ring: one by the strategy, or all eligible in order of idleness, `atMost` of them. */
export function agentsToOffer<A extends Candidate>(
  strategy: Strategy,
  entry: Entry,
  members: Iterable<A>,
  now: number,
  atMost: number,
): A[] {
  if (strategy !== 'ring-all') {
    const best = bestAgent(strategy, entry, members, now);
    return best ? [best] : [];
  }
  const all = [...members].filter((agent) => eligible(agent, entry, now));
  return all.sort((a, b) => (before('longest-idle', entry.need, a, b) ? -1 : 1)).slice(0, atMost);
}

/** What an agent who became free gets: his queues by his order; among queues of the same order, who is due first. */
export function nextEntry(
  agent: Candidate,
  queues: readonly { position: number; line: Line }[],
  now: number,
): Entry | undefined {
  if (!agent.open) return undefined;
  const knows = (need: Need) => can(agent, need);
  let takesCache: Partial<Record<Channel, boolean>> | undefined;
  const takes = (channel: Channel) => {
    takesCache ??= {};
    takesCache[channel] ??= mayTake(agent, agent.working, channel);
    return takesCache[channel];
  };
  let best: Entry | undefined;
  let position = 0;
  for (const queue of queues) {
    if (best && queue.position > position) return best;
    position = queue.position;
    if (queue.line.size === 0) continue;
    const first = queue.line.first(agent.id, now, knows, takes);
    if (first && (!best || ahead(first, best))) best = first;
  }
  return best;
}

function before(strategy: Strategy, need: Need, a: Candidate, b: Candidate): boolean {
  switch (strategy) {
    case 'longest-idle':
    case 'ring-all':
      break;
    case 'fewest-handled':
      if (a.handledInShift !== b.handledInShift) return a.handledInShift < b.handledInShift;
      break;
    case 'round-robin':
      if (a.lastOffered !== b.lastOffered) return a.lastOffered < b.lastOffered;
      break;
    case 'most-skilled': {
      const [skillA, skillB] = [skill(a, need), skill(b, need)];
      if (skillA !== skillB) return skillA > skillB;
      break;
    }
  }
  if (a.idleSince !== b.idleSince) return a.idleSince < b.idleSince;
  return a.id < b.id;
}

/** Levels in what is needed; where nothing is needed, all levels count. */
function skill(agent: Candidate, need: Need): number {
  let sum = 0;
  if (need.skills.length === 0) for (const level of Object.values(agent.levels)) sum += level;
  else for (const { skillId } of need.skills) sum += agent.levels[skillId] ?? 0;
  return sum;
}
