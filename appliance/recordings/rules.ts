import { createHash } from 'node:crypto';

/** Whom a rule is about: nobody named means every call. */
export interface RecordingRule {
  id: string;
  queueId: string | null;
  trunkId: string | null;
  agentId: string | null;
  mode: 'always' | 'never' | 'percent';
  percent: number;
  announcement: string | null;
  position: number;
  active: boolean;
}

export interface RuleQuestion {
  queueId: string | null;
  trunkId: string | null;
  agentId: string | null;
}

/** An agent's rule goes before a queue's, that before a trunk's, that before one for all calls. */
const WEIGHT = { agentId: 4, queueId: 2, trunkId: 1 } as const;

/** The rule for a call: of those that fit, the one that names most; then the lowest position. Pure. */
export function ruleFor(rules: RecordingRule[], call: RuleQuestion): RecordingRule | undefined {
  return rules
    .filter((rule) => rule.active && fits(rule, call))
    .sort((a, b) => weight(b) - weight(a) || a.position - b.position || (a.id < b.id ? -1 : 1))[0];
}

/** Of a percentage always the same calls: what was decided for an interaction holds over transfers and restarts. */
export function isRecorded(rule: RecordingRule, interactionId: string): boolean {
  switch (rule.mode) {
    case 'always':
      return true;
    case 'never':
      return false;
    case 'percent': {
      const share = createHash('sha256').update(interactionId).digest().readUInt32BE(0) / 2 ** 32;
      return share < rule.percent / 100;
    }
  }
}

function fits(rule: RecordingRule, call: RuleQuestion): boolean {
  return (['queueId', 'trunkId', 'agentId'] as const).every((key) => rule[key] === null || rule[key] === call[key]);
}

function weight(rule: RecordingRule): number {
  return (
    (rule.agentId ? WEIGHT.agentId : 0) + (rule.queueId ? WEIGHT.queueId : 0) + (rule.trunkId ? WEIGHT.trunkId : 0)
  );
}
