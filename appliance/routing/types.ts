import type { Channel } from '#appliance/contract/work.ts';
import type { QueueExit } from './channel-port.ts';

export const STRATEGIES = ['longest-idle', 'fewest-handled', 'round-robin', 'most-skilled', 'ring-all'] as const;
export type Strategy = (typeof STRATEGIES)[number];

export interface Requirement {
  skillId: string;
  minLevel: number;
}

/** After so long in the queue the skill's minimum becomes `minLevel`; null drops the skill. */
export interface Relaxation {
  skillId: string;
  afterS: number;
  minLevel: number | null;
}

/** When an interaction leaves the queue without an agent. */
export interface OverflowRule {
  when: 'waited' | 'no-agents' | 'full' | 'max-wait' | 'closed';
  /** For `waited` and `no-agents`: so long after entering the queue. */
  afterS?: number | undefined;
  exit: QueueExit;
}

export interface Announcements {
  /** Prompt id of the music; null or absent: the default. */
  music?: string | null | undefined;
  /** Prompt id said on entering. */
  welcome?: string | null | undefined;
  firstAfterS?: number | undefined;
  everyS?: number | undefined;
  position?: boolean | undefined;
  estimatedWait?: boolean | undefined;
  /** While waiting, a digit leads out of the queue. */
  escape?: { digit: string; exit: QueueExit }[] | undefined;
}

export interface QueueConfig {
  id: string;
  name: string;
  active: boolean;
  strategy: Strategy;
  priority: number;
  ageingS: number | null;
  answerWithinS: number;
  offerTimeoutS: number;
  ronaLimit: number;
  lastAgentWaitS: number;
  maxWaiting: number | null;
  maxWaitS: number | null;
  overflow: OverflowRule[];
  hoursId: string | null;
  wrapUp: 'none' | 'timed' | 'until-done';
  wrapUpS: number;
  wrapUpExtensionS: number;
  afterWrapUp: 'ready' | 'not-ready';
  dispositionRequired: boolean;
  announcements: Announcements;
  recordingRuleId: string | null;
  /** Name of the ring that phones use for this queue; null: the one of all queues. */
  distinctiveRing: string | null;
  /** How often a promised call-back is tried, and how long after one that was not answered. */
  callbackAttempts: number;
  callbackIntervalS: number;
  skills: Requirement[];
  relaxations: Relaxation[];
  members: { agentId: string; position: number }[];
}

export interface CustomerRef {
  id: string;
  name: string | null;
  known: boolean;
}

/** What a channel hands in. */
export interface EnqueueInput {
  interactionId: string;
  queueId: string;
  channel: Channel;
  /** The queue's priority when absent; 0 to 10. */
  priority?: number;
  /** On top of the queue's. */
  skills?: Requirement[];
  preferredAgentId?: string | null;
  /** Has just handed it on: not asked at once, as somebody who refused it. */
  avoidAgentId?: string;
  from: string;
  customer?: CustomerRef | null;
  /** Keeps an earlier place, for example of a transferred or called-back customer. */
  enqueuedAt?: Date;
  /** Keeps its place, but is offered to nobody before. */
  notBefore?: Date;
}
