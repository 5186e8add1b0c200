import { expect, it } from 'vitest';
import { changes } from './list.ts';

const before = { name: 'Sales', priority: 5, description: null };

it.each([
  ['nothing when nothing was changed', { name: 'Sales', priority: 5, description: null }, {}],
  ['only the field that was changed', { name: 'Sales', priority: 7, description: null }, { priority: 7 }],
  ['an emptied field as null', { name: null }, { name: null }],
  ['a field that the box did not name', { color: 'red' }, { color: 'red' }],
  ['no field that the form does not have', { name: undefined }, {}],
])('sends %s', (_, form, expected) => {
  expect(changes(before, form)).toEqual(expected);
});
