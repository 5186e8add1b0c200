import type { FlowStepOf } from '#appliance/contract/flow.ts';
import { AppError } from '#appliance/kernel/errors.ts';
import { holds } from '../conditions.ts';
import { hoursAt } from '../hours.ts';
import type { StepContext, StepResult } from '../run-state.ts';
import { fill } from '../template.ts';

export async function hours(step: FlowStepOf<'hours'>, { deps }: StepContext): Promise<StepResult> {
  const calendar = deps.hours(step.hoursId);
  if (!calendar)
    throw new AppError('not-found', 'hours-unknown', 'The hours of this step were deleted; choose others.');
  const { state } = hoursAt(calendar, deps.clock.now());
  const edge = state === 'holiday' && !step.holiday ? 'closed' : state;
  return { edge, to: step[edge]!, note: { hours: state } };
}

export async function language(step: FlowStepOf<'language'>, { host, state }: StepContext): Promise<StepResult> {
  state.language = step.language;
  host.language(step.language);
  return { edge: 'next', to: step.next, note: { language: step.language } };
}

export async function set(step: FlowStepOf<'set'>, { state, lookUp }: StepContext): Promise<StepResult> {
  for (const [name, value] of Object.entries(step.values)) {
    state.variables[name] = typeof value === 'string' ? fill(value, lookUp).slice(0, 2000) : value;
  }
  return { edge: 'next', to: step.next };
}

export async function condition(step: FlowStepOf<'condition'>, { lookUp }: StepContext): Promise<StepResult> {
  const index = step.branches.findIndex((branch) => branch.all.every((one) => holds(one, lookUp)));
  const branch = step.branches[index];
  return branch ? { edge: `branches.${index}`, to: branch.next } : { edge: 'otherwise', to: step.otherwise };
}

export async function goTo(step: FlowStepOf<'goto'>): Promise<StepResult> {
  return { edge: 'next', to: step.next };
}

export async function lookup(step: FlowStepOf<'lookup'>, { deps, state, lookUp }: StepContext): Promise<StepResult> {
  const facts = await deps.lookUpCustomer(fill(step.number, lookUp));
  if (!facts) return { edge: 'unknown', to: step.unknown };
  for (const [name, value] of Object.entries(facts)) state.variables[`customer.${name}`] = value;
  return { edge: 'found', to: step.found };
}
