import { describe, expect, it } from 'vitest';
import { overwriteGetLocale } from '#lib/paraglide/runtime.js';
import { type Found, pointsOf } from './points.ts';

// Without a browser there is no choice of language to read.
overwriteGetLocale(() => 'en');

const NOW = Date.UTC(2026, 0, 5);
const certificate = { validTo: '2026-12-01T00:00:00Z', issuer: 'CA' } as Found['system']['certificate'];
const empty: Found = {
  system: { certificate },
  trunks: [],
  users: [{ role: 'admin' }],
  phones: [],
  queues: [],
  flows: [],
  dids: [],
  calls: [],
  lastBackupAt: null,
};
const whole: Found = {
  ...empty,
  trunks: [{ up: true }],
  users: [{ role: 'agent' }],
  phones: [{ kind: 'sip', online: true }],
  queues: [{ agents: 1 }],
  flows: [{ id: 'f', publishedVersionId: 'v' }],
  dids: [{ number: '+15550100', flowId: 'f' }],
  calls: [{ answeredAt: '2026-01-05' }],
  lastBackupAt: '2026-01-04',
};
const states = (found: Partial<Found>, of = whole) =>
  Object.fromEntries(pointsOf({ ...of, ...found }, NOW).map(({ key, state }) => [key, state]));

describe('the set-up of a box', () => {
  it('of a new box has everything to do but the certificate', () =>
    expect(states({}, empty)).toEqual({
      certificate: 'done',
      trunk: 'open',
      users: 'open',
      phones: 'open',
      queue: 'open',
      number: 'open',
      call: 'open',
      backup: 'open',
    }));
  it('is whole when calls are answered', () => expect(new Set(Object.values(states({})))).toEqual(new Set(['done'])));
  it.each<[string, Partial<Found>, string, string]>([
    [
      'a certificate that has expired',
      { system: { certificate: { ...certificate!, validTo: '2026-01-01T00:00:00Z' } } },
      'certificate',
      'wrong',
    ],
    [
      'a certificate for one more week',
      { system: { certificate: { ...certificate!, validTo: '2026-01-12T00:00:00Z' } } },
      'certificate',
      'open',
    ],
    ['a trunk that is not reached', { trunks: [{ up: false }] }, 'trunk', 'wrong'],
    ['a trunk that is switched off', { trunks: [{ up: true, enabled: false }] }, 'trunk', 'open'],
    ['an agent who may not sign in', { users: [{ role: 'agent', active: false }] }, 'users', 'open'],
    ['a phone that is not registered', { phones: [{ kind: 'sip', online: false }] }, 'phones', 'open'],
    ['a queue without agents', { queues: [{ agents: 0 }] }, 'queue', 'open'],
    ['a queue that is switched off', { queues: [{ agents: 3, active: false }] }, 'queue', 'open'],
    ['a number whose flow is not published', { flows: [{ id: 'f', publishedVersionId: null }] }, 'number', 'open'],
    ['one such number of two', { dids: [...whole.dids, { number: '+1', flowId: 'x' }] }, 'number', 'wrong'],
    ['a call that nobody answered', { calls: [{ answeredAt: null }] }, 'call', 'open'],
  ])('knows of %s', (_, found, key, state) => expect(states(found)[key]).toBe(state));
});
