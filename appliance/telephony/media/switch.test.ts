import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { PCMA, PCMU } from './g711.ts';
import { Phone, until, wait } from './testing/phone.ts';
import { type TestSwitch, testSwitch } from './testing/switch.ts';

describe('two parties and the switch', () => {
  let rig: TestSwitch;
  let customer: Phone;
  let agent: Phone;

  beforeAll(async () => {
    rig = await testSwitch(20_000);
    customer = new Phone(PCMA, [400]);
    agent = new Phone(PCMU, [1000]);
    const [a, b] = [await customer.open(), await agent.open()];
    const at = (port: number) => ({ address: '127.0.0.1', port });
    const legA = await rig.media.createLeg({ leg: 'A', codec: 'PCMA', telephoneEvent: 101, remote: at(a) });
    const legB = await rig.media.createLeg({ leg: 'B', near: 'A', codec: 'PCMU', telephoneEvent: 96, remote: at(b) });
    expect(legA.port % 2).toBe(0);
    customer.call(legA.port);
    agent.call(legB.port);
  });

  afterAll(async () => {
    customer?.close();
    agent?.close();
    await rig?.close();
  });

  it('plays prompts one after another and says when they are over', async () => {
    await rig.media.route([{ leg: 'A', hear: { kind: 'play', prompts: ['welcome', 'menu'], token: 't1' } }]);
    await wait(300);
    expect(customer.hears(200)).toBe('600');
    await wait(350);
    expect(customer.hears(150)).toBe('1500');
    await until(() => rig.events.some(({ name, event }) => name === 'played' && event.token === 't1'));
  });

  it('bridges A-law and u-law parties, both ways', async () => {
    await rig.media.route([
      { leg: 'A', hear: { kind: 'leg', leg: 'B' } },
      { leg: 'B', hear: { kind: 'leg', leg: 'A' } },
    ]);
    await wait(400);
    expect(customer.hears(200)).toBe('1000');
    expect(agent.hears(200)).toBe('400');
    expect(agent.heard.at(-1)?.payloadType).toBe(PCMU);
  });

  it('reports a key and passes it on with the payload type of the other side', async () => {
    const keys = () => agent.heard.filter((p) => p.payloadType === 96).length;
    const before = keys();
    await customer.key(5);
    // Told with the first of its last three packets; the others are still on their way.
    await until(() => rig.digits('A', 'up').endsWith('5') && keys() === before + 8);
  });

  it('records both sides', async () => {
    const file = join(rig.dir, 'recordings', 'one.rg7');
    await rig.media.startRecording({ recording: 'R', file, legs: [{ leg: 'A', stream: 0 }], meta: { call: 1 } });
    await rig.media.addToRecording('R', 'B', 1);
    await wait(500);
    await rig.media.stopRecording('R');
    await until(() => rig.events.some(({ name }) => name === 'recording-closed'));
    expect(existsSync(file)).toBe(true);
    expect(readFileSync(file).length).toBeGreaterThan(8000);
  });

  it('keeps one SSRC, the sequence and the time through every change of source', async () => {
    await rig.media.route([{ leg: 'A', hear: { kind: 'play', prompts: ['music'], loop: true } }]);
    await wait(300);
    await rig.media.route([{ leg: 'A', hear: { kind: 'leg', leg: 'B' } }]);
    await wait(300);
    const { ssrcChanges, seqBreaks, tsBackward } = customer.continuity();
    expect({ ssrcChanges, seqBreaks, tsBackward }).toEqual({ ssrcChanges: 0, seqBreaks: 0, tsBackward: 0 });
  });

  it('gives statistics, at the end too', async () => {
    const stats = await rig.media.stats('A');
    expect(stats?.received).toBeGreaterThan(50);
    expect(stats?.lost).toBe(0);
    expect((await rig.media.deleteLeg('A'))?.mos).toBeGreaterThan(4);
    expect(await rig.media.deleteLeg('A')).toBeUndefined();
    expect((await rig.media.list()).legs).toEqual(['B']);
  });
});
