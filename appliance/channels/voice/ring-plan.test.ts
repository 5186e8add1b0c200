import { describe, expect, it } from 'vitest';
import { ManualClock } from '#appliance/kernel/clock.ts';
import { DialFailed, type DialOptions, type DialTarget, type Leg } from '#appliance/telephony/calls/index.ts';
import { type RingStage, ringInTurn } from './ring-plan.ts';

const phone = (phoneId: string): DialTarget[] => [{ kind: 'phone', phoneId }];
const turn = (name: string, afterS: number, forS: number | null = null): RingStage => ({
  targets: phone(name),
  afterMs: afterS * 1000,
  forMs: forS === null ? null : forS * 1000,
});

function house() {
  const clock = new ManualClock();
  const said: string[] = [];
  const phones = new Map<string, { answer(): void; fail(q850: number, by?: 'party' | 'failure'): void }>();
  const calls = {
    dial(targets: DialTarget[], options: DialOptions) {
      const name = targets.map((one) => (one.kind === 'phone' ? one.phoneId : '?')).join('+');
      said.push(`${clock.now().getTime() / 1000}: ${name} rings`);
      let settle: { resolve(leg: Leg): void; reject(error: Error): void };
      const answered = new Promise<Leg>((resolve, reject) => {
        settle = { resolve, reject };
      });
      answered.catch(() => {});
      const fail = (q850: number, by: 'party' | 'failure' = 'failure') =>
        settle.reject(new DialFailed({ by, q850, text: '' }));
      if (options.ringTimeoutMs !== undefined) clock.after(options.ringTimeoutMs, () => fail(19));
      phones.set(name, { answer: () => settle.resolve({ id: name, hangup() {} } as unknown as Leg), fail });
      return {
        answered,
        legs: [],
        cancel(cause: { q850?: number } = {}) {
          said.push(`${clock.now().getTime() / 1000}: ${name} is told ${cause.q850}`);
          fail(16);
        },
      };
    },
  };
  return { clock, said, phones, calls };
}
async function pass(clock: ManualClock, s: number): Promise<void> {
  for (let at = 0; at < s; at++) {
    clock.advance(1000);
    for (let turns = 0; turns < 10; turns++) await Promise.resolve();
  }
}
const settled = async (answered: Promise<Leg>) =>
  answered.then(
    (leg) => leg.id,
    (error: DialFailed) => error.cause_.q850,
  );
const options = (ringTimeoutMs?: number): DialOptions => ({
  from: { number: '1' },
  ...(ringTimeoutMs ? { ringTimeoutMs } : {}),
});

describe('a ringing pattern', () => {
  it('rings one phone after another, and the first that answers has the call', async () => {
    const { clock, said, phones, calls } = house();
    clock.advance(-clock.now().getTime());
    const ringing = ringInTurn(calls, clock, [turn('browser', 0), turn('desk', 5), turn('outside', 12)], options());
    await pass(clock, 6);
    phones.get('browser')!.answer();
    expect(await settled(ringing.answered)).toBe('browser');
    await pass(clock, 10);
    expect(said).toEqual(['0: browser rings', '5: desk rings', '6: desk is told 26']);
  });

  it('lets a phone ring for its time alone', async () => {
    const { clock, said, phones, calls } = house();
    clock.advance(-clock.now().getTime());
    const ringing = ringInTurn(calls, clock, [turn('browser', 0, 4), turn('desk', 4)], options(20_000));
    await pass(clock, 5);
    expect(said).toEqual(['0: browser rings', '4: desk rings']);
    phones.get('desk')!.answer();
    expect(await settled(ringing.answered)).toBe('desk');
  });

  it.each([
    ['nobody at all', [20, 20], 20],
    ['one busy, one away', [20, 17], 17],
    ['one away, one not answered', [19, 20], 19],
  ])('does not wait for its moment when nothing rings any more: %s', async (_, causes, told) => {
    const { clock, phones, calls } = house();
    const ringing = ringInTurn(calls, clock, [turn('a', 0), turn('b', 30)], options());
    phones.get('a')!.fail(causes[0]!);
    await pass(clock, 0);
    for (let turns = 0; turns < 10; turns++) await Promise.resolve();
    phones.get('b')!.fail(causes[1]!);
    expect(await settled(ringing.answered)).toBe(told);
  });

  it('ends for all phones when the person says no on one', async () => {
    const { clock, phones, calls, said } = house();
    const ringing = ringInTurn(calls, clock, [turn('a', 0), turn('b', 30)], options());
    phones.get('a')!.fail(21, 'party');
    expect(await settled(ringing.answered)).toBe(21);
    await pass(clock, 40);
    expect(said.some((line) => line.includes('b rings'))).toBe(false);
  });

  it('ends when its time is over, and when it is called off', async () => {
    const { clock, calls } = house();
    const late = ringInTurn(calls, clock, [turn('a', 0, 3), turn('b', 5)], options(10_000));
    await pass(clock, 11);
    expect(await settled(late.answered)).toBe(19);
    const off = ringInTurn(calls, clock, [turn('a', 0), turn('b', 5)], options());
    off.cancel({ q850: 26 });
    expect(await settled(off.answered)).toBe(26);
  });
});
