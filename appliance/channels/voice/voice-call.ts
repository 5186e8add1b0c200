import type { SecureEntryView } from '#appliance/contract/calls.ts';
import type { CallView } from '#appliance/contract/live.ts';
import type { Direction } from '#appliance/contract/work.ts';
import type { Clock } from '#appliance/kernel/clock.ts';
import { Emitter } from '#appliance/kernel/emitter.ts';
import type { EndCause, Leg } from '#appliance/telephony/calls/api.ts';
import { DigitBuffer } from './digits.ts';
import type { RecordingState } from './ports.ts';

/** What a mix takes: customer, agent and six more. */
export const MOST_PARTIES = 8;

/** Where the customer is now. */
export type Stage =
  | 'flow'
  | 'waiting'
  | 'dialing'
  | 'talking'
  | 'held'
  | 'consulting'
  | 'conference'
  | 'voicemail'
  | 'parked'
  /** The customer enters digits that nobody but a flow gets; the agent waits. */
  | 'secure'
  | 'ended';

/** What somebody besides the customer is to the call. */
export type Party = 'agent' | 'third' | 'outside' | 'monitor';

/** Somebody besides the customer and the agent: consulted, or in the conference. */
export interface Guest {
  id: string;
  label: string;
  agentId: string | undefined;
  leg: Leg;
  /** The interaction of the wait in a queue that brought them. */
  errand?: string | undefined;
}

/** Where and by whom a customer was parked. */
export interface Parked {
  slot: string;
  by: string;
  since: Date;
  backAt: Date;
}

export interface CallFacts {
  interactionId: string;
  direction: Direction;
  /** The customer's number. */
  from: string;
  to: string;
  customer: { id: string; name: string | null; known: boolean } | null;
  trunkId: string | null;
  language: string;
}

type Events = {
  /** The customer's leg is gone; the call is over for them. */
  'customer-left': { cause: EndCause; at: Date };
  'agent-left': { cause: EndCause; at: Date; agentId: string };
  'agent-joined': { agentId: string; leg: Leg };
  /** Somebody besides the customer is on the call now. */
  joined: { leg: Leg; party: Party };
  changed: Record<string, never>;
};

/** One interaction on channel voice: the customer's leg, and whoever talks with them. Only state and its changes; what to do about them is in the files beside. */
export class VoiceCall {
  readonly facts: CallFacts;
  readonly customer: Leg;
  readonly digits: DigitBuffer;
  readonly events = new Emitter<Events>();
  readonly #known = new WeakSet<Leg>();
  #stage: Stage;
  #since: Date;
  readonly #clock: Clock;
  queueId: string | null = null;
  agent: { id: string; leg: Leg } | undefined;
  /** Somebody outside the house the customer was transferred to. */
  outside: Leg | undefined;
  /** Who is consulted. */
  third: Guest | undefined;
  /** Who else is in the conference, in the order they came. */
  readonly guests: Guest[] = [];
  /** Who is being rung for a consultation, or the queue that is asked, until somebody answers. */
  asking: { label: string; agentId: string | undefined; queue: boolean } | undefined;
  parked: Parked | undefined;
  /** Whose mailbox the caller is in. */
  mailboxOf: string | undefined;
  secureEntry: SecureEntryView | undefined;
  lastSecureEntry: { name: string; end: 'done' | 'failed' | 'cancelled' } | undefined;
  /** Supervisors listening in, by user id. */
  readonly monitors = new Map<string, { leg: Leg; mode: 'listen' | 'whisper' | 'barge' }>();
  /** Agents at the customer's end: the caller of an internal call. */
  readonly alsoEngaged: string[] = [];
  muted = false;
  /** The agent's browser has lost the call; `held`: the customer was put on hold for that. */
  away: { since: Date; held: boolean } | undefined;
  recording: RecordingState = 'off';

  constructor(facts: CallFacts, customer: Leg, clock: Clock, stage: Stage) {
    this.facts = facts;
    this.customer = customer;
    this.#clock = clock;
    this.#stage = stage;
    this.#since = clock.now();
    this.digits = new DigitBuffer(clock);
    customer.on('digit', ({ digit }) => this.digits.push(digit));
    customer.on('ended', ({ cause, at }) => {
      this.digits.cancel();
      this.events.emit('customer-left', { cause, at });
    });
  }

