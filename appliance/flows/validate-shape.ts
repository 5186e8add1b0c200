import type { FlowProblem } from '#appliance/contract/flow.ts';
import { error } from './problems.ts';

/** A problem of shape in words that name the step. */
export function shapeProblem(
  issue: { code?: string | undefined; path: PropertyKey[]; message: string },
  input: unknown,
): FlowProblem {
  const path = issue.path.map(String);
  if (path[0] !== 'steps' || path.length < 2) {
    const where = path.join('.');
    return error(
      undefined,
      'bad-shape',
      where
        ? `The flow's "${where}" is not right: ${issue.message}.`
        : `The document is no flow: ${issue.message}. Start from an empty flow.`,
    );
  }
  const id = path[1]!.slice(0, 60);
  const step = (input as { steps?: Record<string, unknown> }).steps?.[path[1]!] as Record<string, unknown> | undefined;
  const field = path.slice(2).join('.');
  const type = typeof step?.type === 'string' ? ` (${step.type.slice(0, 20)})` : '';
  if (field === 'type' || (field === '' && issue.code === 'invalid_union')) {
    return error(id, 'type-unknown', `Step "${id}"${type} is of no known type. Choose one of the step types.`);
  }
  if (field && valueAt(step, path.slice(2)) === undefined) {
    return EDGE_FIELDS.has(path[2]!)
      ? error(id, 'missing-edge', `Step "${id}"${type} has no "${field}" edge. Connect it to the step that comes then.`)
      : error(id, 'missing-field', `Step "${id}"${type} lacks "${field}". Fill it in.`);
  }
  return error(id, 'bad-field', `Step "${id}"${type}${field ? `, field "${field}"` : ''}: ${issue.message}.`);
}

const EDGE_FIELDS = new Set(['next', 'error', 'open', 'closed', 'found', 'unknown', 'otherwise', 'failed', 'handTo']);

function valueAt(value: unknown, path: string[]): unknown {
  return path.reduce<unknown>((at, key) => (at as Record<string, unknown> | undefined)?.[key], value);
}
