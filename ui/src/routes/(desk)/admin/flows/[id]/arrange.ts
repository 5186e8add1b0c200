import { type Draft, type Place, slotsOf } from './draft.ts';

const COLUMN_PX = 264;
const GAP_PX = 28;
const HEAD_PX = 58;
const SLOT_PX = 24;

export const heightOf = (slots: number): number => HEAD_PX + slots * SLOT_PX;

/** Columns by the longest way from the start, rows by where the steps before stand. */
export function arranged(draft: Draft): Record<string, Place> {
  const ids = Object.keys(draft.steps);
  const ways = new Map(
    ids.map((id) => [
      id,
      slotsOf(draft.steps[id]!)
        .map(({ to }) => to)
        .filter((to) => Object.hasOwn(draft.steps, to)),
    ]),
  );
  const order = walked(draft.start, ids, ways);
  const column = columns(order, ways);
  const y = new Map<string, number>();
  const last = Math.max(0, ...column.values());
  for (let at = 0; at <= last; at++) {
    const here = order.filter((id) => column.get(id) === at).map((id, index) => ({ id, index, wish: wish(id) }));
    let free = 0;
    for (const { id, wish: wanted } of here.toSorted((a, b) => a.wish - b.wish || a.index - b.index)) {
      const top = Math.max(free, wanted);
      y.set(id, top);
      free = top + heightOf(slotsOf(draft.steps[id]!).length) + GAP_PX;
    }
  }
  return Object.fromEntries(
    ids.map((id) => [id, { x: (column.get(id) ?? 0) * COLUMN_PX, y: Math.round(y.get(id) ?? 0) }]),
  );

  /** Beside the first step that leads here. */
  function wish(id: string): number {
    for (const [from, tos] of ways) {
      const slot = tos.indexOf(id);
      const top = y.get(from);
      if (slot !== -1 && top !== undefined && (column.get(from) ?? 0) < (column.get(id) ?? 0))
        return top + slot * SLOT_PX;
    }
    return 0;
  }
}

/** Depth first from the start, each step once; then those that nothing leads to. */
function walked(start: string, ids: string[], ways: Map<string, string[]>): string[] {
  const seen = new Set<string>();
  const go = (id: string): void => {
    if (seen.has(id) || !ways.has(id)) return;
    seen.add(id);
    for (const to of ways.get(id) ?? []) go(to);
  };
  for (const id of [start, ...ids]) go(id);
  return [...seen];
}

/** The longest way to each step; ways back do not count. */
function columns(order: string[], ways: Map<string, string[]>): Map<string, number> {
  const column = new Map(order.map((id) => [id, 0]));
  const open = new Set<string>();
  const done = new Set<string>();
  const sorted: string[] = [];
  const back = new Set<string>();
  const go = (id: string): void => {
    open.add(id);
    for (const to of ways.get(id) ?? []) {
      if (open.has(to)) back.add(`${id} ${to}`);
      else if (!done.has(to)) go(to);
    }
    open.delete(id);
    done.add(id);
    sorted.unshift(id);
  };
  for (const id of order) if (!done.has(id)) go(id);
  for (const id of sorted) {
    for (const to of ways.get(id) ?? []) {
      if (!back.has(`${id} ${to}`)) column.set(to, Math.max(column.get(to) ?? 0, (column.get(id) ?? 0) + 1));
    }
  }
  return column;
}
