import type { FlowDocument } from '#appliance/contract/flow.ts';

export interface FlowDifference {
  added: string[];
  removed: string[];
  /** Fields of steps, by path: `say.0.text.en`. */
  changed: { step: string; path: string; from: unknown; to: unknown }[];
  /** Fields of the document besides its steps and their places on the screen. */
  document: { path: string; from: unknown; to: unknown }[];
}

/** What changed from one version of a flow to another. Pure. */
export function diffFlows(from: FlowDocument, to: FlowDocument): FlowDifference {
  const before = new Map(Object.entries(from.steps));
  const after = new Map(Object.entries(to.steps));
  return {
    added: [...after.keys()].filter((id) => !before.has(id)),
    removed: [...before.keys()].filter((id) => !after.has(id)),
    changed: [...after].flatMap(([step, now]) => {
      const was = before.get(step);
      return was ? differences(was, now).map((one) => ({ step, ...one })) : [];
    }),
    document: differences(besideSteps(from), besideSteps(to)),
  };
}

function besideSteps({ steps, layout, ...rest }: FlowDocument): object {
  return rest;
}

function differences(from: unknown, to: unknown, path: string[] = []): { path: string; from: unknown; to: unknown }[] {
  if (isTree(from) && isTree(to) && Array.isArray(from) === Array.isArray(to)) {
    const keys = new Set([...Object.keys(from), ...Object.keys(to)]);
    return [...keys].flatMap((key) => differences(from[key], to[key], [...path, key]));
  }
  return JSON.stringify(from) === JSON.stringify(to)
    ? []
    : [{ path: path.join('.'), from: from ?? null, to: to ?? null }];
}

function isTree(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}
