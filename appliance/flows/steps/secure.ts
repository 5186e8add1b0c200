import type { FlowStepOf, Scalar } from '#appliance/contract/flow.ts';
import type { StepContext, StepResult } from '../run-state.ts';

/** Digits that nobody but one http step may ever see: no event, no variable, no log. */
export async function secure(step: FlowStepOf<'secure'>, context: StepContext): Promise<StepResult> {
  const { host, secrets } = context;
  await host.secure(true);
  host.clearDigits();
  for (let attempt = 0; attempt <= step.retries; attempt++) {
    const items = await context.say(attempt > 0 && step.sorry ? [...step.sorry, ...step.say] : step.say);
    await host.play(items, { interruptedBy: '0123456789*#' });
    const { digits } = await host.gather({
      max: step.max,
      terminator: step.terminator,
      firstTimeoutMs: step.timeoutS * 1000,
      betweenTimeoutMs: step.betweenS * 1000,
    });
    if (/^[0-9]+$/.test(digits) && digits.length >= step.min && (!step.checkDigit || luhn(digits))) {
      secrets.set(step.variable, digits);
      return { edge: 'next', to: step.next, note: { digits: '****' } };
    }
    host.clearDigits();
  }
  secrets.clear();
  return { edge: 'failed', to: step.failed };
}

/** ISO/IEC 7812-1 Annex B. */
export function luhn(digits: string): boolean {
  let sum = 0;
  for (let index = 0; index < digits.length; index++) {
    const value = Number(digits[digits.length - 1 - index]);
    const doubled = index % 2 ? value * 2 : value;
    sum += doubled > 9 ? doubled - 9 : doubled;
  }
  return sum % 10 === 0;
}

const LONG_ENOUGH_TO_FIND = 6;

/** What a called service sends back may repeat the digits: such values become '****' before they are kept. */
export function withoutSecrets(value: Scalar, secrets: ReadonlyMap<string, string>): Scalar {
  const digits = String(value ?? '').replace(/[^0-9]/g, '');
  for (const secret of secrets.values()) {
    if (digits === secret || (secret.length >= LONG_ENOUGH_TO_FIND && digits.includes(secret))) return '****';
  }
  return value;
}
