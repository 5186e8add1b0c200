/**
 * One text per value, whoever writes it: keys sorted by UTF-16 code units, no spaces, as RFC 8785 orders them.
 * Only what survives a trip through `jsonb` is handed in: see `storable`.
 */
export function canonicalJson(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map((item) => canonicalJson(item ?? null)).join(',')}]`;
  if (typeof value === 'object' && value !== null) {
    const fields = Object.entries(value)
      .filter(([, item]) => item !== undefined)
      .sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
    return `{${fields.map(([key, item]) => `${JSON.stringify(key)}:${canonicalJson(item)}`).join(',')}}`;
  }
  return JSON.stringify(value ?? null);
}

const MAX_TEXT = 2000;
const MAX_DEPTH = 8;
const MAX_ITEMS = 200;

/** A copy that PostgreSQL keeps exactly: no NUL, no half surrogates, bounded in length, width and depth. */
export function storable(value: unknown, depth = 0): unknown {
  if (typeof value === 'string') return storableText(value, MAX_TEXT);
  if (typeof value === 'number') return Number.isFinite(value) && value !== 0 ? value : value === 0 ? 0 : null;
  if (typeof value === 'boolean' || value === null) return value;
  if (typeof value === 'bigint') return String(value);
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? null : value.toISOString();
  if (typeof value !== 'object') return null;
  if (depth >= MAX_DEPTH) return '(deeper)';
  if (Array.isArray(value)) return value.slice(0, MAX_ITEMS).map((item) => storable(item, depth + 1));
  return Object.fromEntries(
    Object.entries(value)
      .filter(([, item]) => item !== undefined && typeof item !== 'function')
      .slice(0, MAX_ITEMS)
      .map(([key, item]) => [storableText(key, 200), storable(item, depth + 1)]),
  );
}

export function storableText(text: string, max: number): string {
  const clean = text.replaceAll('\0', '').toWellFormed();
  return clean.length > max ? `${clean.slice(0, max).toWellFormed()}…` : clean;
}
