import type { AgentRow } from '#appliance/agents/index.ts';
import type { AgentActivity, Channel, Direction } from '#appliance/contract/work.ts';
import type { Offer } from './channel-port.ts';
import type { Line } from './line.ts';
import type { Need } from './needs.ts';
import type { Presence } from './presence.ts';
import type { Candidate } from './selection.ts';
import type { CustomerRef } from './types.ts';

/** Something an agent works on. Times are epoch milliseconds. */
export interface Work {
  interactionId: string;
  channel: Channel;
  queueId: string | null;
  from: string;
  direction: Direction;
  customer: CustomerRef | null;
  state: 'active' | 'wrap-up';
  startedAt: number;
  /** Since when in this state. */
  since: number;
  wrapUpEndsAt: number | null;
  wrapUpExtendedS: number;
  stopTimer: (() => void) | undefined;
}

/** One agent at work, in memory: presence, the offer under way, the work at hand. */
export class Desk implements Candidate {
  readonly id: string;
  row: AgentRow;
  presence: Presence = { state: 'offline', reason: null, pending: null };
  presenceSince: number;
  /** His queues by his order. */
  queues: { position: number; queueId: string; line: Line }[] = [];
  offer: Offer | undefined;
  readonly work = new Map<string, Work>();
  working: Channel[] = [];
  open = false;
  idleSince: number;
  handledInShift = 0;
  lastOffered = 0;
  /** Offers missed in a row. */
  misses = 0;
  readonly answers = new Map<Need, boolean>();

  constructor(row: AgentRow, now: number) {
    this.id = row.id;
    this.row = row;
    this.presenceSince = now;
    this.idleSince = now;
  }

  get capacity() {
    return this.row.capacity;
  }

  get interrupts() {
    return this.row.interrupts;
  }

  get levels() {
    return this.row.skills;
  }

  get busy(): boolean {
    return this.work.size > 0;
  }

  get signedIn(): boolean {
    return this.presence.state !== 'offline';
  }

  /** Ready to be offered something, or at work: counts for the estimated wait. */
  get serving(): boolean {
    return this.presence.state === 'ready' || this.busy;
  }

  begin(work: Work): void {
    this.work.set(work.interactionId, work);
    this.working = [...this.work.values()].map(({ channel }) => channel);
  }

  /** Takes the work off the desk; undefined when it was not there. */
  clear(interactionId: string, now: number): Work | undefined {
    const work = this.work.get(interactionId);
    if (!work) return undefined;
    work.stopTimer?.();
    this.work.delete(interactionId);
    this.working = [...this.work.values()].map(({ channel }) => channel);
    if (this.work.size === 0) this.idleSince = now;
    return work;
  }

  get activity(): AgentActivity {
    let wrapUp = false;
    for (const { state } of this.work.values()) {
      if (state === 'active') return 'busy';
      wrapUp = true;
    }
    if (this.offer) return 'offered';
    return wrapUp ? 'wrap-up' : 'idle';
  }

  get activitySince(): number {
    const { activity } = this;
    if (activity === 'idle') return this.idleSince;
    if (activity === 'offered' && this.offer) return this.offer.offeredAt.getTime();
    const state = activity === 'busy' ? 'active' : 'wrap-up';
    return Math.min(...[...this.work.values()].filter((work) => work.state === state).map((work) => work.since));
  }
}
