import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Hear } from './api.ts';
import { PCMA, PCMU } from './g711.ts';
import { Phone, wait } from './testing/phone.ts';
import { type TestSwitch, testSwitch } from './testing/switch.ts';

describe('several parties', () => {
  let rig: TestSwitch;
  let customer: Phone;
  let agent: Phone;
  let supervisor: Phone;

  beforeAll(async () => {
    rig = await testSwitch(22_000);
    const open = async (leg: string, payloadType: number, hz: number, ptimeMs: number) => {
      const phone = new Phone(payloadType, [hz]);
      phone.amplitude = 6000;
      phone.ptimeMs = ptimeMs;
      const remote = { address: '127.0.0.1', port: await phone.open() };
      const codec = payloadType === PCMA ? 'PCMA' : 'PCMU';
      const { port } = await rig.media.createLeg({ leg, codec, telephoneEvent: 101, remote });
      phone.call(port);
      return phone;
    };
    customer = await open('C', PCMA, 400, 30);
    agent = await open('A', PCMU, 1000, 10);
    supervisor = await open('S', PCMA, 1500, 40);
    await wait(100);
  });

  afterAll(async () => {
    for (const phone of [customer, agent, supervisor]) phone?.close();
    await rig?.close();
  });

  const mix = (hear?: string[]): Hear => ({ kind: 'mix', mix: 'm', ...(hear ? { hear } : {}) });
  const heard = async () => {
    await wait(600);
    return [customer.hears(250), agent.hears(250), supervisor.hears(250)];
  };

  it('conference: all hear all others', async () => {
    await rig.media.route(['C', 'A', 'S'].map((leg) => ({ leg, hear: mix() })));
    expect(await heard()).toEqual(['1000+1500', '400+1500', '400+1000']);
  });

  it('whisper: the supervisor is heard by the agent alone', async () => {
    await rig.media.route([{ leg: 'C', hear: mix(['A']) }]);
    expect(await heard()).toEqual(['1000', '400+1500', '400+1000']);
  });

  it('listen: the supervisor is heard by nobody', async () => {
    await rig.media.route([{ leg: 'A', hear: mix(['C']) }]);
    expect(await heard()).toEqual(['1000', '400', '400+1000']);
  });

  it('back to two parties, and a leg that leaves takes nobody along', async () => {
    await rig.media.route([
      { leg: 'C', hear: { kind: 'leg', leg: 'A' } },
      { leg: 'A', hear: { kind: 'leg', leg: 'C' } },
      { leg: 'S', hear: { kind: 'none' } },
    ]);
    expect(await heard()).toEqual(['1000', '400', 'nothing']);
    await rig.media.deleteLeg('S');
    expect((await heard()).slice(0, 2)).toEqual(['1000', '400']);
  });

  it('keeps sequence and time through all of that', () => {
    for (const phone of [customer, agent]) {
      const { ssrcChanges, seqBreaks, tsBackward } = phone.continuity();
      expect({ ssrcChanges, seqBreaks, tsBackward }).toEqual({ ssrcChanges: 0, seqBreaks: 0, tsBackward: 0 });
    }
  });

  it('lets eight parties talk', async () => {
    const crowd: Phone[] = [];
    const tones = [300, 500, 700, 900, 1100, 1300, 1700, 1900];
    for (const [i, hz] of tones.entries()) {
      const phone = new Phone(PCMA, [hz]);
      phone.amplitude = 3000;
      const remote = { address: '127.0.0.1', port: await phone.open() };
      phone.call((await rig.media.createLeg({ leg: `P${i}`, codec: 'PCMA', remote })).port);
      crowd.push(phone);
    }
    await rig.media.route(tones.map((_, i) => ({ leg: `P${i}`, hear: { kind: 'mix', mix: 'eight' } })));
    await wait(700);
    for (const [i, phone] of crowd.entries()) {
      expect(phone.hears(300, tones)).toBe(tones.filter((_, k) => k !== i).join('+'));
    }
    for (const [i, phone] of crowd.entries()) {
      phone.close();
      await rig.media.deleteLeg(`P${i}`);
    }
  });
});
