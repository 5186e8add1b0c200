// WSS /api/v1/live: the browser subscribes to topics, gets a snapshot with a sequence number, then changes.
import type { CallToTake, SecureEntryView } from './calls.ts';
import type { AgentLive, InteractionTrace, OfferView, PresenceState, QueueLive } from './work.ts';

/** `me`, `queues`, `agents`, `alarms`, `messages`, `calls`, `voicemails`, or `interactions/{id}`. */
export type LiveTopic =
  | 'me'
  | 'queues'
  | 'agents'
  | 'alarms'
  | 'messages'
  | 'calls'
  | 'voicemails'
  | `interactions/${string}`;

export interface CallView {
  /** The interaction's id: a call is its interaction on channel voice. */
  id: string;
  state: 'ringing' | 'talking' | 'held' | 'consulting' | 'conference' | 'secure';
  muted: boolean;
  recording: 'off' | 'on' | 'paused';
  peer: string;
  since: string;
  /** I talk from a browser. */
  browser: boolean;
  /** No audio comes from me any more: the customer hears music until I am back. */
  lost: boolean;
  /** Whom I consult, or who is in the conference besides the customer and me; `ringing` until they answer. */
  third?: { label: string; ringing: boolean } | null;
  /** Everybody besides the customer and me, in the order they came; `waiting`: a queue that I consult has nobody free yet. */
  parties?: { id: string; label: string; agentId: string | null; state: 'ringing' | 'waiting' | 'talking' }[];
  /** The customer enters digits that nobody but the flow gets. */
  secureEntry?: SecureEntryView | null;
  lastSecureEntry?: { name: string; end: 'done' | 'failed' | 'cancelled' } | null;
}

export interface MeLive {
  presence: PresenceState;
  reason: string | null;
  since: string;
  /** Asked for while busy: takes effect when the work is done. */
  pending?: { state: PresenceState; reason: string | null } | null;
  offers: OfferView[];
  work: (MeWork & { call: CallView | null })[];
}

export interface MeWork {
  interactionId: string;
  channel: string;
  state: 'active' | 'wrap-up';
  queueId: string | null;
  queueName: string | null;
  from: string;
  direction: 'in' | 'out' | 'internal';
  customer: { id: string; name: string | null; known: boolean } | null;
  since: string;
  /** Wrap-up ends by itself then, unless extended; null when it waits for the agent. */
  wrapUpEndsAt: string | null;
  dispositions: { code: string; label: string }[];
}

export interface Alarm {
  id: string;
  kind: string;
  severity: 'info' | 'warning' | 'critical';
  text: string;
  since: string;
  acknowledgedBy: string | null;
  /** What it is about, when that is somebody or some interaction. */
  about?: { agentId?: string; interactionId?: string };
}

/** A note on somebody's desk, until it is read. */
export interface DeskMessage {
  id: string;
  fromId: string;
  fromName: string;
  text: string;
  sentAt: string;
}

export interface LiveSnapshots {
  me: MeLive;
  queues: QueueLive[];
  agents: AgentLive[];
  alarms: Alarm[];
  messages: DeskMessage[];
  calls: CallToTake[];
  voicemails: { fresh: number; heard: number };
  interaction: InteractionTrace;
}

export type ClientMessage = { subscribe: LiveTopic } | { unsubscribe: LiveTopic } | { ping: number };

/** Changes are whole items: `set` replaces by id, `remove` drops by id; for single-object topics `state` replaces the whole. A gap in `seq` of a topic: subscribe again. */
export type ServerMessage =
  | { topic: LiveTopic; seq: number; snapshot: unknown }
  | { topic: LiveTopic; seq: number; set?: { id: string }[]; remove?: string[]; state?: unknown }
  | { pong: number; at: string }
  | { error: { code: string; message: string }; topic?: LiveTopic };
