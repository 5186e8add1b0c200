// Does to the box what the plan says, row by row, and takes it back. Knows nothing of the page.
import type { PlannedRow } from './plan.ts';

/** What the box does, injected. */
export interface Box {
  create(fields: Record<string, unknown>): Promise<{ id: string; version: number }>;
  change(id: string, fields: Record<string, unknown>, version: number): Promise<{ version: number }>;
  remove(id: string, version: number): Promise<void>;
}

/** What came of a row: undefined when it went well. */
export type Refusal = unknown;

export interface Applied {
  line: number;
  id: string;
  version: number;
  /** What it was; undefined: it was not there. */
  from: Record<string, unknown> | undefined;
}

/** The box has other work: a few at a time. */
const AT_ONCE = 4;

export async function applyRows(
  rows: readonly PlannedRow[],
  box: Box,
  told: (line: number, refusal: Refusal) => void,
  stopped: () => boolean = () => false,
): Promise<Applied[]> {
  const applied: Applied[] = [];
  await each(rows, stopped, async ({ line, existing, fields, from }) => {
    try {
      const { id, version } = existing
        ? { id: existing.id, ...(await box.change(existing.id, fields, existing.version)) }
        : await box.create(fields);
      applied.push({ line, id, version, from: existing && from });
      told(line, undefined);
    } catch (error) {
      told(line, error ?? new Error('refused'));
    }
  });
  return applied;
}

/** New ones go, changed ones become what they were; whoever was changed again meanwhile is left as it is and told. */
export async function takeBack(
  applied: readonly Applied[],
  box: Box,
  told: (line: number, refusal: Refusal) => void,
): Promise<void> {
  await each(
    applied,
    () => false,
    async ({ line, id, version, from }) => {
      try {
        if (!from) await box.remove(id, version);
        else {
          // A field that is never told, a password, has no former value to go back to.
          const known = Object.fromEntries(Object.entries(from).filter(([, value]) => value !== undefined));
          if (Object.keys(known).length > 0) await box.change(id, known, version);
        }
        told(line, undefined);
      } catch (error) {
        told(line, error ?? new Error('refused'));
      }
    },
  );
}

async function each<T>(items: readonly T[], stopped: () => boolean, act: (item: T) => Promise<void>): Promise<void> {
  let next = 0;
  const worker = async () => {
    while (next < items.length && !stopped()) await act(items[next++]!);
  };
  await Promise.all(Array.from({ length: Math.min(AT_ONCE, items.length) }, worker));
}
