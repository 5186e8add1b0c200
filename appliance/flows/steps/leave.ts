import type { FlowStepOf } from '#appliance/contract/flow.ts';
import type { TransferTo } from '../host.ts';
import type { StepContext, StepResult } from '../run-state.ts';
import { fill } from '../template.ts';

export async function transfer(step: FlowStepOf<'transfer'>, context: StepContext): Promise<StepResult> {
  const music = await context.say([{ prompt: step.music }]);
  const end = await context.host.transfer(target(step, context), { timeoutMs: step.timeoutS * 1000, music });
  if (end === 'connected') return { end: 'transferred' };
  const edge =
    end === 'busy'
      ? step.busy
        ? 'busy'
        : 'failed'
      : end === 'no-answer'
        ? step.noAnswer
          ? 'noAnswer'
          : 'failed'
        : 'failed';
  const to = step[edge];
  if (!to) throw new Error(`the transfer ended (${end}) and the step has no edge for it`);
  return { edge, to, note: { why: end } };
}

export async function voicemail(step: FlowStepOf<'voicemail'>, context: StepContext): Promise<StepResult> {
  const { host, resumed } = context;
  if (step.say && !resumed) await host.play(await context.say(step.say), { interruptedBy: '#' });
  host.clearDigits();
  const left = await host.voicemail({
    queueId: step.queueId,
    maxMs: step.maxS * 1000,
    beep: await context.say([{ prompt: 'tone.beep' }]),
  });
  if (step.next) return { edge: 'next', to: step.next, note: { left } };
  await host.hangup('normal');
  return { end: 'voicemail', detail: left, note: { left } };
}

export async function callback(step: FlowStepOf<'callback'>, { host, lookUp }: StepContext): Promise<StepResult> {
  const number = fill(step.number, lookUp);
  if (!/^\+?[0-9]{3,20}$/.test(number)) {
    if (!step.failed) throw new Error('there is no number to call back and the step has no failed edge');
    return { edge: 'failed', to: step.failed, note: { why: 'no-number' } };
  }
  await host.callback({ queueId: step.queueId, number });
  return { edge: 'next', to: step.next, note: { number } };
}

export async function hangup(step: FlowStepOf<'hangup'>, { host }: StepContext): Promise<StepResult> {
  await host.hangup(step.cause);
  return { end: 'hung-up', detail: step.cause };
}

function target({ to }: FlowStepOf<'transfer'>, { lookUp }: StepContext): TransferTo {
  switch (to.kind) {
    case 'number':
      return { kind: 'number', number: fill(to.number, lookUp) };
    case 'extension':
      return { kind: 'extension', extension: fill(to.extension, lookUp) };
    case 'agent':
      return { kind: 'agent', agentId: fill(to.agentId, lookUp) };
  }
}
