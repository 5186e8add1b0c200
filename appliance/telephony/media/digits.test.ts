import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { InbandDetector } from './digits/inband.ts';
import { PCMA, toLinear } from './g711.ts';
import { Phone, until, wait } from './testing/phone.ts';
import { type TestSwitch, testSwitch } from './testing/switch.ts';

describe('digits between parties that can and cannot', () => {
  let rig: TestSwitch;
  let modern: Phone;
  let old: Phone;

  beforeAll(async () => {
    rig = await testSwitch(23_600, { ports: { first: 23_600, last: 23_799 } });
    modern = new Phone(PCMA, [400]);
    old = new Phone(PCMA, [1000]);
    const remote = (port: number) => ({ address: '127.0.0.1', port });
    const m = await rig.media.createLeg({
      leg: 'M',
      codec: 'PCMA',
      telephoneEvent: 101,
      remote: remote(await modern.open()),
    });
    const o = await rig.media.createLeg({ leg: 'O', codec: 'PCMA', remote: remote(await old.open()) });
    modern.call(m.port);
    old.call(o.port);
    await rig.media.route([
      { leg: 'M', hear: { kind: 'leg', leg: 'O' } },
      { leg: 'O', hear: { kind: 'leg', leg: 'M' } },
    ]);
    await wait(200);
  });

  afterAll(async () => {
    modern?.close();
    old?.close();
    await rig?.close();
  });

  it('hears keys in the audio of a party without telephone-event, and passes the audio on', async () => {
    await old.inbandKey(852, 1336, 80);
    await until(() => rig.digits('O', 'up') === '8');
    expect(rig.events.find(({ name }) => name === 'digit')?.event.via).toBe('inband');
    expect(rig.digits('M')).toBe('');
    await wait(100);
    expect(keysIn(modern)).toBe('8');
  });

  it('does not look for keys in the audio of a party with telephone-event', async () => {
    await modern.inbandKey(697, 1209, 100);
    await wait(200);
    expect(rig.digits('M')).toBe('');
    expect(keysIn(old)).toBe('1');
  });

  it('makes a tone of the event for the party that cannot', async () => {
    old.clear();
    await modern.key(6);
    await until(() => rig.digits('M', 'up') === '6');
    await wait(100);
    expect(keysIn(old)).toBe('6');
    expect(old.heard.filter((p) => p.payloadType > 95)).toEqual([]);
    const { seqBreaks, tsBackward, ssrcChanges } = old.continuity();
    expect({ seqBreaks, tsBackward, ssrcChanges }).toEqual({ seqBreaks: 0, tsBackward: 0, ssrcChanges: 0 });
  });

  it('sends digits as events, as tones, and returns to the conversation', async () => {
    modern.clear();
    old.clear();
    await rig.media.sendDigits('M', '42');
    await rig.media.sendDigits('M', '#');
    await rig.media.sendDigits('O', '7*');
    await wait(1100);
    const events = modern.heard.filter((p) => p.payloadType === 101);
    const keys = new Map(events.map((p) => [p.ts, p.payload[0]]));
    expect([...keys.values()]).toEqual([4, 2, 11]);
    expect(events.filter((p) => p.payload[1]! & 0x80)).toHaveLength(9);
    expect(events.filter((p) => p.marker)).toHaveLength(3);
    expect(keysIn(old)).toBe('7*');
    expect(modern.hears(150)).toBe('1000');
    expect(old.hears(150)).toBe('400');
    for (const phone of [modern, old]) {
      const { seqBreaks, tsBackward, ssrcChanges } = phone.continuity();
      expect({ seqBreaks, tsBackward, ssrcChanges }).toEqual({ seqBreaks: 0, tsBackward: 0, ssrcChanges: 0 });
    }
  });

  it('sends reports on the odd port, and a goodbye', async () => {
    await until(() => modern.rtcp.length > 0, 6000, 'report');
    expect(modern.rtcp[0]?.[1]).toBe(200);
    expect(modern.rtcp[0]?.readUInt32BE(4)).toBe(modern.heard[0]?.ssrc);
    const report = Buffer.alloc(8 + 24);
    report[0] = 0x81;
    report[1] = 201;
    report.writeUInt16BE(7, 2);
    report.writeUInt32BE(modern.ssrc, 4);
    report.writeUInt32BE(modern.heard[0]!.ssrc, 8);
    const sr = modern.rtcp.at(-1)!;
    report.writeUInt32BE(((sr.readUInt16BE(10) << 16) | sr.readUInt16BE(12)) >>> 0, 24);
    report.writeUInt32BE(0, 28);
    modern.rawRtcp(report);
    await wait(100);
    const rttMs = (await rig.media.stats('M'))?.rttMs ?? -1;
    expect(rttMs).toBeGreaterThan(0);
    expect(rttMs).toBeLessThan(6000);
    await rig.media.deleteLeg('M');
    await until(() => modern.rtcp.at(-1)?.includes(Buffer.from([0x81, 203, 0, 1])) === true);
  });

  it('lets a comfort noise packet be heard as noise', async () => {
    await rig.media.createLeg({
      leg: 'N',
      codec: 'PCMA',
      telephoneEvent: 101,
      remote: { address: '127.0.0.1', port: modern.port },
    });
    await rig.media.route([{ leg: 'N', hear: { kind: 'leg', leg: 'O' } }]);
    old.hush();
    await wait(300);
    modern.clear();
    old.send(13, Buffer.from([40]));
    await until(() => modern.heard.length > 0);
    expect(modern.heard).toHaveLength(1);
    expect(modern.heard[0]?.payloadType).toBe(PCMA);
    expect(modern.heard[0]?.payload).toHaveLength(160);
  });
});

function keysIn(phone: Phone): string {
  let keys = '';
  const detector = new InbandDetector((digit, phase) => {
    if (phase === 'down') keys += digit;
  });
  for (const { payload, payloadType } of phone.heard) {
    if (payloadType === PCMA) detector.audio(toLinear(PCMA), payload, 0, payload.length);
  }
  return keys;
}
