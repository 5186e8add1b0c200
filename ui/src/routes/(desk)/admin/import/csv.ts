/** A table from a CSV file (RFC 4180), with the separator that the first line uses: comma, semicolon or tab. Bounded. */
export const MAX_CSV_BYTES = 20_000_000;
export const MAX_CSV_ROWS = 50_000;

export interface CsvTable {
  header: string[];
  rows: string[][];
  /** Rows beyond what is read. */
  dropped: boolean;
  /** The line in which a quote begins that never ends: the rest of the file lies inside it. */
  openQuote: number | undefined;
}

/** Spreadsheets write UTF-8, UTF-16 or the old Windows letters, and do not say which. */
export function decodeCsv(bytes: Uint8Array<ArrayBuffer>): string {
  if (bytes[0] === 0xff && bytes[1] === 0xfe) return new TextDecoder('utf-16le').decode(bytes);
  if (bytes[0] === 0xfe && bytes[1] === 0xff) return new TextDecoder('utf-16be').decode(bytes);
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    return new TextDecoder('windows-1252').decode(bytes);
  }
}

export function readCsv(file: string): CsvTable {
  const text = file.slice(0, MAX_CSV_BYTES).replace(/^\uFEFF/, '');
  const firstLine = text.slice(0, text.search(/[\r\n]|$/));
  const separator = [';', '\t', ','].toSorted((a, b) => firstLine.split(b).length - firstLine.split(a).length)[0]!;
  const rows: string[][] = [];
  let row: string[] = [];
  let cell = '';
  let quoted = false;
  let line = 1;
  let quotedAt = 0;
  const endCell = () => {
    row.push(unguarded(cell.trim()));
    cell = '';
  };
  const endRow = () => {
    endCell();
    if (row.some((one) => one !== '')) rows.push(row);
    row = [];
  };
  let at = 0;
  for (; at < text.length && rows.length <= MAX_CSV_ROWS; at++) {
    const letter = text[at]!;
    if (letter === '\n') line++;
    if (quoted) {
      if (letter !== '"') cell += letter;
      else if (text[at + 1] === '"') {
        cell += '"';
        at++;
      } else quoted = false;
    } else if (letter === '"' && cell.trim() === '') {
      cell = '';
      quoted = true;
      quotedAt = line;
    } else if (letter === separator) endCell();
    else if (letter === '\n' || (letter === '\r' && text[at + 1] !== '\n')) endRow();
    else if (letter !== '\r') cell += letter;
  }
  const dropped = text.slice(at).trim() !== '' || file.length > MAX_CSV_BYTES + 1;
  if (!dropped && (cell !== '' || row.length > 0)) endRow();
  const [header = [], ...rest] = rows;
  return { header, rows: rest.slice(0, MAX_CSV_ROWS), dropped, openQuote: quoted && !dropped ? quotedAt : undefined };
}

/** For spreadsheets: what they would take for a formula is marked as text, as our own export does it. */
export function writeCsv(rows: readonly (readonly string[])[]): string {
  const cell = (text: string) => {
    const harmless = /^[+-]?[\d ]+$/.test(text) || !/^[=+\-@\t\r]/.test(text);
    const guarded = harmless ? text : `'${text}`;
    return /[",;\r\n]/.test(guarded) ? `"${guarded.replaceAll('"', '""')}"` : guarded;
  };
  return `\uFEFF${rows.map((row) => row.map(cell).join(',')).join('\r\n')}\r\n`;
}

/** Such a mark is no part of the value. */
const unguarded = (text: string): string => (/^'[=+\-@]/.test(text) ? text.slice(1) : text);
