import { describe, expect, test } from 'vitest';
import { ManualClock } from '#appliance/kernel/clock.ts';
import type { Contact } from './contacts.ts';
import { Pinger } from './pinger.ts';
import { isWorthStoring, judge, NEVER_ASKED, nextInMs, type Reach, type Sign } from './reach.ts';

const at = (s: number) => new Date(s * 1000);
const yes: Reach = { reachable: true, roundTripMs: 8, since: at(1), missed: 0 };
const no: Reach = { reachable: false, roundTripMs: undefined, since: at(2), missed: 2 };

describe('what one sign changes', () => {
  test.each<[string, Reach, Sign, Partial<Reach>]>([
    [
      'a first answer makes it reachable',
      NEVER_ASKED,
      { kind: 'answered', roundTripMs: 5 },
      { reachable: true, since: at(9) },
    ],
    ['who never answered is not judged', NEVER_ASKED, { kind: 'missed' }, { reachable: undefined, missed: 1 }],
    ['not even after many', { ...NEVER_ASKED, missed: 7 }, { kind: 'missed' }, { reachable: undefined, missed: 8 }],
    ['a REGISTER tells nothing of OPTIONS', NEVER_ASKED, { kind: 'heard' }, NEVER_ASKED],
    ['another answer keeps the time', yes, { kind: 'answered', roundTripMs: 9 }, { since: at(1), roundTripMs: 9 }],
    ['one miss is a lost packet', yes, { kind: 'missed' }, { reachable: true, missed: 1, roundTripMs: 8 }],
    [
      'two are a phone that is gone',
      { ...yes, missed: 1 },
      { kind: 'missed' },
      { reachable: false, since: at(9), roundTripMs: undefined },
    ],
    ['an answer in between starts anew', { ...yes, missed: 1 }, { kind: 'answered', roundTripMs: 8 }, { missed: 0 }],
    ['gone stays gone', no, { kind: 'missed' }, { reachable: false, since: at(2) }],
    [
      'an answer brings it back',
      no,
      { kind: 'answered', roundTripMs: 3 },
      { reachable: true, since: at(9), roundTripMs: 3 },
    ],
    ['a REGISTER brings it back', no, { kind: 'heard' }, { reachable: true, since: at(9) }],
  ])('%s', (_, before, sign, after) => {
    expect(judge(before, sign, at(9))).toMatchObject(after);
  });

  test('it is asked soon while in doubt, and apart from others otherwise', () => {
    expect(nextInMs({ ...yes, missed: 1 }, 60_000, 0.5)).toBe(5_000);
    expect([nextInMs(yes, 60_000, 0), nextInMs(yes, 60_000, 1)]).toEqual([54_000, 66_000]);
    expect(nextInMs(no, 60_000, 0.5)).toBe(60_000);
  });

  test('only what became different is written', () => {
    expect(isWorthStoring(NEVER_ASKED, yes)).toBe(true);
    expect(isWorthStoring(yes, { ...yes, roundTripMs: 12 })).toBe(false);
    expect(isWorthStoring(yes, { ...yes, roundTripMs: 30 })).toBe(true);
    expect(isWorthStoring(yes, no)).toBe(true);
    expect(isWorthStoring(no, { ...no, missed: 3 })).toBe(false);
  });
});

describe('four hundred phones', () => {
  const contact = (id: string) => ({ id, phoneId: id, row: { contact: id } }) as unknown as Contact;

  test('are asked evenly over the minute, once each', async () => {
    const clock = new ManualClock();
    const perS = new Map<number, number>();
    let random = 0;
    const pinger = new Pinger({
      clock,
      everyMs: 60_000,
      ask: async () => {
        const s = Math.floor(clock.now().getTime() / 1000);
        perS.set(s, (perS.get(s) ?? 0) + 1);
        return 200;
      },
      current: contact,
      changed: () => {},
      store: () => {},
      random: () => (random = (random + 0.618) % 1),
    });
    for (let i = 0; i < 400; i++) pinger.restored(contact(`c${i}`), NEVER_ASKED);
    clock.advance(60_000);
    expect([...perS.values()].reduce((sum, n) => sum + n, 0)).toBe(400);
    expect(Math.max(...perS.values())).toBeLessThanOrEqual(12);
    pinger.stop();
  });

  test('a contact that went is not asked any more', async () => {
    const clock = new ManualClock();
    let asked = 0;
    const pinger = new Pinger({
      clock,
      everyMs: 1000,
      ask: async () => ++asked,
      current: () => undefined,
      changed: () => {},
      store: () => {},
    });
    pinger.heard(contact('a'));
    clock.advance(60_000);
    expect([asked, pinger.size]).toEqual([0, 0]);
  });

  test('one that falls silent is told once, and once when it is back', async () => {
    const clock = new ManualClock();
    let status = 200;
    const told: boolean[] = [];
    const stored: (boolean | undefined)[] = [];
    const pinger = new Pinger({
      clock,
      everyMs: 60_000,
      ask: async () => {
        if (status === 0) throw new Error('No answer');
        return status;
      },
      current: contact,
      changed: (_, reachable) => told.push(reachable),
      store: (_, { reachable }) => stored.push(reachable),
      random: () => 0.5,
    });
    const step = async (ms: number) => {
      clock.advance(ms);
      await new Promise(setImmediate);
    };
    pinger.heard(contact('a'));
    await step(6_000);
    status = 0;
    await step(60_000);
    expect(told).toEqual([]);
    await step(5_000);
    await step(60_000);
    expect(told).toEqual([false]);
    // Any answer shows that it lives.
    status = 486;
    await step(60_000);
    expect(told).toEqual([false, true]);
    status = 408;
    await step(60_000);
    await step(5_000);
    expect(told).toEqual([false, true, false]);
    pinger.heard(contact('a'));
    expect(told).toEqual([false, true, false, true]);
    expect(stored.filter((reachable) => reachable !== undefined)).toContain(false);
    pinger.stop();
  });
});
