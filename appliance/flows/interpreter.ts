import type { FlowDocument, FlowStep, Scalar } from '#appliance/contract/flow.ts';
import { AppError, messageOf } from '#appliance/kernel/errors.ts';
import { type FlowHost, HostGone } from './host.ts';
import type { FlowOutcome, RunDeps, RunState, StepContext, StepResult } from './run-state.ts';
import { http, takesSecrets } from './steps/http.ts';
import { callback, hangup, transfer, voicemail } from './steps/leave.ts';
import { condition, goTo, hours, language, lookup, set } from './steps/logic.ts';
import { queue } from './steps/queue.ts';
import { secure } from './steps/secure.ts';
import { answer, gather, menu, play, say } from './steps/speak.ts';

/** More steps than this and the flow is going in circles. */
export const STEP_BUDGET = 1000;

/**
 * Runs a document over a host until the contact leaves the flow. Never rejects: what breaks is an event and ends in
 * the document's `onError` step, or with the call ended.
 */
export async function interpret(
  document: FlowDocument,
  state: RunState,
  host: FlowHost,
  deps: RunDeps,
  resumed = false,
): Promise<FlowOutcome> {
  const secrets = new Map<string, string>();
  const lookUp = (name: string): Scalar | undefined => {
    if (name.startsWith('call.')) return own(host.call, name.slice('call.'.length));
    return name.startsWith('secure.') ? undefined : own(state.variables, name);
  };
  let first = resumed;
  let rescued = false;
  const secretsLost = resumed && state.secureFrom !== null;
  let isSecure = secretsLost;

  const finish = (outcome: FlowOutcome): FlowOutcome => {
    secrets.clear();
    deps.save(state, outcome.end);
    deps.event('flow-ended', {
      end: outcome.end,
      step: outcome.step,
      ...(outcome.detail !== undefined && { detail: outcome.detail }),
    });
    return outcome;
  };

  if (secretsLost && !takesSecrets(state.step, { document })) {
    // The digits were in the memory of the process that died: they are asked for again, from the first.
    state.step = state.secureFrom!;
  }
  if (resumed) state.steps--; // the step is taken again, it does not count twice
  host.language(state.language);
  // A new host does not know that the line is still secure; knowing it, it can end that.
  if (secretsLost) await host.secure(true).catch(() => {});
  for (;;) {
    const id = state.step;
    const step = Object.hasOwn(document.steps, id) ? document.steps[id] : undefined;
    try {
      if (!step) throw new AppError('invalid', 'step-unknown', `There is no step "${id}".`);
      if (++state.steps > STEP_BUDGET) {
        state.steps = STEP_BUDGET - 50; // enough for what `onError` has to do
        throw new AppError('invalid', 'step-budget', `More than ${STEP_BUDGET} steps: the flow goes in circles.`);
      }
      if (step.type === 'secure') {
        state.secureFrom ??= id;
        isSecure = true;
      } else if (isSecure && !keepsSecrets(id, step, secrets, document)) {
        secrets.clear();
        state.secureFrom = null;
        isSecure = false;
        host.clearDigits();
        await host.secure(false);
      }
      deps.save(state, null);

      const startedAt = deps.clock.now().getTime();
      const context: StepContext = {
        id,
        document,
        state,
        host,
        deps,
        resumed: first,
        secretsLost: first && secretsLost,
        lookUp,
        secrets,
        say: (items) => deps.speech(items, state.language, lookUp),
      };
      const result = await runStep(step, context);
      first = false;
      deps.event('flow-step', {
        step: id,
        type: step.type,
        ...(step.name && { name: step.name }),
        ...('edge' in result ? { edge: result.edge, to: result.to } : { end: result.end }),
        ms: deps.clock.now().getTime() - startedAt,
        ...result.note,
      });
      if ('end' in result)
        return finish({ end: result.end, step: id, ...(result.detail !== undefined && { detail: result.detail }) });
      state.step = result.to;
    } catch (error) {
      first = false;
      if (error instanceof HostGone) return finish({ end: 'gone', step: id });
      deps.event('flow-failed', {
        step: id,
        error: error instanceof AppError ? error.code : isSecure ? 'step-broke' : messageOf(error),
      });
      if (document.onError && !rescued && state.step !== document.onError) {
        rescued = true;
        secrets.clear();
        state.step = document.onError;
        continue;
      }
      await host.hangup('failure').catch(() => {});
      return finish({ end: 'failed', step: id });
    }
  }
}

function own(values: Record<string, Scalar>, name: string): Scalar | undefined {
  return Object.hasOwn(values, name) ? values[name] : undefined;
}

/** Secure mode lasts while digits are in memory and on their way to their http step; whatever hands the call on ends it. */
function keepsSecrets(
  id: string,
  step: FlowStep,
  secrets: ReadonlyMap<string, string>,
  document: FlowDocument,
): boolean {
  if (secrets.size === 0) return false;
  if (step.type === 'http') return takesSecrets(id, { document });
  return ['play', 'say', 'set', 'condition', 'goto', 'language', 'hours'].includes(step.type);
}

function runStep(step: FlowStep, context: StepContext): Promise<StepResult> {
  switch (step.type) {
    case 'answer':
      return answer(step, context);
    case 'play':
      return play(step, context);
    case 'say':
      return say(step, context);
    case 'menu':
      return menu(step, context);
    case 'gather':
      return gather(step, context);
    case 'hours':
      return hours(step, context);
    case 'language':
      return language(step, context);
    case 'set':
      return set(step, context);
    case 'condition':
      return condition(step, context);
    case 'http':
      return http(step, context);
    case 'lookup':
      return lookup(step, context);
    case 'queue':
      return queue(step, context);
    case 'transfer':
      return transfer(step, context);
    case 'voicemail':
      return voicemail(step, context);
    case 'callback':
      return callback(step, context);
    case 'hangup':
      return hangup(step, context);
    case 'secure':
      return secure(step, context);
    case 'goto':
      return goTo(step);
  }
}
