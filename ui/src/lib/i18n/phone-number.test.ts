import { expect, it } from 'vitest';
import { readable } from './phone-number.ts';

it.each([
  ['+15550100', '+1 555 0100'],
  ['+15551234567', '+1 555 123 4567'],
  ['+4930123456', '+49 301 234 56'],
  ['+358401234567', '+358 401 234 567'],
  ['sip:+15550100@10.0.0.1', '+1 555 0100'],
  ['1002', '1002'],
  ['anonymous', 'anonymous'],
  ['0301234567', '030 123 4567'],
  [null, ''],
])('%s reads %s', (address, expected) => {
  expect(readable(address)).toBe(expected);
});
