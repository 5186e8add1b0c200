import { edgesOf, type FlowDocument, type FlowProblem, type FlowStep } from '#appliance/contract/flow.ts';
import { error, warning } from './problems.ts';

const MAX_STEPS = 500;
/** Steps that take the caller's time, so that a loop through them cannot spin. */
const WAITS = new Set<FlowStep['type']>([
  'play',
  'say',
  'menu',
  'gather',
  'secure',
  'queue',
  'transfer',
  'voicemail',
  'callback',
]);
/** Steps that only make sense once the call is answered. */
const NEEDS_ANSWER = new Set<FlowStep['type']>(['menu', 'gather', 'secure', 'voicemail']);

/** Steps that lead nowhere, that nothing leads to, that come too early or go round without waiting. */
export function graphProblems(document: FlowDocument): FlowProblem[] {
  const { steps, start, onError } = document;
  const ids = Object.keys(steps);
  const problems: FlowProblem[] = [];
  if (ids.length > MAX_STEPS)
    problems.push(
      error(
        undefined,
        'too-large',
        `The flow has ${ids.length} steps; ${MAX_STEPS} is the most. Split it into several flows.`,
      ),
    );
  if (!Object.hasOwn(steps, start))
    problems.push(
      error(
        undefined,
        'start-unknown',
        `The flow starts at "${start}", which is no step. Choose the step that a call begins with.`,
      ),
    );
  if (onError !== undefined && !Object.hasOwn(steps, onError))
    problems.push(
      error(
        undefined,
        'step-unknown',
        `On an error the flow goes to "${onError}", which is no step. Choose an existing one.`,
      ),
    );
  for (const [id, step] of Object.entries(steps)) {
    for (const { label, to } of edgesOf(step)) {
      if (!Object.hasOwn(steps, to))
        problems.push(
          error(
            id,
            'step-unknown',
            `Step "${id}" leads to "${to}" (${label}), which is no step. Connect it to an existing one.`,
          ),
        );
    }
  }
  const reached = reach(document, [start, ...(onError ? [onError] : [])], () => true);
  for (const id of ids) {
    if (!reached.has(id))
      problems.push(warning(id, 'unreachable', `No way leads to step "${id}". Connect it, or remove it.`));
  }
  const unanswered = reach(document, [start], (step) => step.type !== 'answer');
  for (const id of unanswered) {
    const { type } = steps[id]!;
    if (NEEDS_ANSWER.has(type))
      problems.push(
        error(
          id,
          'not-answered',
          `Step "${id}" (${type}) can be reached before the call is answered. Put an answer step in front of it.`,
        ),
      );
    else if (type === 'play' || type === 'say' || type === 'queue') {
      problems.push(
        warning(
          id,
          'not-answered',
          `Step "${id}" (${type}) can be heard before the call is answered, which some carriers suppress. Put an answer step in front of it, unless that is meant.`,
        ),
      );
    }
  }
  for (const loop of spinningLoops(document)) {
    problems.push(
      error(
        loop[0],
        'endless-loop',
        `The steps ${loop.map((id) => `"${id}"`).join(' → ')} go round without ever waiting for the caller. Put a play, menu or gather step into the loop, or lead it out.`,
      ),
    );
  }
  return problems;
}

/** Steps that can be reached; ways out of a step are followed only when `through` says so. */
function reach({ steps }: FlowDocument, from: string[], through: (step: FlowStep) => boolean): Set<string> {
  const seen = new Set<string>();
  const open = from.filter((id) => Object.hasOwn(steps, id));
  for (let id = open.pop(); id !== undefined; id = open.pop()) {
    if (seen.has(id)) continue;
    seen.add(id);
    const step = steps[id]!;
    if (through(step))
      open.push(
        ...edgesOf(step)
          .map(({ to }) => to)
          .filter((to) => Object.hasOwn(steps, to)),
      );
  }
  return seen;
}

/** Cycles made only of steps that do not wait; each reported once. */
function spinningLoops({ steps }: FlowDocument): string[][] {
  const state = new Map<string, 'open' | 'done'>();
  const path: string[] = [];
  const loops: string[][] = [];
  const visit = (id: string): void => {
    if (state.get(id) === 'done') return;
    if (state.get(id) === 'open') {
      loops.push(path.slice(path.indexOf(id)));
      return;
    }
    const step = Object.hasOwn(steps, id) ? steps[id] : undefined;
    if (!step || WAITS.has(step.type)) return;
    state.set(id, 'open');
    path.push(id);
    for (const to of new Set(edgesOf(step).map((edge) => edge.to))) visit(to);
    path.pop();
    state.set(id, 'done');
  };
  for (const id of Object.keys(steps)) visit(id);
  return loops;
}
