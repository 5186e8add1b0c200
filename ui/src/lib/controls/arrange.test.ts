import { describe, expect, it } from 'vitest';
import { arrange } from './arrange.ts';

interface Row {
  name: string;
  waiting: number;
}
const rows: Row[] = [
  { name: 'Sales 10', waiting: 3 },
  { name: 'änderung', waiting: 12 },
  { name: 'Sales 9', waiting: 3 },
  { name: 'Zahlung', waiting: 0 },
];
const columns = [
  { key: 'name', text: (row: Row) => row.name },
  { key: 'waiting', text: (row: Row) => `${row.waiting} waiting`, value: (row: Row) => row.waiting },
];
const names = (change: Partial<Parameters<typeof arrange>[2]>) =>
  arrange(rows, columns, { search: '', sort: '', descending: false, locale: 'de', ...change }).map((row) => row.name);

describe('a table', () => {
  it('keeps the order of the box until a person sorts', () => expect(names({})).toEqual(rows.map((row) => row.name)));
  it('sorts words as the language does and numbers inside them as numbers', () =>
    expect(names({ sort: 'name' })).toEqual(['änderung', 'Sales 9', 'Sales 10', 'Zahlung']));
  it('sorts by the value, not by how it reads', () => expect(names({ sort: 'waiting' })[3]).toBe('änderung'));
  it('keeps equal rows in their order when it sorts downwards', () =>
    expect(names({ sort: 'waiting', descending: true })).toEqual(['änderung', 'Sales 10', 'Sales 9', 'Zahlung']));
  it('finds rows that hold every word, in any column, in any case', () =>
    expect(names({ search: 'SALES 3 waiting' })).toEqual(['Sales 10', 'Sales 9']));
  it('finds nothing rather than something else', () => expect(names({ search: 'sales 12' })).toEqual([]));
});
