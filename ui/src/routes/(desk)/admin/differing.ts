/** One field that two people have changed: what it is now, and what this person typed. */
export interface Difference {
  key: string;
  label: string;
  theirs: string;
  mine: string;
}

/** Fields of both that are not the same, in the order of the labels; what has no label is not shown to people. */
export function differing(
  labels: Record<string, () => string>,
  theirs: object,
  mine: object,
  show: (key: string, value: unknown) => string = (_, value) => plain(value),
): Difference[] {
  const [now, typed] = [new Map(Object.entries(theirs)), new Map(Object.entries(mine))];
  return Object.entries(labels).flatMap(([key, label]) =>
    typed.has(key) && JSON.stringify(typed.get(key) ?? null) !== JSON.stringify(now.get(key) ?? null)
      ? [{ key, label: label(), theirs: show(key, now.get(key)), mine: show(key, typed.get(key)) }]
      : [],
  );
}

export function plain(value: unknown): string {
  if (value === null || value === undefined || value === '') return '–';
  if (value === true) return '✓';
  if (value === false) return '✗';
  if (Array.isArray(value)) return String(value.length);
  return typeof value === 'object' ? JSON.stringify(value) : String(value);
}
