import { describe, expect, test } from 'vitest';
import { banMsAfter, GUARD_LIMITS, isScanner, newSource, onOffence, onRequest, sourceOf } from './rules.ts';

const limits = {
  ...GUARD_LIMITS,
  requestsPerS: 2,
  burst: 4,
  floodsToBan: 5,
  unknownToSilence: 3,
  unknownToBan: 6,
  passwordsToBan: 3,
  windowMs: 60_000,
};

describe('new dialogs of one source', () => {
  test('a burst is let through, then so many a second, then it is busy, then banned', () => {
    const source = newSource(0, limits);
    const burst = Array.from({ length: 6 }, () => onRequest(source, 0, limits).do);
    expect(burst).toEqual(['let', 'let', 'let', 'let', 'busy', 'busy']);
    expect(onRequest(source, 500, limits).do).toBe('let');
    expect(onRequest(source, 500, limits).do).toBe('busy');
    expect(onRequest(source, 500, limits).do).toBe('busy');
    expect(onRequest(source, 500, limits)).toEqual({ do: 'ban', why: 'flood' });
  });

  test('a steady caller within the rate is never touched', () => {
    const source = newSource(0, limits);
    for (let at = 0; at < 600_000; at += 500) expect(onRequest(source, at, limits).do).toBe('let');
  });

  test('old sins are forgotten when the window is over', () => {
    const source = newSource(0, limits);
    for (let i = 0; i < 8; i++) onRequest(source, 0, limits);
    expect(onRequest(source, 60_000, limits).do).toBe('let');
    expect(source.floods).toBe(0);
  });

  test('a clock that steps back gives no one a harder time', () => {
    const source = newSource(10_000, limits);
    expect(onRequest(source, 5_000, limits).do).toBe('let');
    expect(source.tokens).toBe(3);
  });
});

describe('who looks for users', () => {
  test('gets an answer twice, then silence, then a ban if it goes on', () => {
    const source = newSource(0, limits);
    expect(onOffence(source, 'unknown-user', 0, limits).do).toBe('let');
    expect(onOffence(source, 'unknown-user', 0, limits).do).toBe('let');
    expect(onRequest(source, 0, limits).do).toBe('let');
    expect(onOffence(source, 'unknown-user', 0, limits).do).toBe('silence');
    expect(onRequest(source, 0, limits).do).toBe('silence');
    expect(onRequest(source, 1000, limits).do).toBe('silence');
    expect(onRequest(source, 2000, limits)).toEqual({ do: 'ban', why: 'unknown-user' });
  });

  test.each([
    ['wrong-password', 3],
    ['scanner', 1],
    ['flood', 1],
    ['unknown-user', 6],
  ] as const)('%s is a ban after %i', (what, times) => {
    const source = newSource(0, limits);
    const said = Array.from({ length: times }, () => onOffence(source, what, 0, limits).do);
    expect(said.at(-1)).toBe('ban');
    expect(said.slice(0, -1)).not.toContain('ban');
  });
});

test.each([
  [0, 3600_000],
  [1, 7200_000],
  [3, 28_800_000],
  [50, 7 * 86_400_000],
])('after %i bans the next one lasts %i ms', (before, ms) => expect(banMsAfter(before, GUARD_LIMITS)).toBe(ms));

test.each([
  ['192.0.2.7', '192.0.2.7'],
  ['::ffff:192.0.2.7', '192.0.2.7'],
  ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
  ['2001:0DB8::1', '2001:db8:0:0::/64'],
  ['::1', '0:0:0:0::/64'],
  ['fe80::1%eth0', 'fe80:0:0:0::/64'],
])('%s counts as %s', (address, source) => expect(sourceOf(address)).toBe(source));

test.each([
  ['friendly-scanner', true],
  ['SIPVicious v1', true],
  ['Yealink SIP-T46S', false],
  [undefined, false],
])('%s is a scanner: %s', (agent, is) => expect(isScanner(agent)).toBe(is));
