export type Range = { start: number; end: number } | 'whole' | 'unsatisfiable';

/** The one byte range a Range header asks for (RFC 9110 §14.2). Whatever is not understood, or asks for several, is the whole. Pure. */
export function rangeOf(header: unknown, size: number): Range {
  const match = typeof header === 'string' ? /^bytes=\s*([0-9]{0,15})-([0-9]{0,15})\s*$/.exec(header) : null;
  const [, first, last] = match ?? [];
  if (!match || (first === '' && last === '')) return 'whole';
  if (first === '') {
    const length = Math.min(Number(last), size); // the last so many
    return length === 0 ? 'unsatisfiable' : { start: size - length, end: size - 1 };
  }
  const start = Number(first);
  const end = last === '' ? size - 1 : Math.min(Number(last), size - 1);
  if (last !== '' && Number(last) < start) return 'whole'; // §14.1.2: such a range is invalid, and ignored
  return start >= size ? 'unsatisfiable' : { start, end };
}
