import { expect, it } from 'vitest';
import { ManualClock } from '#appliance/kernel/clock.ts';
import { Contacts } from './contacts.ts';
import type { RegistrationRow } from './store.ts';

it('a clock stepped by an hour takes no phone away; the end of its registration does', () => {
  const timers = new ManualClock();
  let stepMs = 0;
  const clock = {
    now: () => new Date(timers.now().getTime() + stepMs),
    after: (ms: number, fn: () => void) => timers.after(ms, fn),
  };
  const changes: boolean[] = [];
  const contacts = new Contacts(
    clock,
    (_, online) => changes.push(online),
    () => {},
  );
  const row: RegistrationRow = {
    id: 'r',
    phoneId: 'p',
    binding: 'b',
    contact: 'sip:1002@192.0.2.7:5060',
    path: [],
    transport: 'udp',
    address: '192.0.2.7',
    port: 5060,
    localAddress: '192.0.2.1',
    localPort: 5060,
    instance: 'box',
    callId: 'c',
    cseq: 1,
    userAgent: null,
    registeredAt: clock.now(),
    expiresAt: new Date(clock.now().getTime() + 300_000),
  };
  contacts.set(row, undefined);
  for (const hours of [1, -2]) {
    stepMs += hours * 3_600_000;
    expect(contacts.online('p')).toBe(true);
    expect(contacts.hasAddress('192.0.2.7')).toBe(true);
  }
  timers.advance(300_000);
  expect(contacts.online('p')).toBe(false);
  expect(changes).toEqual([true, false]);
});
