import type { AgentRow } from '#appliance/agents/index.ts';
import type { Channel } from '#appliance/contract/work.ts';
import { Desk } from './desk.ts';
import { HandleTime } from './estimate.ts';
import { ahead, type Entry, Line, rankOf } from './line.ts';
import { Needs } from './needs.ts';
import type { QueueFacts } from './overflow.ts';
import { agentsToOffer, nextEntry } from './selection.ts';
import type { QueueConfig } from './types.ts';

/** A queue in memory. */
export interface QueueState {
  config: QueueConfig;
  line: Line;
  /** Everybody in it: those in the line and those being offered. */
  entries: Set<Entry>;
  members: Map<string, Desk>;
  /** Members who could be offered something. */
  free: Set<Desk>;
  handle: HandleTime;
}

/** At most so many phones ring for one interaction with ring-all. */
export const RING_ALL_MOST = 50;

/** The whole floor in memory: queues, those who wait, those who work. Decides; does nothing else. */
export class Floor {
  readonly queues = new Map<string, QueueState>();
  readonly desks = new Map<string, Desk>();
  /** By interaction. */
  readonly entries = new Map<string, Entry>();
  readonly #needs = new Needs();
  readonly #channels = new Set<Channel>();
  #offers = 0;

  clear(): void {
    this.queues.clear();
    this.desks.clear();
    this.entries.clear();
    this.#channels.clear();
  }

  /** From now on interactions of this channel can be offered; those who wait already take their places. */
  openChannel(channel: Channel): Entry[] {
    this.#channels.add(channel);
    const arrived: Entry[] = [];
    for (const entry of this.entries.values()) {
      if (entry.channel !== channel || entry.state !== 'waiting') continue;
      const { line } = this.queue(entry.queueId);
      line.remove(entry);
      line.add(entry);
      arrived.push(entry);
    }
    return arrived.sort((a, b) => (ahead(a, b) ? -1 : 1));
  }

  /** Takes over configuration; those who wait and those who work stay where they are. Returns queues that went away with somebody in them. */
  configure(configs: QueueConfig[], agents: AgentRow[], now: number): QueueState[] {
    for (const row of agents) {
      const desk = this.desks.get(row.id);
      if (desk) {
        desk.row = row;
        desk.answers.clear();
      } else this.desks.set(row.id, new Desk(row, now));
    }
    const present = new Set(agents.map(({ id }) => id));
    for (const desk of this.desks.values()) {
      if (!present.has(desk.id) && !desk.busy && !desk.offer) this.desks.delete(desk.id);
    }
    const left: QueueState[] = [];
    const ids = new Set(configs.map((config) => config.id));
    for (const [id, queue] of this.queues) {
      if (ids.has(id)) continue;
      this.queues.delete(id);
      if (queue.entries.size > 0) left.push(queue);
    }
    for (const desk of this.desks.values()) desk.queues = [];
    for (const config of configs) {
      let queue = this.queues.get(config.id);
      if (!queue) {
        queue = {
          config,
          line: new Line(),
          entries: new Set(),
          members: new Map(),
          free: new Set(),
          handle: new HandleTime(),
        };
        this.queues.set(config.id, queue);
      }
      queue.config = config;
      queue.members = new Map();
      queue.free = new Set();
      for (const { agentId, position } of config.members) {
        const desk = this.desks.get(agentId);
        if (!desk) continue;
        queue.members.set(agentId, desk);
        desk.queues.push({ position, queueId: config.id, line: queue.line });
      }
      const waiting = [...queue.line];
      for (const entry of waiting) queue.line.remove(entry);
      for (const entry of waiting) {
        this.arrange(entry, now);
        queue.line.add(entry);
      }
    }
    for (const desk of this.desks.values()) {
      desk.queues.sort((a, b) => a.position - b.position || (a.queueId < b.queueId ? -1 : 1));
      this.refresh(desk);
    }
    return left;
  }

  queue(id: string): QueueState {
    const queue = this.queues.get(id);
    if (!queue) throw new Error(`Queue ${id} is not on the floor`);
    return queue;
  }

  facts(queue: QueueState, open: boolean, besides?: Entry): QueueFacts {
    let signedIn = 0;
    for (const desk of queue.members.values()) if (desk.signedIn && desk.row.active) signedIn++;
    return { waiting: queue.entries.size - (besides && queue.entries.has(besides) ? 1 : 0), signedIn, open };
  }

