import type { FlowStepOf, Scalar } from '#appliance/contract/flow.ts';
import type { StepContext, StepResult } from '../run-state.ts';
import { asText, fill, fillInside } from '../template.ts';
import { withoutSecrets } from './secure.ts';

export async function http(step: FlowStepOf<'http'>, context: StepContext): Promise<StepResult> {
  const { state, secrets, deps, lookUp } = context;
  const mayHaveSecrets = takesSecrets(context.id, context);
  if (context.secretsLost && mayHaveSecrets) {
    // The request may have been on its way when the process died, and its digits are gone: not for us to repeat.
    return { edge: 'error', to: step.error, note: { why: 'outcome-unknown' } };
  }
  const withSecrets = (name: string): Scalar | undefined =>
    mayHaveSecrets && name.startsWith('secure.') ? secrets.get(name.slice('secure.'.length)) : lookUp(name);
  const given = step.body === undefined ? undefined : fillInside(step.body, withSecrets);
  const headers: Record<string, string> = {};
  for (const [name, value] of Object.entries(step.headers)) headers[name] = oneLine(fill(value, withSecrets));
  if (given !== undefined && typeof given !== 'string') headers['Content-Type'] ??= 'application/json';
  // Repeated with the same key after a crash, so that the other side can tell.
  headers['Idempotency-Key'] ??= `${state.id}-${state.steps}`;

  const answer = await deps.http.call({
    method: step.method,
    url: fill(step.url, lookUp, encodeURIComponent),
    headers,
    body: given === undefined ? undefined : typeof given === 'string' ? given : JSON.stringify(given),
    timeoutMs: step.timeoutS * 1000,
    maxBytes: step.maxBytes,
  });
  try {
    if (!answer.ok) return { edge: 'error', to: step.error, note: { why: answer.why } };
    for (const [variable, path] of Object.entries(step.result)) {
      const value = path === '$status' ? answer.status : scalarAt(answer.body, path);
      state.variables[variable] = mayHaveSecrets ? withoutSecrets(value, secrets) : value;
    }
    return { edge: 'next', to: step.next, note: { status: answer.status } };
  } finally {
    if (mayHaveSecrets) secrets.clear();
  }
}

/** Whether this is the step that secure steps hand their digits to. */
export function takesSecrets(id: string, { document }: Pick<StepContext, 'document'>): boolean {
  return Object.values(document.steps).some((step) => step.type === 'secure' && step.handTo === id);
}

/** The scalar at `a.b.0.c`; what is absent or no scalar becomes null. */
export function scalarAt(body: unknown, path: string): Scalar {
  let value = body;
  for (const key of path === '' ? [] : path.split('.')) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, key)) return null;
    value = (value as Record<string, unknown>)[key];
  }
  if (typeof value === 'string') return value.slice(0, 2000).replaceAll('\0', '');
  return typeof value === 'number' || typeof value === 'boolean' ? value : null;
}

function oneLine(value: string): string {
  return asText(value)
    .replace(/[\r\n\0]/g, ' ')
    .slice(0, 2000);
}
