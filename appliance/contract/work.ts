// Work and people as the API and the live feed show them. Times are ISO 8601 UTC strings, durations seconds as numbers.

export const CHANNELS = [
  'voice',
  'email',
  'chat',
  'sms',
  'fax',
  'tty',
  'webform',
  'mail',
  'social',
  'callback',
] as const;
export type Channel = (typeof CHANNELS)[number];

export type InteractionState = 'flow' | 'waiting' | 'offered' | 'active' | 'wrap-up' | 'ended';
export type Direction = 'in' | 'out' | 'internal';

export type SegmentKind = 'flow' | 'queue' | 'dial' | 'agent' | 'hold' | 'consult' | 'wrap-up' | 'voicemail' | 'parked';
/** Why a segment ended. */
export type SegmentEnd =
  | 'answered'
  | 'abandoned'
  | 'overflow'
  | 'timed-out'
  | 'callback'
  | 'voicemail'
  | 'queued'
  | 'transferred'
  | 'hold'
  | 'resumed'
  | 'completed'
  | 'failed'
  | 'rejected'
  | 'pulled'
  | 'restarted';

export interface SegmentView {
  id: string;
  kind: SegmentKind;
  queueId: string | null;
  queueName: string | null;
  agentId: string | null;
  agentName: string | null;
  flowVersionId: string | null;
  startedAt: string;
  endedAt: string | null;
  durationS: number | null;
  end: SegmentEnd | null;
}

export interface InteractionEventView {
  at: string;
  type: string;
  data: Record<string, unknown>;
}

export interface RecordingView {
  id: string;
  startedAt: string;
  durationS: number | null;
  state: 'recording' | 'processing' | 'ready' | 'failed' | 'deleted';
  silent: boolean | null;
  error: string | null;
}

export interface InteractionView {
  id: string;
  channel: Channel;
  direction: Direction;
  state: InteractionState;
  from: string;
  to: string;
  customer: { id: string; name: string | null; known: boolean } | null;
  queueId: string | null;
  queueName: string | null;
  agentId: string | null;
  agentName: string | null;
  disposition: string | null;
  notes: string | null;
  createdAt: string;
  answeredAt: string | null;
  endedAt: string | null;
  endReason: string | null;
}

export interface InteractionTrace extends InteractionView {
  segments: SegmentView[];
  events: InteractionEventView[];
  offers: OfferView[];
  recordings: RecordingView[];
  quality: { leg: string; party: string; mos: number; lossPct: number; jitterMs: number; rttMs: number }[];
}

export type OfferState = 'pending' | 'accepted' | 'declined' | 'timed-out' | 'withdrawn' | 'failed';

export interface OfferView {
  id: string;
  interactionId: string;
  channel: Channel;
  queueId: string | null;
  queueName: string | null;
  agentId: string;
  agentName: string;
  from: string;
  customer: { id: string; name: string | null; known: boolean } | null;
  waitedS: number;
  offeredAt: string;
  expiresAt: string;
  state: OfferState;
  endedAt: string | null;
}

export type PresenceState = 'ready' | 'not-ready' | 'offline';
/** What the agent does on a channel, besides presence. */
export type AgentActivity = 'idle' | 'offered' | 'busy' | 'wrap-up';

export interface AgentLive {
  id: string;
  name: string;
  extension: string | null;
  teamId: string | null;
  teamName: string | null;
  presence: PresenceState;
  reason: string | null;
  since: string;
  /** Asked for while busy: takes effect when the work is done. */
  pending?: { state: PresenceState; reason: string | null } | null;
  activity: AgentActivity;
  activitySince: string;
  work: {
    interactionId: string;
    channel: Channel;
    queueName: string | null;
    state: InteractionState;
    since: string;
    from: string;
  }[];
  phoneOnline: boolean;
  /** Until when other queues or skills than usual count for this agent. */
  todayUntil?: string | null;
}

export interface QueueLive {
  id: string;
  name: string;
  waiting: number;
  longestWaitS: number;
  /** When the longest waiting one arrived, so that a screen can count on. */
  longestSince: string | null;
  active: number;
  agentsReady: number;
  agentsBusy: number;
  agentsSignedIn: number;
  estimatedWaitS: number | null;
  today: QueueFigures;
}

/** One queue over one period, computed from closed queue segments; `formula` says how. */
export interface QueueFigures {
  offered: number;
  answered: number;
  answeredWithinS: number;
  abandoned: number;
  abandonedWithinS: number;
  shortAbandoned: number;
  flowedOut: number;
  serviceLevel: number | null;
  serviceLevelThresholdS: number;
  /** The queue's goal, 0 to 1. */
  serviceLevelTarget: number;
  serviceLevelFormula: string;
  /** Which of the formulas it is: screens say it in the person's language. */
  serviceLevelKind: ServiceLevelKind;
  averageSpeedOfAnswerS: number | null;
  longestWaitS: number | null;
  averageHandleS: number | null;
  /** What was counted arrived between these moments: a list of its rows asks for the same. */
  from: string;
  to: string;
}

/** `appliance/reporting/service-level.ts` says how each counts. */
export type ServiceLevelKind = 'handled' | 'without-abandons' | 'positive' | 'negative' | 'without-short';
