import { m } from '#lib/paraglide/messages.js';

export type Exit =
  | { to: 'queue'; queueId: string }
  | { to: 'voicemail' }
  | { to: 'callback' }
  | { to: 'number'; number: string }
  | { to: 'flow'; flowId: string }
  | { to: 'hang-up' };
export type When = 'waited' | 'no-agents' | 'full' | 'max-wait' | 'closed';
export interface OverflowRule {
  when: When;
  afterS?: number;
  exit: Exit;
}
export interface Announcements {
  music?: string | null;
  welcome?: string | null;
  firstAfterS?: number;
  everyS?: number;
  position?: boolean;
  estimatedWait?: boolean;
  escape?: { digit: string; exit: Exit }[];
}
export interface Queue {
  name: string;
  description: string;
  active: boolean;
  strategy: string;
  priority: number;
  ageingS: number | null;
  answerWithinS: number;
  shortAbandonS: number;
  serviceLevelTarget: number;
  serviceLevelFormula: string;
  offerTimeoutS: number;
  ronaLimit: number;
  lastAgentWaitS: number;
  maxWaiting: number | null;
  maxWaitS: number | null;
  overflow: OverflowRule[];
  hoursId: string | null;
  wrapUp: string;
  wrapUpS: number;
  wrapUpExtensionS: number;
  afterWrapUp: string;
  dispositionRequired: boolean;
  announcements: Announcements;
  recordingRuleId: string | null;
  script: string;
  skills: { skillId: string; minLevel: number }[];
  relaxations: { skillId: string; afterS: number; minLevel: number | null }[];
}

/** The box's own presets, so that a new queue shows what it will be. */
export const freshQueue = (): Queue => ({
  name: '',
  description: '',
  active: true,
  strategy: 'longest-idle',
  priority: 5,
  ageingS: 60,
  answerWithinS: 20,
  shortAbandonS: 5,
  serviceLevelTarget: 0.8,
  serviceLevelFormula: 'without-abandons',
  offerTimeoutS: 20,
  ronaLimit: 1,
  lastAgentWaitS: 0,
  maxWaiting: null,
  maxWaitS: null,
  overflow: [],
  hoursId: null,
  wrapUp: 'timed',
  wrapUpS: 30,
  wrapUpExtensionS: 120,
  afterWrapUp: 'ready',
  dispositionRequired: false,
  announcements: {},
  recordingRuleId: null,
  script: '',
  skills: [],
  relaxations: [],
});

/** Its fields in the order of the page, as two people see them who changed them at once. */
export const QUEUE_LABELS: Record<keyof Queue, () => string> = {
  name: m.name,
  description: m.description,
  active: m.active,
  hoursId: m.nav_hours,
  strategy: m.strategy,
  priority: m.priority,
  offerTimeoutS: m.offer_time,
  ronaLimit: m.admin_rona_limit,
  ageingS: m.admin_ageing,
  lastAgentWaitS: m.admin_last_agent,
  skills: m.nav_skills,
  relaxations: m.admin_after,
  serviceLevelTarget: m.service_level_goal,
  answerWithinS: m.answer_within,
  serviceLevelFormula: m.admin_formula,
  shortAbandonS: m.admin_short_abandon,
  wrapUp: m.state_wrap_up,
  wrapUpS: m.wrap_up_time,
  wrapUpExtensionS: m.admin_extension,
  afterWrapUp: m.admin_after_wrap_up,
  dispositionRequired: m.disposition_required,
  script: m.admin_script,
  maxWaiting: m.max_waiting,
  maxWaitS: m.max_wait,
  overflow: m.admin_overflow,
  announcements: m.admin_f_announce,
  recordingRuleId: m.recording_rule,
};
