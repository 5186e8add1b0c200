import { expect, it } from 'vitest';
import { containing, csvCell, digitsOf } from './search.ts';

it.each([
  ['anna', '%anna%'],
  ['100 %', '%100 \\%%'],
  ['a_b\\c', '%a\\_b\\\\c%'],
])('%s is looked for as it is typed', (text, pattern) => expect(containing(text)).toBe(pattern));

it.each([
  ['(555) 70-01', '5557001'],
  ['+1 555 7001', '+15557001'],
  ['7', undefined],
  ['Anna 7', undefined],
  ['', undefined],
])('the number in "%s" is %s', (text, digits) => expect(digitsOf(text)).toBe(digits));

it.each([
  [null, ''],
  [12.5, '12.5'],
  ['plain', 'plain'],
  ['a "b", c', '"a ""b"", c"'],
  ['two\nlines', '"two\nlines"'],
  ['+15550100', '+15550100'],
  ['=1+1', "'=1+1"],
  ['-cmd|x', "'-cmd|x"],
  ['@sum(a)', "'@sum(a)"],
])('%j becomes the cell %s', (value, cell) => expect(csvCell(value)).toBe(cell));
