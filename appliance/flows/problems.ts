import type { FlowProblem } from '#appliance/contract/flow.ts';

export function error(step: string | undefined, code: string, message: string): FlowProblem {
  return { severity: 'error', ...(step !== undefined && { step }), code, message };
}

export function warning(step: string | undefined, code: string, message: string): FlowProblem {
  return { ...error(step, code, message), severity: 'warning' };
}
