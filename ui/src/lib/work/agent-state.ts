import type { AgentLive } from '#appliance/contract/work.ts';
import type { Tone } from '#lib/controls/Badge.svelte';
import { m } from '#lib/paraglide/messages.js';
import { labels } from './labels.svelte.ts';

export interface AgentState {
  tone: Tone;
  word: string;
  since: string;
  /** For sorting: those a supervisor looks for first. */
  rank: number;
}

/** One word and one colour for what an agent does now. */
export function agentState(agent: AgentLive): AgentState {
  if (agent.activity === 'busy') return { tone: 'busy', word: m.state_busy(), since: agent.activitySince, rank: 1 };
  if (agent.activity === 'offered')
    return { tone: 'accent', word: m.state_offered(), since: agent.activitySince, rank: 0 };
  if (agent.activity === 'wrap-up')
    return { tone: 'wrap', word: m.state_wrap_up(), since: agent.activitySince, rank: 2 };
  switch (agent.presence) {
    case 'ready':
      return { tone: 'ok', word: m.state_ready(), since: agent.since, rank: 3 };
    case 'not-ready':
      return {
        tone: 'warn',
        word: agent.reason ? labels.reason(agent.reason) : m.state_not_ready(),
        since: agent.since,
        rank: 4,
      };
    case 'offline':
      return { tone: 'neutral', word: m.state_offline(), since: agent.since, rank: 5 };
  }
}
