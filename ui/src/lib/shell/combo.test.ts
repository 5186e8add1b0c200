import { expect, it } from 'vitest';
import { type KeyPress, matches } from './combo.ts';

const press = (change: Partial<KeyPress>): KeyPress => ({
  key: '',
  code: '',
  altKey: false,
  ctrlKey: false,
  metaKey: false,
  shiftKey: false,
  ...change,
});

it.each<[string, Partial<KeyPress>, boolean]>([
  ['Alt+A', { key: 'a', code: 'KeyA', altKey: true }, true],
  ['Alt+A', { key: 'å', code: 'KeyA', altKey: true }, true],
  ['Alt+A', { key: 'a', code: 'KeyA' }, false],
  ['Alt+A', { key: 'a', code: 'KeyA', altKey: true, ctrlKey: true }, false],
  ['Ctrl+K', { key: 'k', code: 'KeyK', ctrlKey: true }, true],
  ['Ctrl+K', { key: 'k', code: 'KeyK', metaKey: true }, true],
  ['?', { key: '?', code: 'Slash', shiftKey: true }, true],
  ['?', { key: '?', code: 'Minus', shiftKey: true }, true],
  ['Escape', { key: 'Escape', code: 'Escape' }, true],
])('%s for %j: %s', (combo, change, expected) => {
  expect(matches(combo, press(change))).toBe(expected);
});
