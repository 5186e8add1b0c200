import type { Channel } from '#appliance/contract/work.ts';
import type { Need } from './needs.ts';
import type { CustomerRef, Requirement } from './types.ts';

/** One interaction's place in a queue. Times are epoch milliseconds. */
export interface Entry {
  id: string;
  interactionId: string;
  queueId: string;
  channel: Channel;
  priority: number;
  skills: Requirement[];
  preferredAgentId: string | null;
  from: string;
  customer: CustomerRef | null;
  /** Since when the customer waits; decides the place. */
  enqueuedAt: number;
  /** Since when in this queue; relaxation, overflow and reservation count from here. */
  enteredAt: number;
  hops: number;
  /** See rankOf; smaller is served first. */
  rank: number;
  need: Need;
  /** Kept for this agent until `reservedUntil`. */
  reservedFor: string | null;
  reservedUntil: number;
  /** Keeps its place, but is offered to nobody before. */
  notBefore?: number | undefined;
  state: 'waiting' | 'offered' | 'assigning' | 'left';
  /** Agents who refused or missed it, and until when they are not asked again. */
  avoid: Map<string, number> | undefined;
}

const NEVER_AGES_MS = 1e13;

/**
 * The order of service as a moment in time: arrival, set back by `ageing_s` for each point of priority. Because everybody's
 * waiting grows alike, the order of two never changes while they wait, in one queue and across queues, and nobody who
 * arrives later with the same priority, or with p points more but p × ageing_s later, gets ahead.
 */
export function rankOf(enqueuedAt: number, priority: number, ageingS: number | null): number {
  return enqueuedAt - priority * (ageingS === null ? NEVER_AGES_MS : ageingS * 1000);
}

interface Bucket {
  need: Need;
  entries: Entry[];
}

/** Those who wait in one queue, grouped by what they need, each group in order of service. */
export class Line {
  readonly #open = new Map<string, Bucket>();
  readonly #reserved = new Map<string, Map<string, Bucket>>();
  size = 0;

  add(entry: Entry): void {
    const bucket = this.#bucket(entry, true)!;
    bucket.entries.splice(indexOf(bucket.entries, entry), 0, entry);
    this.size++;
  }

  remove(entry: Entry): boolean {
    const bucket = this.#bucket(entry, false);
    if (!bucket) return false;
    const index = indexOf(bucket.entries, entry);
    if (bucket.entries[index] !== entry) return false;
    if (index === 0) bucket.entries.shift();
    else bucket.entries.splice(index, 1);
    this.size--;
    if (bucket.entries.length === 0) this.#drop(entry);
    return true;
  }

  /** The first in order of service that this agent may have; `can` answers for a need and channel. */
  first(
    agentId: string,
    now: number,
    can: (need: Need) => boolean,
    takes: (channel: Channel) => boolean,
  ): Entry | undefined {
    let best: Entry | undefined;
    const look = (bucket: Bucket) => {
      const head = bucket.entries[0]!;
      if (best && !ahead(head, best)) return;
      if (!can(bucket.need)) return;
      for (const entry of bucket.entries) {
        if (best && !ahead(entry, best)) return;
        if (takes(entry.channel) && !avoids(entry, agentId, now)) {
          best = entry;
          return;
        }
      }
    };
    for (const bucket of this.#open.values()) look(bucket);
    const mine = this.#reserved.get(agentId);
    if (mine) for (const bucket of mine.values()) look(bucket);
    return best;
  }

  /** How many are served before somebody with this rank. */
  countAhead(entry: Entry): number {
    let count = 0;
    for (const bucket of this.#buckets()) count += indexOf(bucket.entries, entry);
    return count;
  }

  *[Symbol.iterator](): Generator<Entry> {
    for (const bucket of this.#buckets()) yield* bucket.entries;
  }

  *#buckets(): Generator<Bucket> {
    yield* this.#open.values();
    for (const group of this.#reserved.values()) yield* group.values();
  }

  #bucket(entry: Entry, make: boolean): Bucket | undefined {
    let group = entry.reservedFor === null ? this.#open : this.#reserved.get(entry.reservedFor);
    if (!group) {
      if (!make) return undefined;
      group = new Map();
      this.#reserved.set(entry.reservedFor!, group);
    }
    let bucket = group.get(entry.need.key);
    if (!bucket && make) {
      bucket = { need: entry.need, entries: [] };
      group.set(entry.need.key, bucket);
    }
    return bucket;
  }

  #drop(entry: Entry): void {
    const group = entry.reservedFor === null ? this.#open : this.#reserved.get(entry.reservedFor);
    group?.delete(entry.need.key);
    if (entry.reservedFor !== null && group?.size === 0) this.#reserved.delete(entry.reservedFor);
  }
}

export function ahead(a: Entry, b: Entry): boolean {
  return a.rank < b.rank || (a.rank === b.rank && a.id < b.id);
}

export function avoids(entry: Entry, agentId: string, now: number): boolean {
  if (entry.notBefore !== undefined && entry.notBefore > now) return true;
  const until = entry.avoid?.get(agentId);
  return until !== undefined && until > now;
}

/** Where `entry` is, or would go. */
function indexOf(entries: Entry[], entry: Entry): number {
  let low = 0;
  let high = entries.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (ahead(entries[middle]!, entry)) low = middle + 1;
    else high = middle;
  }
  return low;
}
