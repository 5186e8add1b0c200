/** A piece of a text as a pattern of LIKE: what a person types has no wildcards. */
export function containing(text: string): string {
  return `%${text.replace(/[\\%_]/g, '\\$&')}%`;
}

/** The digits of what reads like a number, however it is written: "(555) 70-01" finds +15557001. Undefined for words. */
export function digitsOf(text: string): string | undefined {
  const trimmed = text.trim();
  if (!/^\+?[\d\s()./-]+$/.test(trimmed)) return undefined;
  const digits = trimmed.replace(/\D/g, '');
  return digits.length >= 2 ? (trimmed.startsWith('+') ? `+${digits}` : digits) : undefined;
}

/** One cell of a CSV file (RFC 4180), safe to open in a spreadsheet: what would be a formula there is made a text. */
export function csvCell(value: string | number | null): string {
  if (value === null) return '';
  const text = String(value);
  const harmless = typeof value === 'number' || /^[+-]?[\d ]+$/.test(text) || !/^[=+\-@\t\r]/.test(text);
  const safe = harmless ? text : `'${text}`;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}
