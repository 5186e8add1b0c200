// What every channel must do for the router, and what it tells the router. Voice first; nothing here is voice-only.
import type { Channel } from '#appliance/contract/work.ts';

/** One interaction proposed to one agent. */
export interface Offer {
  id: string;
  interactionId: string;
  agentId: string;
  queueId: string | null;
  channel: Channel;
  offeredAt: Date;
  expiresAt: Date;
}

export type OfferFailure =
  /** The agent refused. */
  | 'declined'
  /** Rang until the offer's end. */
  | 'no-answer'
  /** Nothing to ring: unregistered, busy elsewhere, network. */
  | 'unreachable'
  /** The customer went away meanwhile; the agent is not to blame. */
  | 'withdrawn';

/** A channel's side: the router calls these; answers come back through `OfferOutcome`. */
export interface ChannelPort {
  readonly channel: Channel;
  /** Never leaves the queues without an agent, whatever their rules say; only moves between them. */
  readonly keepsPlace?: boolean;
  /** Start presenting the offer (ring the phones). Must call exactly one of outcome.accepted / outcome.failed. */
  offer(offer: Offer, outcome: OfferOutcome): void;
  /** Stop presenting it: timed out, taken by another agent (ring-all), customer gone. */
  withdraw(offerId: string, why: 'timed-out' | 'taken' | 'gone'): void;
  /** The agent pressed accept on screen. Digital channels accept; voice may refuse with AppError('conflict','answer-on-phone'). */
  accept(offerId: string): Promise<void>;
  /** Left the queue without an agent: max wait, overflow elsewhere, queue closed. */
  expired(interactionId: string, action: QueueExit): void;
}

export interface OfferOutcome {
  /** Commits the assignment with its guard; false when the interaction was gone or assigned meanwhile: drop the agent's leg. */
  accepted(): Promise<boolean>;
  failed(why: OfferFailure): void;
}

export type QueueExit =
  | { to: 'queue'; queueId: string }
  | { to: 'voicemail' }
  | { to: 'callback' }
  | { to: 'number'; number: string }
  | { to: 'flow'; flowId: string }
  | { to: 'hang-up' };
