/** A value as it was last told, item by item, so that only what changed is told again. */
export type Told = { shape: 'state'; text: string } | { shape: 'list'; items: Map<string, string> };

export function toldOf(shape: 'list' | 'state', value: unknown): Told {
  if (shape === 'state') return { shape, text: JSON.stringify(value ?? null) };
  const items = new Map<string, string>();
  for (const item of value as { id: string }[]) items.set(item.id, JSON.stringify(item));
  return { shape, items };
}

/** The JSON text of what follows `seq` in the message, or undefined when nothing changed. */
export function changeText(before: Told, after: Told): string | undefined {
  if (before.shape === 'state' || after.shape === 'state') {
    return before.shape === 'state' && after.shape === 'state' && before.text !== after.text
      ? `"state":${after.text}`
      : undefined;
  }
  const set = [...after.items].filter(([id, text]) => before.items.get(id) !== text).map(([, text]) => text);
  const remove = [...before.items.keys()].filter((id) => !after.items.has(id));
  if (set.length === 0 && remove.length === 0) return undefined;
  const parts: string[] = [];
  if (set.length > 0) parts.push(`"set":[${set.join(',')}]`);
  if (remove.length > 0) parts.push(`"remove":${JSON.stringify(remove)}`);
  return parts.join(',');
}

export function snapshotText(told: Told): string {
  return `"snapshot":${told.shape === 'state' ? told.text : `[${[...told.items.values()].join(',')}]`}`;
}
