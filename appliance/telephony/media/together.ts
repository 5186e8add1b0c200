// Legs that hear each other must live in one worker. When a route joins legs of several, some move.
import type { HearRequest } from './protocol.ts';

/** All legs that are joined, directly or through others, with one of `start`. */
export function joinedWith(start: Iterable<string>, hears: ReadonlyMap<string, HearRequest>): Set<string> {
  const neighbours = new Map<string, string[]>();
  const link = (a: string, b: string) => {
    neighbours.set(a, [...(neighbours.get(a) ?? []), b]);
    neighbours.set(b, [...(neighbours.get(b) ?? []), a]);
  };
  for (const [leg, hear] of hears) {
    if (hear.kind === 'leg') link(leg, hear.leg);
    else if (hear.kind === 'mix') link(leg, `mix ${hear.mix}`); // ids have no blanks: no leg has this name
  }
  const found = new Set(start);
  const open = [...found];
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    for (const other of neighbours.get(next) ?? []) {
      if (found.has(other)) continue;
      found.add(other);
      open.push(other);
    }
  }
  return new Set([...found].filter((name) => !name.startsWith('mix ')));
}

/** The worker where most of them are. */
export function commonWorker(workers: number[]): number {
  const counts = new Map<number, number>();
  for (const worker of workers) counts.set(worker, (counts.get(worker) ?? 0) + 1);
  return [...counts].sort(([, a], [, b]) => b - a)[0]?.[0] ?? 0;
}
