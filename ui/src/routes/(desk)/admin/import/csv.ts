/** A table from a CSV file (RFC 4180), with the separator that the first line uses: comma, semicolon or tab. Bounded. */
export const MAX_CSV_BYTES = 2_000_000;
export const MAX_CSV_ROWS = 5000;

export function readCsv(file: string): { header: string[]; rows: string[][] } {
  const text = file.slice(0, MAX_CSV_BYTES).replace(/^\uFEFF/, '');
  const firstLine = text.slice(0, text.search(/\r?\n|$/));
  const separator = [';', '\t', ','].toSorted((a, b) => firstLine.split(b).length - firstLine.split(a).length)[0]!;
  const rows: string[][] = [];
  let row: string[] = [];
  let cell = '';
  let quoted = false;
  const endCell = () => {
    row.push(cell.trim());
    cell = '';
  };
  const endRow = () => {
    endCell();
    if (row.some((one) => one !== '')) rows.push(row);
    row = [];
  };
  for (let at = 0; at < text.length && rows.length <= MAX_CSV_ROWS; at++) {
    const letter = text[at]!;
    if (quoted) {
      if (letter !== '"') cell += letter;
      else if (text[at + 1] === '"') {
        cell += '"';
        at++;
      } else quoted = false;
    } else if (letter === '"' && cell.trim() === '') {
      cell = '';
      quoted = true;
    } else if (letter === separator) endCell();
    else if (letter === '\n') endRow();
    else if (letter !== '\r') cell += letter;
  }
  if (cell !== '' || row.length > 0) endRow();
  const [header = [], ...rest] = rows;
  return { header, rows: rest.slice(0, MAX_CSV_ROWS) };
}