  /** Rank and need as of now. Only for entries that are not in the line. */
  arrange(entry: Entry, now: number): void {
    const { config } = this.queue(entry.queueId);
    entry.rank = rankOf(entry.enqueuedAt, entry.priority, config.ageingS);
    entry.need = this.#needs.of(config.skills, config.relaxations, entry.skills, (now - entry.enteredAt) / 1000);
    if (entry.reservedFor !== null && (entry.reservedUntil <= now || !this.#awaited(entry.reservedFor)))
      entry.reservedFor = null;
    if (entry.avoid) {
      for (const [agentId, until] of entry.avoid) if (until <= now) entry.avoid.delete(agentId);
      if (entry.avoid.size === 0) entry.avoid = undefined;
    }
  }

  /** Into its queue, at its place. */
  join(entry: Entry, now: number): void {
    const queue = this.queue(entry.queueId);
    if (
      entry.preferredAgentId !== null &&
      queue.config.lastAgentWaitS > 0 &&
      queue.members.has(entry.preferredAgentId)
    ) {
      entry.reservedFor = entry.preferredAgentId;
      entry.reservedUntil = entry.enteredAt + queue.config.lastAgentWaitS * 1000;
    }
    this.entries.set(entry.interactionId, entry);
    queue.entries.add(entry);
    this.wait(entry, now);
  }

  /** Back into the line, at its place. */
  wait(entry: Entry, now: number): void {
    entry.state = 'waiting';
    this.arrange(entry, now);
    if (this.#channels.has(entry.channel)) this.queue(entry.queueId).line.add(entry);
  }

  /** Out of the line while it is offered; it still counts in its queue. */
  hold(entry: Entry): void {
    this.queues.get(entry.queueId)?.line.remove(entry);
    entry.state = 'offered';
  }

  /** What waiting changed: skills relaxed, reservation over. */
  rearrange(entry: Entry, now: number): void {
    if (entry.state !== 'waiting') return;
    const { line } = this.queue(entry.queueId);
    const inLine = line.remove(entry);
    this.arrange(entry, now);
    if (inLine) line.add(entry);
  }

  leave(entry: Entry): void {
    const queue = this.queues.get(entry.queueId);
    queue?.line.remove(entry);
    queue?.entries.delete(entry);
    entry.state = 'left';
    if (this.entries.get(entry.interactionId) === entry) this.entries.delete(entry.interactionId);
  }

  /** Who is to be offered this entry now: nobody, one, or several with ring-all. */
  agentsFor(entry: Entry, now: number): Desk[] {
    const queue = this.queue(entry.queueId);
    if (entry.preferredAgentId !== null) {
      const preferred = queue.members.get(entry.preferredAgentId);
      if (preferred && queue.free.has(preferred)) {
        const chosen = agentsToOffer('longest-idle', entry, [preferred], now, 1);
        if (chosen.length > 0) return chosen;
      }
    }
    return agentsToOffer(queue.config.strategy, entry, queue.free, now, RING_ALL_MOST);
  }

  /** What a free agent gets now. */
  entryFor(desk: Desk, now: number): Entry | undefined {
    return nextEntry(desk, desk.queues, now);
  }

  /** After anything about an agent changed: may he be offered something at all? */
  refresh(desk: Desk): void {
    desk.open = desk.row.active && desk.presence.state === 'ready' && !desk.presence.pending && !desk.offer;
    for (const { queueId } of desk.queues) {
      const queue = this.queues.get(queueId);
      if (desk.open) queue?.free.add(desk);
      else queue?.free.delete(desk);
    }
  }

  /** Numbers an offer, so that who was asked longest ago is known. */
  asked(desk: Desk): void {
    desk.lastOffered = ++this.#offers;
  }

  /** 1 is next. */
  place(entry: Entry): number {
    const queue = this.queue(entry.queueId);
    let before = 0;
    for (const other of queue.entries)
      if (other !== entry && other.state !== 'waiting' && ahead(other, entry)) before++;
    return queue.line.countAhead(entry) + before + 1;
  }

  serving(queue: QueueState): number {
    let count = 0;
    for (const desk of queue.members.values()) if (desk.serving) count++;
    return count;
  }

  /** A preferred agent is worth waiting for while signed in. */
  #awaited(agentId: string): boolean {
    return this.desks.get(agentId)?.signedIn ?? false;
  }
}
