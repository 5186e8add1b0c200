import { expect, it } from 'vitest';
import { tooOld } from './node-modules.mjs';

it.each([
  ['18.20.4', true],
  ['20.18.3', true],
  ['20.19.2', false],
  ['22.4.0', false],
  ['26.10.0', false],
])('npm on Node %s leaves the build tools incomplete: %s', (version, expected) => {
  expect(tooOld(version)).toBe(expected);
});
