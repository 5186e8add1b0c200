import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { fromLinear, PCMA } from './g711.ts';
import { BLOCK_HEADER, FRAME, fileHeader, markRecord, RECORD_HEADER, sealBlock, writeRecordHeader } from './recfile.ts';
import { renderWav } from './render.ts';
import { heardIn, stereoOf } from './testing/hearing.ts';
import { loudness } from './testing/phone.ts';

const dir = mkdtempSync(join(tmpdir(), 'render-'));
afterAll(() => rmSync(dir, { recursive: true, force: true }));

interface Packet {
  stream: number;
  seq: number;
  ts: number;
  /** 8 kHz ticks since the start. */
  at: number;
  payload: Buffer;
}

function recording(
  name: string,
  packets: Packet[],
  startTick = 4_294_967_000,
  marks: { at: number; mark: unknown }[] = [],
): string {
  const file = join(dir, `${name}.rg7`);
  const parts = [fileHeader({ recording: name, startedAt: new Date(0).toISOString(), startTick })];
  for (let i = 0; i < packets.length; i += 100) {
    const due = marks.filter(({ at }) => at <= packets[i]!.at && !(at <= (packets[i - 100]?.at ?? -1)));
    const noted = due.map(({ at, mark }) => markRecord((startTick + at) % 2 ** 32, mark));
    const records = packets.slice(i, i + 100).map(({ stream, seq, ts, at, payload }) => {
      const b = Buffer.alloc(RECORD_HEADER + payload.length);
      writeRecordHeader(b, 0, FRAME, stream, PCMA, payload.length, seq & 0xffff, ts >>> 0, (startTick + at) % 2 ** 32);
      payload.copy(b, RECORD_HEADER);
      return b;
    });
    const block = Buffer.concat([Buffer.alloc(BLOCK_HEADER), ...noted, ...records]);
    parts.push(sealBlock(block, block.length));
  }
  const last = packets.reduce((latest, { at }) => Math.max(latest, at), 0) + 160;
  const end = Buffer.concat([Buffer.alloc(BLOCK_HEADER), markRecord((startTick + last) % 2 ** 32, { stopped: 'x' })]);
  parts.push(sealBlock(end, end.length));
  writeFileSync(file, Buffer.concat(parts));
  return file;
}

/** A tone by a sender whose clock runs `ppm` fast, with jitter. */
function tone(
  stream: number,
  hz: number,
  seconds: number,
  options: { ppm?: number; jitter?: number; ptime?: number } = {},
) {
  const { ppm = 0, jitter = 0, ptime = 160 } = options;
  const encode = fromLinear(PCMA);
  const packets: Packet[] = [];
  for (let i = 0; i * ptime < seconds * 8000; i++) {
    const payload = Buffer.alloc(ptime);
    for (let k = 0; k < ptime; k++) {
      payload[k] = encode[Math.round(8000 * Math.sin((2 * Math.PI * hz * (i * ptime + k)) / 8000)) & 0xffff]!;
    }
    const at = Math.round((i * ptime) / (1 + ppm / 1e6)) + ((i * 7919) % (jitter + 1));
    packets.push({ stream, seq: 65_000 + i, ts: 4_294_900_000 + i * ptime, at, payload });
  }
  return packets;
}

describe('a recording as sound', () => {
  it('is free of the jitter of the network', async () => {
    const { left } = await stereoOf(await renderWav(recording('jitter', tone(0, 1000, 3, { jitter: 400 }))));
    expect(loudness(left, 1000, 8000, 16_000)).toBeGreaterThan(7500); // a single cut would spoil the phase
  });

  it('puts packets in order, forgets duplicates, bridges a short loss, leaves a long one silent', async () => {
    const packets = tone(0, 1000, 4);
    const swapped = [...packets.slice(0, 50), packets[51]!, packets[50]!, packets[51]!, ...packets.slice(52)];
    const lossy = swapped.filter(({ seq }) => seq !== 65_100 && !(seq >= 65_150 && seq < 65_170));
    const rendering = await renderWav(recording('loss', lossy));
    expect(rendering.streams).toMatchObject([{ stream: 0, lost: 21, runs: 1 }]);
    const { left, right } = await stereoOf(rendering);
    expect(loudness(left, 1000, 7000, 9000)).toBeGreaterThan(7500);
    expect(heardIn(left, 3.1, 3.35, [1000])).toBe('silence');
    expect(right.every((sample) => sample === 0)).toBe(true);
    expect(rendering.silence.left.longestSilenceS).toBeCloseTo(0.4, 1);
  });

  it('keeps both sides together although their clocks differ', async () => {
    const minutes = 5;
    const fast = tone(0, 400, minutes * 60, { ppm: 200 });
    const slow = tone(1, 1000, minutes * 60, { ppm: -200, ptime: 240 });
    const file = recording(
      'drift',
      [...fast, ...slow].sort((a, b) => a.at - b.at),
    );
    const rendering = await renderWav(file);
    expect(rendering.durationS).toBeGreaterThan(minutes * 60 - 1);
    expect(rendering.durationS).toBeLessThan(minutes * 60 + 1);
    const [left, right] = rendering.streams;
    expect(left?.moved).toBeGreaterThan(3);
    expect(left?.lost).toBe(0);
    expect(right?.lost).toBeLessThan(8); // a moved frame may leave a few milliseconds
    const sound = await stereoOf(rendering);
    expect(heardIn(sound.left, 200, 201, [400, 1000])).toBe('400');
    expect(heardIn(sound.right, 299, 299.5, [400, 1000])).toBe('1000');
  });

  it('goes on when the sender changes its clock', async () => {
    const first = tone(0, 400, 1);
    const second = tone(0, 1000, 1).map((p) => ({ ...p, ts: p.ts + 77_777, seq: p.seq + 9000, at: p.at + 12_000 }));
    const rendering = await renderWav(recording('source', [...first, ...second]));
    expect(rendering.streams[0]?.runs).toBe(2);
    const { left } = await stereoOf(rendering);
    expect([heardIn(left, 0, 1, [400, 1000]), heardIn(left, 1.6, 2.4, [400, 1000])]).toEqual(['400', '1000']);
  });

  it('does not grow with the length of a call', { timeout: 60_000 }, async () => {
    const silence = Buffer.alloc(160, 0xd5);
    const hour = Array.from({ length: 180_000 }, (_, i) => ({
      stream: i & 1,
      seq: i >> 1,
      ts: (i >> 1) * 320,
      at: (i >> 1) * 320,
      payload: silence,
    }));
    const rendering = await renderWav(recording('hours', hour));
    expect(rendering.durationS).toBeCloseTo(3600, 0);
    let bytes = 0;
    let largest = 0;
    for await (const part of rendering.pcm()) {
      bytes += part.length;
      largest = Math.max(largest, part.length);
    }
    expect(bytes).toBe(Math.round(rendering.durationS * 8000) * 4);
    expect(largest).toBeLessThanOrEqual(320_000);
  });
});

it('says where the switch was replaced and how long nothing was written', async () => {
  const all = tone(0, 500, 6); // 20 ms packets: two seconds are a hundred of them, which is a block
  const file = recording('gap', [...all.slice(0, 100), ...all.slice(200)], 1000, [
    { at: 31_000, mark: { gap: 'restart', at: 'x' } },
  ]);
  expect((await renderWav(file)).gaps).toEqual([{ atS: 2, lengthS: 2, why: 'restart' }]);
  expect((await renderWav(recording('whole', all))).gaps).toEqual([]);
});
