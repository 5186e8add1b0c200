import { expect, it } from 'vitest';
import { allows } from './me.ts';

it.each([
  [['queues:read'], 'queues:read', true],
  [['queues:read'], 'queues:write', false],
  [['queues:*'], 'queues:write', true],
  [['*:read'], 'audit:read', true],
  [['*:read', '-audit:read'], 'audit:read', false],
  [['*:read', '-audit:read'], 'queues:read', true],
  [['*:*', 'me'], 'users:write', true],
  [['*:*'], 'me', false],
  [['me'], 'me', true],
  [['calls:control'], 'me', false],
])('%j allow %s: %s', (patterns, wanted, expected) => {
  expect(allows(patterns, wanted)).toBe(expected);
});
