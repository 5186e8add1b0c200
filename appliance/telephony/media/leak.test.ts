import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Phone, wait } from './testing/phone.ts';
import { type TestSwitch, testSwitch } from './testing/switch.ts';

const CALLS = 7000; // two legs each

describe('fourteen thousand short legs', () => {
  let rig: TestSwitch;
  let phone: Phone;

  beforeAll(async () => {
    rig = await testSwitch(23_800, { legs: 40, ports: { first: 23_800, last: 23_999 } });
    phone = new Phone();
    await phone.open();
  });

  afterAll(async () => {
    phone?.close();
    await rig?.close();
  });

  async function call(i: number): Promise<[number, number]> {
    const { media } = rig;
    const [a, b] = [`a${i}`, `b${i}`];
    const remote = { address: '127.0.0.1', port: phone.port };
    const ports = [
      (await media.createLeg({ leg: a, codec: 'PCMA', telephoneEvent: 101, remote })).port,
      (await media.createLeg({ leg: b, near: a, codec: 'PCMU', remote })).port,
    ] as [number, number];
    await media.route([{ leg: a, hear: { kind: 'play', prompts: ['welcome'] } }]);
    await media.route([
      { leg: a, hear: { kind: 'leg', leg: b } },
      { leg: b, hear: i % 3 ? { kind: 'leg', leg: a } : { kind: 'mix', mix: `m${i}` } },
    ]);
    if (i % 50 === 0) {
      const file = join(rig.dir, 'recordings', `${i}.rg7`);
      await media.startRecording({ recording: `r${i}`, file, legs: [{ leg: a, stream: 0 }] });
      await media.stopRecording(`r${i}`);
    }
    await media.deleteLeg(a);
    await media.deleteLeg(b);
    return ports;
  }

  async function calls(from: number, to: number): Promise<void> {
    let next = from;
    const line = async () => {
      while (next < to) await call(next++);
    };
    await Promise.all(Array.from({ length: 8 }, line));
  }

  it('leave descriptors, memory and timers as they were', { timeout: 90_000 }, async () => {
    const pid = rig.holder.activePid!;
    const figures = () => ({
      fds: readdirSync(`/proc/${pid}/fd`).length,
      rssMb: Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))![1]) / 1024,
    });
    await calls(0, 3500); // the heap finds its size
    await wait(300);
    const before = figures();
    await calls(3500, CALLS);
    await wait(500);
    const after = figures();
    expect(await rig.media.list()).toEqual({ legs: [], recordings: [] });
    expect(after.fds).toBe(before.fds);
    expect(after.rssMb - before.rssMb).toBeLessThan(80); // legs that stayed would be 105 MB
    const { workers, recorder } = await rig.media.health();
    expect(workers).toMatchObject([{ legs: 0, tickers: 0 }]);
    expect(recorder.open).toBe(0);
  });

  it('let a port rest as long as possible', async () => {
    const seen: number[] = [];
    for (let i = 0; i < 20; i++) seen.push(...(await call(100_000 + i)));
    expect(new Set(seen).size).toBe(40);
  });
});
