import type { FlowStepOf, SayItem } from '#appliance/contract/flow.ts';
import { isUuid } from '#appliance/kernel/ids.ts';
import type { QueueOutcome, QueueTicket } from '../host.ts';
import type { StepContext, StepResult } from '../run-state.ts';
import { fill } from '../template.ts';

/** Waits in a queue with music and announcements until an agent has the call, a digit leads out, or the queue gives up. */
export async function queue(step: FlowStepOf<'queue'>, context: StepContext): Promise<StepResult> {
  const { host, state, resumed } = context;
  host.clearDigits();
  const ticket = await host.enqueue({
    queueId: step.queueId,
    priority: step.priority,
    skills: step.skills,
    preferredAgentId: await preferredAgent(step, context),
    language: state.language,
    resumed,
  });
  const over = new AbortController();
  let outcome: QueueOutcome | undefined;
  const ended = ticket.outcome.then(
    (result) => {
      outcome = result;
      over.abort();
    },
    (error) => {
      over.abort();
      throw error;
    },
  );
  ended.catch(() => {});

  const escapes = Object.keys(step.escape).join('');
  const hear = async (items: SayItem[]): Promise<'digit' | undefined> => {
    if (over.signal.aborted || items.length === 0) return undefined;
    const end = await host.play(await context.say(items), { interruptedBy: escapes, signal: over.signal });
    return end === 'digit' ? 'digit' : undefined;
  };

  let pressed = resumed || !step.first ? undefined : await hear(step.first);
  const music = await context.say([{ prompt: step.music }]);
  while (!over.signal.aborted) {
    pressed ??= await hear(announcement(step, ticket));
    if (!pressed && !over.signal.aborted) {
      const everyMs = step.announce ? step.announce.everyS * 1000 : undefined;
      const end = await host.play(music, {
        interruptedBy: escapes,
        loop: true,
        signal: over.signal,
        ...(everyMs && { forMs: everyMs }),
      });
      if (end === 'digit') pressed = 'digit';
      // A host that plays nothing more has lost the call to an agent, or is about to say how it ended.
      else if (end === 'aborted') break;
    }
    if (pressed && !over.signal.aborted) {
      pressed = undefined;
      const { digits } = await host.gather({ max: 1, terminator: null, firstTimeoutMs: 1000, betweenTimeoutMs: 0 });
      const to = digits && Object.hasOwn(step.escape, digits) ? step.escape[digits] : undefined;
      if (to && (await ticket.leave(leaving(context.document.steps[to]?.type))))
        return { edge: `escape.${digits}`, to, note: { digits } };
    }
  }
  await ended;
  return resultOf(outcome!, step);
}

function resultOf(outcome: QueueOutcome, step: FlowStepOf<'queue'>): StepResult {
  switch (outcome.end) {
    case 'connected':
      return { end: 'connected' };
    case 'left':
      return { end: 'left', detail: outcome.to, note: { to: outcome.to } };
    case 'refused':
      if (!step.refused)
        throw new Error(`the queue refused the call (${outcome.why}) and the step has no refused edge`);
      return { edge: 'refused', to: step.refused, note: { why: outcome.why } };
  }
}

/** "You are number three. The wait is about two minutes." */
export function announcement({ announce }: FlowStepOf<'queue'>, ticket: Pick<QueueTicket, 'position'>): SayItem[] {
  if (!announce) return [];
  const place = ticket.position();
  const items: SayItem[] = [...(announce.say ?? [])];
  if (announce.position && place && place.position > 0) {
    items.push({ prompt: 'queue.position' }, { number: String(place.position) }, { prompt: 'queue.position-end' });
  }
  if (announce.estimatedWait && place && place.estimatedWaitS !== null) {
    const minutes = Math.ceil(place.estimatedWaitS / 60);
    if (place.estimatedWaitS < 60) items.push({ prompt: 'queue.wait-short' });
    else if (minutes <= 60)
      items.push({ prompt: 'queue.wait' }, { number: String(minutes) }, { prompt: 'queue.minutes' });
    else items.push({ prompt: 'queue.wait-long' });
  }
  return items;
}

async function preferredAgent(
  { preferredAgent: wanted }: FlowStepOf<'queue'>,
  { host, deps, lookUp }: StepContext,
): Promise<string | undefined> {
  if (wanted === undefined) return undefined;
  const agentId = wanted === 'last' ? await deps.lastAgent(host.call) : fill(wanted, lookUp);
  return agentId && isUuid(agentId) ? agentId : undefined;
}

function leaving(next: string | undefined): 'voicemail' | 'callback' | 'flow' {
  return next === 'voicemail' || next === 'callback' ? next : 'flow';
}
