import type { Leg, Party } from '#appliance/telephony/calls/index.ts';

/** A wait in a queue that is not a customer's: somebody of ours asks for one of its agents. */
export interface Errand {
  from: Party;
  /** Who asks: shares the media; without them nobody is asked any more. */
  near: Leg;
  /** An agent of the queue is here. */
  found(agentId: string, leg: Leg): Promise<void>;
  /** The queue has let it go without an agent. */
  left(): void;
}

/** By the interaction that waits. */
export type Errands = Map<string, Errand>;
