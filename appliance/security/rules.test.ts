import { describe, expect, it } from 'vitest';
import type { Permission, Role } from '#appliance/contract/identity.ts';
import { canonicalJson, storable } from './canonical-json.ts';
import { hashPassword, isOutdated, verifyPassword } from './password.ts';
import { allows } from './permissions.ts';
import { placeOf } from './throttle.ts';
import { matchingStep, newTotpSecret, totpAt } from './totp.ts';

describe('permissions', () => {
  it.each<[Permission, Role[]]>([
    ['users:write', ['admin']],
    ['users:read', ['admin', 'auditor']],
    ['audit:read', ['admin', 'auditor']],
    ['queues:read', ['admin', 'supervisor', 'agent', 'auditor']],
    ['queues:write', ['admin', 'supervisor']],
    ['trunks:write', ['admin']],
    ['trunks:read', ['admin', 'auditor']],
    ['calls:control', ['admin', 'supervisor', 'agent']],
    ['calls:monitor', ['admin', 'supervisor']],
    ['recordings:play', ['admin', 'supervisor', 'auditor']],
    ['recordings:read', ['admin', 'supervisor', 'auditor']],
    ['me', ['admin', 'supervisor', 'agent', 'auditor']],
    ['something-new:write', ['admin']],
  ])('%s belongs to %j', (permission, roles) => {
    const all: Role[] = ['admin', 'supervisor', 'agent', 'auditor'];
    expect(all.filter((role) => allows(role, permission))).toEqual(roles);
  });

  it('gives nothing to a role that does not exist', () => {
    expect(allows('king' as Role, 'queues:read')).toBe(false);
    expect(allows('constructor' as Role, 'queues:read')).toBe(false);
  });
});

describe('passwords', () => {
  it('verifies its own hash, and nothing else', async () => {
    const hash = await hashPassword('Grüße aus Åland');
    expect(await verifyPassword('Grüße aus Åland', hash)).toBe(true);
    expect(await verifyPassword('Grüße aus Åland'.normalize('NFD'), hash)).toBe(true);
    expect(await verifyPassword('Grüsse aus Åland', hash)).toBe(false);
    for (const broken of [undefined, null, '', 'plain', '$argon2id$v=19$m=19456,t=2,p=1$AAAA$AAAA', '$2b$10$xyz'])
      expect(await verifyPassword('', broken)).toBe(false);
    expect(isOutdated(hash)).toBe(false);
    expect(isOutdated(hash.replace('19456', '4096'))).toBe(true);
  });

  it('leaves the event loop free meanwhile', async () => {
    let ticks = 0;
    const timer = setInterval(() => ticks++, 1);
    await hashPassword('something long enough');
    clearInterval(timer);
    expect(ticks).toBeGreaterThan(3);
  });
});

describe('one-time codes', () => {
  // RFC 6238 appendix B: the secret is the ASCII text 12345678901234567890; the last six of its eight digits.
  const secret = 'GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ';
  it.each([
    [59, '287082'],
    [1111111109, '081804'],
    [1111111111, '050471'],
    [1234567890, '005924'],
    [2000000000, '279037'],
    [20000000000, '353130'],
  ])('at %i s the code is %s', (seconds, code) => {
    expect(totpAt(secret, seconds * 1000)).toBe(code);
  });

  it('counts for one step on either side, and once', () => {
    const key = newTotpSecret();
    const now = 1_800_000_000_000;
    const step = now / 30_000;
    expect(matchingStep(key, totpAt(key, now - 30_000), now, 0)).toBe(step - 1);
    expect(matchingStep(key, totpAt(key, now + 30_000), now, 0)).toBe(step + 1);
    expect(matchingStep(key, totpAt(key, now - 60_000), now, 0)).toBeUndefined();
    expect(matchingStep(key, totpAt(key, now), now, step)).toBeUndefined();
    for (const odd of ['', 'abcdef', '12345', '1234567', '１２３４５６'])
      expect(matchingStep(key, odd, now, 0)).toBeUndefined();
  });
});

describe('throttling', () => {
  it.each([
    ['192.0.2.1', '192.0.2.1'],
    ['2001:db8::1', '2001:db8:0:0::/64'],
    ['2001:db8:0:0:ffff::1', '2001:db8:0:0::/64'],
    ['::1', '0:0:0:0::/64'],
    ['fe80:0001:0002:0003:4:5:6:7', 'fe80:1:2:3::/64'],
  ])('takes %s for %s', (address, place) => {
    expect(placeOf(address)).toBe(place);
  });
});

describe('canonical JSON', () => {
  it('is one text, however the value was written', () => {
    expect(canonicalJson({ b: 1, a: { d: [1, 'x', null], c: true } })).toBe('{"a":{"c":true,"d":[1,"x",null]},"b":1}');
    expect(canonicalJson({ a: { c: true, d: [1, 'x', null] }, b: 1 })).toBe('{"a":{"c":true,"d":[1,"x",null]},"b":1}');
  });

  it('keeps only what the database keeps', () => {
    const deep: Record<string, unknown> = {};
    let at = deep;
    for (let index = 0; index < 50; index++) at = at.x = {} as Record<string, unknown>;
    const stored = storable({
      nul: 'a\0b',
      half: '\ud800x',
      not: Number.NaN,
      minus: -0,
      when: new Date(0),
      fn: () => 1,
      none: undefined,
      deep,
      long: 'x'.repeat(5000),
    }) as Record<string, unknown>;
    expect(stored).toMatchObject({ nul: 'ab', half: '\ufffdx', not: null, minus: 0, when: '1970-01-01T00:00:00.000Z' });
    expect(Object.keys(stored)).not.toContain('fn');
    expect(String(stored.long).length).toBe(2001);
    expect(JSON.stringify(stored).length).toBeLessThan(3000);
  });
});