  /** The customer as the phones of our people show them. */
  get party(): { number: string; name?: string } {
    const { direction, from, to, customer } = this.facts;
    return { number: direction === 'in' ? from : to, ...(customer?.name ? { name: customer.name } : {}) };
  }

  /**
   * Before an agent's time is spent on the customer: whether they are there. Who never takes note of our answer is not
   * (RFC 3261 §13.3.1.4: the ACK); who is not answered yet is.
   */
  async confirmed(): Promise<boolean> {
    await this.customer.confirmed();
    return this.#stage !== 'ended' && this.customer.state !== 'ended';
  }

  /** Written with the customer's leg: all a later process needs to go on. */
  save(): void {
    if (this.customer.state === 'ended') return;
    const { facts, queueId, alsoEngaged } = this;
    this.customer.saveTag({
      interactionId: facts.interactionId,
      role: 'customer',
      stage: this.#stage,
      facts,
      queueId,
      agentId: this.agent?.id ?? null,
      alsoEngaged,
      away: this.away ? { held: this.away.held } : null,
      mailboxOf: this.mailboxOf ?? null,
      parked: this.parked
        ? {
            slot: this.parked.slot,
            by: this.parked.by,
            since: this.parked.since.toISOString(),
            backAt: this.parked.backAt.toISOString(),
          }
        : null,
    });
  }

  get id(): string {
    return this.facts.interactionId;
  }

  get stage(): Stage {
    return this.#stage;
  }

  /** Persisted with the customer's leg, so that a new process knows what the call was doing. */
  enter(stage: Stage): void {
    if (this.#stage === 'ended') return;
    this.#stage = stage;
    this.#since = this.#clock.now();
    this.save();
    this.changed();
  }

  changed(): void {
    this.events.emit('changed', {});
  }

  setAgent(id: string, leg: Leg): void {
    this.agent = { id, leg };
    leg.on('ended', ({ cause, at }) => {
      if (this.agent?.leg === leg) this.events.emit('agent-left', { cause, at, agentId: id });
    });
    this.events.emit('agent-joined', { agentId: id, leg });
    this.joined(leg, 'agent');
  }

  /** A leg is told of once, whatever it becomes later: the one asked during a consultation may be the agent afterwards. */
  joined(leg: Leg, party: Party): void {
    if (this.#known.has(leg)) return;
    this.#known.add(leg);
    this.events.emit('joined', { leg, party });
  }

  /** Everybody the agent's screen shows as agents of this call. */
  get agentIds(): string[] {
    const ids = [this.agent?.id, this.third?.agentId, ...this.guests.map(({ agentId }) => agentId)];
    return [...new Set(ids.filter((id) => id !== undefined))];
  }

  /** What the agent's phone bar shows; null while no agent is on the call. */
  view(agentId: string): CallView | null {
    const stage = this.#stage;
    if (!this.agentIds.includes(agentId)) return null;
    const third = this.third ?? this.guests.at(-1);
    const state =
      stage === 'held' || stage === 'consulting' || stage === 'conference' || stage === 'secure'
        ? stage
        : stage === 'talking'
          ? 'talking'
          : 'ringing';
    return {
      id: this.id,
      state,
      muted: this.muted,
      recording: this.recording,
      peer: this.party.number,
      since: this.#since.toISOString(),
      browser: this.agent?.id === agentId && this.agent.leg.browser,
      lost: this.agent?.id === agentId && this.away !== undefined,
      third: third
        ? { label: third.label, ringing: false }
        : this.asking === undefined
          ? null
          : { label: this.asking.label, ringing: true },
      parties: this.#parties(agentId),
      secureEntry: this.secureEntry ?? null,
      lastSecureEntry: this.lastSecureEntry ?? null,
    };
  }

  #parties(me: string): NonNullable<CallView['parties']> {
    const here = this.third ? [...this.guests, this.third] : this.guests;
    const parties: NonNullable<CallView['parties']> = here
      .filter(({ agentId }) => agentId !== me)
      .map(({ id, label, agentId }) => ({ id, label, agentId: agentId ?? null, state: 'talking' as const }));
    if (this.asking) {
      const { label, agentId, queue } = this.asking;
      parties.push({ id: 'asked', label, agentId: agentId ?? null, state: queue ? 'waiting' : 'ringing' });
    }
    return parties;
  }
}
