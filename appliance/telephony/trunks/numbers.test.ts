import { describe, expect, test } from 'vitest';
import { fromE164, isAnonymous, toE164 } from './numbers.ts';

describe('a number as written becomes E.164', () => {
  test.each([
    ['+49 30 1234567', 'DE', 'plus', '+49301234567'],
    ['+49 (0)30 1234567', 'DE', 'plus', '+49301234567'],
    ['030 1234567', 'DE', 'plus', '+49301234567'],
    ['030/123-4567', 'DE', 'national', '+49301234567'],
    ['0043 1 5123456', 'DE', 'plus', '+4315123456'],
    ['(212) 555-0100', 'US', 'plus', '+12125550100'],
    ['12125550100', 'US', 'plus', '+12125550100'],
    ['011 49 30 1234567', 'US', 'plus', '+49301234567'],
    ['02 9374 4000', 'AU', 'national', '+61293744000'],
    ['4930123456', 'US', 'e164', '+4930123456'],
    ['4930123456', null, 'e164', '+4930123456'],
    ['tel:+12125550100', null, 'plus', '+12125550100'],
    // Numbers for examples and tests, too short for their country, stay whole.
    ['+15550100', 'US', 'plus', '+15550100'],
    ['0049301234567', null, 'plus', '+49301234567'],
  ] as const)('%s in %s as %s is %s', (written, country, format, expected) => {
    expect(toE164(written, { country, format })).toBe(expected);
  });

  test.each([
    ['1001', '1001'],
    ['112', '112'],
    ['123456', '123456'],
    ['*97', '*97'],
    ['alice', 'alice'],
    ['', ''],
    ['anonymous', 'anonymous'],
    ['301234567', '301234567'],
    ['+', '+'],
  ])('%s without a country stays %s', (written, expected) => {
    expect(toE164(written, { country: null, format: 'plus' })).toBe(expected);
  });

  test('an unknown country is no country', () => {
    expect(toE164('0301234567', { country: 'XX', format: 'plus' })).toBe('0301234567');
  });

  test('endless input is cut', () => {
    expect(toE164('9'.repeat(10_000), { country: 'DE', format: 'plus' }).length).toBeLessThanOrEqual(65);
  });
});

describe('E.164 as a trunk wants it', () => {
  test.each([
    ['+49301234567', 'DE', 'plus', '+49301234567'],
    ['+49301234567', 'DE', 'e164', '49301234567'],
    ['+49301234567', 'DE', 'national', '0301234567'],
    ['+4315123456', 'DE', 'national', '0043' + '15123456'],
    ['+49301234567', 'US', 'national', '01149301234567'],
    ['+12125550100', 'US', 'national', '2125550100'],
    ['1001', 'DE', 'national', '1001'],
    ['+15550100', 'US', 'national', '5550100'],
  ] as const)('%s in %s as %s is %s', (number, country, format, expected) => {
    expect(fromE164(number, { country, format })).toBe(expected);
  });
});

test.each(['anonymous', 'Anonymous', 'Unknown', ''])('%j is nobody', (user) => {
  expect(isAnonymous(user)).toBe(true);
});
