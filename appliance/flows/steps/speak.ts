import type { FlowStepOf } from '#appliance/contract/flow.ts';
import { digitPattern } from '../conditions.ts';
import type { PlayItem } from '../host.ts';
import type { StepContext, StepResult } from '../run-state.ts';

const ANY_DIGIT = '0123456789*#';

export async function answer(step: FlowStepOf<'answer'>, { host, state }: StepContext): Promise<StepResult> {
  await host.answer();
  state.answered = true;
  return { edge: 'next', to: step.next };
}

export async function play(step: FlowStepOf<'play'>, context: StepContext): Promise<StepResult> {
  await hear(await context.say(step.say), step.interruptible, context);
  return { edge: 'next', to: step.next };
}

export async function say(step: FlowStepOf<'say'>, context: StepContext): Promise<StepResult> {
  await hear(await context.say([{ text: step.text }]), step.interruptible, context);
  return { edge: 'next', to: step.next };
}

export async function menu(step: FlowStepOf<'menu'>, context: StepContext): Promise<StepResult> {
  let last: 'timeout' | 'invalid' = 'timeout';
  for (let attempt = 0; attempt <= step.retries; attempt++) {
    if (attempt > 0 && last === 'invalid' && step.sorry) await hear(await context.say(step.sorry), true, context);
    await hear(await context.say(step.say), true, context);
    const { digits } = await context.host.gather({
      max: 1,
      terminator: null,
      firstTimeoutMs: step.timeoutS * 1000,
      betweenTimeoutMs: 0,
    });
    const to = digits && Object.hasOwn(step.choices, digits) ? step.choices[digits] : undefined;
    if (to) return { edge: `choices.${digits}`, to, note: { digits, attempt } };
    last = digits ? 'invalid' : 'timeout';
    if (digits) context.host.clearDigits();
  }
  return missed(last, step);
}

export async function gather(step: FlowStepOf<'gather'>, context: StepContext): Promise<StepResult> {
  const pattern = step.matches === undefined ? undefined : digitPattern(step.matches);
  let last: 'timeout' | 'invalid' = 'timeout';
  for (let attempt = 0; attempt <= step.retries; attempt++) {
    if (attempt > 0 && last === 'invalid' && step.sorry) await hear(await context.say(step.sorry), true, context);
    if (step.say) await hear(await context.say(step.say), true, context);
    const { digits } = await context.host.gather({
      max: step.max,
      terminator: step.terminator,
      firstTimeoutMs: step.timeoutS * 1000,
      betweenTimeoutMs: step.betweenS * 1000,
    });
    const fits = digits.length >= step.min && (!pattern || pattern.test(digits));
    if (fits) {
      context.state.variables[step.variable] = digits;
      return { edge: 'next', to: step.next, note: { digits, attempt } };
    }
    last = digits ? 'invalid' : 'timeout';
    context.host.clearDigits();
  }
  return missed(last, step);
}

/** Plays to the end, or to the first digit, which stays for the next gather. */
export async function hear(items: PlayItem[], interruptible: boolean, { host }: StepContext): Promise<void> {
  await host.play(items, { interruptedBy: interruptible ? ANY_DIGIT : '' });
  // What was typed over a message that may not be skipped was not an answer to anything.
  if (!interruptible) host.clearDigits();
}

function missed(
  last: 'timeout' | 'invalid',
  step: { timeout?: string | undefined; invalid?: string | undefined },
): StepResult {
  const edge = step[last] ? last : last === 'timeout' ? 'invalid' : 'timeout';
  const to = step[edge];
  if (!to) throw new Error(`no ${last} edge`);
  return { edge, to };
}
