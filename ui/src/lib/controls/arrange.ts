interface Arranged<T> {
  key: string;
  text: (row: T) => string;
  value?: (row: T) => string | number;
}

export interface Arrangement {
  search: string;
  sort: string;
  descending: boolean;
  locale: string;
}

/** Rows that hold every word searched for, in the order asked for; rows that are equal keep their order. */
export function arrange<T>(
  rows: readonly T[],
  columns: readonly Arranged<T>[],
  { search, sort, descending, locale }: Arrangement,
): T[] {
  const words = search.toLocaleLowerCase(locale).split(/\s+/).filter(Boolean);
  const found = words.length === 0 ? [...rows] : rows.filter((row) => holdsAll(row, columns, words, locale));
  const column = columns.find(({ key }) => key === sort);
  if (!column) return found;
  const collator = new Intl.Collator(locale, { numeric: true, sensitivity: 'base' });
  const keyOf = column.value ?? column.text;
  const direction = descending ? -1 : 1;
  return found
    .map((row) => ({ row, value: keyOf(row) }))
    .toSorted((a, b) => direction * compare(a.value, b.value, collator))
    .map(({ row }) => row);
}

function holdsAll<T>(row: T, columns: readonly Arranged<T>[], words: string[], locale: string): boolean {
  const text = columns
    .map((column) => column.text(row))
    .join('\n')
    .toLocaleLowerCase(locale);
  return words.every((word) => text.includes(word));
}

function compare(a: string | number, b: string | number, collator: Intl.Collator): number {
  if (typeof a === 'number' && typeof b === 'number') return a - b;
  return collator.compare(String(a), String(b));
}
