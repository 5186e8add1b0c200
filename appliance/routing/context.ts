import type { Agents } from '#appliance/agents/index.ts';
import type { CallView } from '#appliance/contract/live.ts';
import type { Channel, SegmentEnd } from '#appliance/contract/work.ts';
import type { InteractionPatch, InteractionRow, NewSegment, SegmentRow } from '#appliance/interactions/index.ts';
import type { Clock } from '#appliance/kernel/clock.ts';
import type { Emitter } from '#appliance/kernel/emitter.ts';
import { AppError } from '#appliance/kernel/errors.ts';
import type { Bus } from '#appliance/platform/bus/index.ts';
import type { Log } from '#appliance/platform/log/index.ts';
import type { Announcer } from './announcer.ts';
import type { ChannelPort, Offer } from './channel-port.ts';
import type { Floor } from './floor.ts';
import type { Entry } from './line.ts';
import type { EntryRow, RoutingStore } from './store.ts';

/** The spine as routing uses it. */
export interface Spine {
  get(id: string): Readonly<InteractionRow> | undefined;
  openSegments(id: string): Readonly<SegmentRow>[];
  update(id: string, patch: InteractionPatch): Promise<void>;
  startSegment(interactionId: string, segment: NewSegment): { id: string; committed: Promise<void> };
  endSegment(segmentId: string, end: SegmentEnd, at?: Date): Promise<void>;
  event(interactionId: string, type: string, data?: Record<string, unknown>, at?: Date): Promise<void>;
  end(id: string, input: { reason: string; at?: Date }): Promise<void>;
  finishWrapUp(
    id: string,
    input: { agentId: string; disposition: string | null; notes: string | null; at?: Date },
  ): Promise<void>;
  live(): Promise<(InteractionRow & { segments: SegmentRow[] })[]>;
  on(name: 'ended', listener: (event: { interactionId: string; reason: string }) => void): () => void;
}

/** What higher rooms know and routing asks; every one may be left out. */
export interface RouterHooks {
  /** Business hours; open when nobody says otherwise. */
  isOpen(hoursId: string | null, queueId: string, at: Date): boolean;
  callView(interactionId: string, agentId: string): CallView | null;
  phoneOnline(agentId: string): boolean;
  /** At start: what became of an offer that was under way. `accepted` when the agent is connected already. */
  recoverOffer(offer: Offer): 'accepted' | 'gone';
}

export type RouterEvents = {
  /** An overflow or a person moved it to another queue; it keeps its waiting time. */
  moved: { interactionId: string; fromQueueId: string; queueId: string };
  /** A commit said that somebody else has it: stop what was begun for it. */
  refused: { interactionId: string; agentId: string };
  /** The agent's work on it is over, wrap-up included. */
  released: { interactionId: string; agentId: string };
  leading: { leading: boolean };
};

/** What the parts of the router share. */
export interface Context {
  floor: Floor;
  store: RoutingStore;
  interactions: Spine;
  agents: Agents;
  clock: Clock;
  log: Log;
  bus: Bus;
  events: Emitter<RouterEvents>;
  announcer: Announcer;
  hooks: RouterHooks;
  ports: Map<Channel, ChannelPort>;
  /** The stored row of each entry. */
  rows: WeakMap<Entry, EntryRow>;
  leading(): boolean;
  /**
   * Waits for a commit, but not for ever: while PostgreSQL is away nothing may keep a customer from an agent. `late` means
   * the write is still to come. Rejects when PostgreSQL refused it.
   */
  settled(write: Promise<unknown>): Promise<'committed' | 'late'>;
}

export function nowMs(context: { clock: Clock }): number {
  return context.clock.now().getTime();
}

export function isOpen({ floor, hooks, clock }: Context, queueId: string): boolean {
  const queue = floor.queues.get(queueId);
  return queue ? hooks.isOpen(queue.config.hoursId, queueId, clock.now()) : false;
}

export function mustLead(context: Context): void {
  if (!context.leading())
    throw new AppError('unavailable', 'not-leading', 'This process does not route at the moment.');
}
