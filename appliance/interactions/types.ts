import type { Channel, Direction, InteractionState, SegmentEnd, SegmentKind } from '#appliance/contract/work.ts';

/** One contact on one channel in one direction, as stored. */
export interface InteractionRow {
  id: string;
  channel: Channel;
  direction: Direction;
  state: InteractionState;
  from: string;
  to: string;
  customerId: string | null;
  queueId: string | null;
  agentId: string | null;
  did: string | null;
  trunkId: string | null;
  language: string | null;
  disposition: string | null;
  notes: string | null;
  createdAt: Date;
  answeredAt: Date | null;
  endedAt: Date | null;
  endReason: string | null;
}

/** One stretch of an interaction in one place. Open while `endedAt` is null, a fact that never changes afterwards. */
export interface SegmentRow {
  id: string;
  interactionId: string;
  kind: SegmentKind;
  queueId: string | null;
  agentId: string | null;
  flowVersionId: string | null;
  startedAt: Date;
  endedAt: Date | null;
  end: SegmentEnd | null;
}

/** Beside the one place where an interaction is, these may be open too. */
export function besides(kind: SegmentKind): boolean {
  return kind === 'consult' || kind === 'wrap-up';
}

export interface OpenInteraction {
  id?: string;
  channel: Channel;
  direction: Direction;
  from: string;
  to: string;
  customerId?: string | null;
  did?: string | null;
  trunkId?: string | null;
  state?: InteractionState;
  agentId?: string | null;
  queueId?: string | null;
  language?: string | null;
  at?: Date;
}

export interface InteractionPatch {
  state?: InteractionState;
  customerId?: string | null;
  queueId?: string | null;
  agentId?: string | null;
  language?: string | null;
  disposition?: string | null;
  notes?: string | null;
  /** Kept when it was set before. */
  answeredAt?: Date;
}

export interface NewSegment {
  kind: SegmentKind;
  queueId?: string | null;
  agentId?: string | null;
  flowVersionId?: string | null;
  at?: Date;
  /** Why the segment before it ended, when that does not follow from the two kinds. */
  previous?: SegmentEnd;
}
