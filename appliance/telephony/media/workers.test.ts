import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { PCMA } from './g711.ts';
import { Phone, until, wait } from './testing/phone.ts';
import { type TestSwitch, testSwitch } from './testing/switch.ts';
import { commonWorker, joinedWith } from './together.ts';

describe('several workers', () => {
  let rig: TestSwitch;
  const phones: Phone[] = [];

  beforeAll(async () => {
    rig = await testSwitch(22_600, { workers: 2 });
    for (const [i, hz] of [400, 1000, 1500, 2200].entries()) {
      const phone = new Phone(PCMA, [hz]);
      const remote = { address: '127.0.0.1', port: await phone.open() };
      const { port } = await rig.media.createLeg({ leg: `L${i}`, codec: 'PCMA', telephoneEvent: 101, remote });
      phone.call(port);
      phones.push(phone);
    }
    await wait(200);
  });

  afterAll(async () => {
    for (const phone of phones) phone.close();
    await rig?.close();
  });

  const bridge = (a: string, b: string) =>
    rig.media.route([
      { leg: a, hear: { kind: 'leg', leg: b } },
      { leg: b, hear: { kind: 'leg', leg: a } },
    ]);

  it('joins whoever shall hear each other, whichever worker they began in', async () => {
    await bridge('L0', 'L1');
    await bridge('L2', 'L3');
    await wait(400);
    expect(phones.map((phone) => phone.hears(250))).toEqual(['1000', '400', '2200', '1500']);
    await bridge('L1', 'L2');
    await rig.media.route(['L0', 'L3'].map((leg) => ({ leg, hear: { kind: 'mix', mix: 'm' } })));
    await wait(500);
    expect(phones.map((phone) => phone.hears(250))).toEqual(['2200', '1500', '1000', '400']);
    await rig.media.route([0, 1, 2, 3].map((i) => ({ leg: `L${i}`, hear: { kind: 'mix', mix: 'all' } })));
    await wait(500);
    expect(phones[0]!.hears(250)).toBe('1000+1500+2200');
  });

  it('keeps SSRC, sequence, time and digits over a move', async () => {
    for (const phone of phones) {
      const { ssrcChanges, seqBreaks, tsBackward, tsOffMs } = phone.continuity();
      expect({ ssrcChanges, seqBreaks, tsBackward }).toEqual({ ssrcChanges: 0, seqBreaks: 0, tsBackward: 0 });
      expect(tsOffMs).toBeLessThan(500); // the test's own ear is late at times
    }
    await phones[0]!.key(8);
    await until(() => rig.digits('L0', 'up') === '8');
  });

  it('finds them together again after a death', async () => {
    await until(() => rig.holder.standbyReady, 5000, 'standby');
    await wait(300);
    process.kill(rig.holder.activePid!, 'SIGKILL');
    await until(() => rig.events.some(({ name }) => name === 'restored'), 3000, 'restored');
    await wait(500);
    expect(phones[0]!.hears(250)).toBe('1000+1500+2200');
    expect(phones[0]!.continuity()).toMatchObject({ ssrcChanges: 0, tsBackward: 0 });
  });

  it('uses the ports again afterwards', async () => {
    for (let i = 0; i < 4; i++) await rig.media.deleteLeg(`L${i}`);
    for (let round = 0; round < 30; round++) {
      const pair = [`a${round}`, `b${round}`] as const;
      for (const leg of pair) await rig.media.createLeg({ leg, codec: 'PCMA' });
      await bridge(...pair);
      for (const leg of pair) await rig.media.deleteLeg(leg);
    }
    expect((await rig.media.list()).legs).toEqual([]);
  });
});

describe('who must live together', () => {
  it('is who hears whom, over mixes too', () => {
    const hears = new Map([
      ['a', { kind: 'leg', leg: 'b' } as const],
      ['b', { kind: 'none' } as const],
      ['c', { kind: 'mix', mix: 'm' } as const],
      ['d', { kind: 'mix', mix: 'm' } as const],
      ['e', { kind: 'leg', leg: 'd' } as const],
      ['f', { kind: 'play', prompts: ['x'] }],
    ]) as Parameters<typeof joinedWith>[1];
    expect([...joinedWith(['b'], hears)].sort()).toEqual(['a', 'b']);
    expect([...joinedWith(['c'], hears)].sort()).toEqual(['c', 'd', 'e']);
    expect([...joinedWith(['f'], hears)]).toEqual(['f']);
    expect(commonWorker([1, 0, 1])).toBe(1);
  });
});
