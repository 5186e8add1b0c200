import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { PCMA, PCMU } from './g711.ts';
import { renderWav, writeWav } from './render.ts';
import { heardIn, peakOf, stereoOf } from './testing/hearing.ts';
import { Phone, until, wait } from './testing/phone.ts';
import { type TestSwitch, testSwitch } from './testing/switch.ts';

const TONES = [400, 1000, 1500];
const KEY_5 = [770, 1336] as const;

describe('recording', () => {
  let rig: TestSwitch;
  let customer: Phone;
  let agent: Phone;

  beforeAll(async () => {
    rig = await testSwitch(21_000);
    customer = new Phone(PCMA, [400]);
    agent = new Phone(PCMU, [1000]);
    const remote = (port: number) => ({ address: '127.0.0.1', port });
    const a = await rig.media.createLeg({
      leg: 'A',
      codec: 'PCMA',
      telephoneEvent: 101,
      remote: remote(await customer.open()),
    });
    const b = await rig.media.createLeg({
      leg: 'B',
      near: 'A',
      codec: 'PCMU',
      telephoneEvent: 101,
      remote: remote(await agent.open()),
    });
    customer.call(a.port);
    agent.call(b.port);
    await rig.media.route([
      { leg: 'A', hear: { kind: 'leg', leg: 'B' } },
      { leg: 'B', hear: { kind: 'leg', leg: 'A' } },
    ]);
    await wait(200);
  });

  afterAll(async () => {
    customer?.close();
    agent?.close();
    await rig?.close();
  });

  const closed = (recording: string) =>
    until(() => rig.events.some(({ name, event }) => name === 'recording-closed' && event.recording === recording));

  it('has the customer left and everybody else right, at the times they spoke', async () => {
    const file = join(rig.dir, 'recordings', 'sides.rg7');
    await rig.media.startRecording({ recording: 'sides', file, legs: [{ leg: 'A', stream: 0 }], meta: { id: 7 } });
    await wait(500);
    await rig.media.addToRecording('sides', 'B', 1);
    await wait(700);
    await rig.media.markRecording('sides', { transfer: 'bob' });
    await rig.media.stopRecording('sides');
    await closed('sides');
    const rendering = await renderWav(file);
    const { left, right } = await stereoOf(rendering);
    expect(rendering.header).toMatchObject({ recording: 'sides', meta: { id: 7 } });
    expect(rendering.durationS).toBeGreaterThan(1.15);
    expect(rendering.durationS).toBeLessThan(1.4);
    expect(heardIn(left, 0.1, 1.1, TONES)).toBe('400');
    expect(heardIn(right, 0.05, 0.45, TONES)).toBe('silence');
    expect(heardIn(right, 0.65, 1.1, TONES)).toBe('1000');
    expect(rendering.silence.left.longestSilenceS).toBeLessThan(0.1);
    expect(rendering.silence.right.longestSilenceS).toBeGreaterThan(0.4);
    const marks = rendering.marks.map(({ atS: _, ...mark }) => Object.keys(mark)[0]);
    expect(marks).toEqual(['joined', 'joined', 'transfer', 'stopped']);
    expect(rendering.damage).toEqual({ badBlocks: 0, tornBytes: 0 });
    expect(rendering.streams.map(({ lost }) => lost)).toEqual([0, 0]);
    await writeWav(rendering, join(rig.dir, 'sides.wav'));
    const wav = readFileSync(join(rig.dir, 'sides.wav'));
    expect(wav.readUInt32LE(40)).toBe(wav.length - 44);
  });

  it('leaves out what is said while it is paused, and keeps the time', async () => {
    const file = join(rig.dir, 'recordings', 'pause.rg7');
    const legs = [
      { leg: 'A', stream: 0 },
      { leg: 'B', stream: 1 },
    ];
    await rig.media.startRecording({ recording: 'pause', file, legs });
    await wait(400);
    await rig.media.pauseRecording('pause');
    customer.tones = [1500];
    await wait(500);
    customer.tones = [400];
    await wait(100);
    await rig.media.resumeRecording('pause');
    await wait(400);
    await rig.media.stopRecording('pause');
    await closed('pause');
    const rendering = await renderWav(file);
    const { left } = await stereoOf(rendering);
    expect(rendering.durationS).toBeGreaterThan(1.35);
    expect(peakOf(left, 1500)).toBeLessThan(300);
    expect(heardIn(left, 0.1, 0.35, TONES)).toBe('400');
    expect(heardIn(left, 0.5, 0.9, TONES)).toBe('silence');
    expect(heardIn(left, 1.1, 1.3, TONES)).toBe('400');
  });

  it('keeps blocked digits from the other party and from the file, however they are sent', async () => {
    const file = join(rig.dir, 'recordings', 'card.rg7');
    const legs = [
      { leg: 'A', stream: 0 },
      { leg: 'B', stream: 1 },
    ];
    await rig.media.startRecording({ recording: 'card', file, legs });
    await rig.media.blockDigits('A', true);
    await wait(200);
    agent.clear();
    rig.events.length = 0;
    for (const code of [4, 9, 0]) {
      await customer.key(code);
      await wait(80);
    }
    for (let i = 0; i < 4; i++) {
      await customer.inbandKey(...KEY_5, 60 + 20 * i);
      await wait(120);
    }
    await until(() => rig.digits('A', 'up') === '4905555', 2000, 'digits').catch((e) => {
      throw new Error(`${e.message}: ${rig.digits('A')} ${rig.digits('A', 'up')}`);
    });
    await wait(200);
    const heard = agent.samples(5000);
    const { ssrcChanges, seqBreaks, tsBackward } = agent.continuity();
    await rig.media.stopRecording('card');
    await closed('card');
    await rig.media.blockDigits('A', false);
    expect(agent.heard.filter((p) => p.payloadType > 95)).toEqual([]);
    expect({ ssrcChanges, seqBreaks, tsBackward }).toEqual({ ssrcChanges: 0, seqBreaks: 0, tsBackward: 0 });
    for (const hz of KEY_5) expect(peakOf(heard, hz)).toBeLessThan(700); // a 400 Hz voice leaks that much into 50 ms
    const { left } = await stereoOf(await renderWav(file));
    for (const hz of KEY_5) expect(peakOf(left, hz)).toBeLessThan(700);
    expect(peakOf(left, 400)).toBeGreaterThan(3000);
    await wait(300);
    expect(agent.hears(200)).toBe('400');
  });

  it('marks a leg that went away, and goes on', async () => {
    const file = join(rig.dir, 'recordings', 'left.rg7');
    await rig.media.createLeg({ leg: 'C', near: 'A', codec: 'PCMA' });
    const legs = [
      { leg: 'A', stream: 0 },
      { leg: 'C', stream: 2 },
    ];
    await rig.media.startRecording({ recording: 'left', file, legs });
    await rig.media.deleteLeg('C');
    await wait(100);
    await rig.media.stopRecording('left');
    await closed('left');
    const { marks, streams } = await renderWav(file);
    expect(marks.find((mark) => mark.left)).toMatchObject({ left: 'C', stream: 2 });
    expect(streams).toHaveLength(1);
  });

  it('writes inside of its folder only', async () => {
    const start = (file: string) => rig.media.startRecording({ recording: 'x', file, legs: [] });
    await expect(start('/etc/x.rg7')).rejects.toThrow('outside');
    await expect(start('../../x.rg7')).rejects.toThrow('outside');
    await expect(start(join(rig.dir, 'recordings', 'deep', 'x.rg7'))).resolves.toBeUndefined();
    await rig.media.stopRecording('x');
    expect((await rig.media.list()).recordings).toEqual([]);
  });

  it('says that a recording cannot be written', async () => {
    mkdirSync(join(rig.dir, 'recordings', 'taken.rg7'));
    const taken = { recording: 't', file: join(rig.dir, 'recordings', 'taken.rg7'), legs: [] };
    await expect(rig.media.startRecording(taken)).rejects.toThrow('EISDIR');
    expect((await rig.media.list()).recordings).toEqual([]);
  });

  it('reads on after a torn block', async () => {
    const file = join(rig.dir, 'recordings', 'sides.rg7');
    const whole = readFileSync(file);
    const second = whole.indexOf('BLK1', whole.indexOf('BLK1') + 4);
    const third = whole.indexOf('BLK1', second + 4);
    const torn = join(rig.dir, 'torn.rg7');
    writeFileSync(torn, Buffer.concat([whole.subarray(0, second + 500), whole.subarray(third)]));
    const rendering = await renderWav(torn);
    expect(rendering.damage.badBlocks).toBe(1);
    expect(rendering.streams[0]?.frames).toBeGreaterThan(30);
    expect(rendering.marks.at(-1)).toHaveProperty('stopped');
    writeFileSync(torn, whole.subarray(0, whole.length - 100));
    expect((await renderWav(torn)).durationS).toBeGreaterThan(0.8);
    writeFileSync(torn, 'RIFF');
    await expect(renderWav(torn)).rejects.toThrow('no recording');
    expect(existsSync(torn)).toBe(true);
  });
});
