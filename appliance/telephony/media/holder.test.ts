import { type ChildProcess, fork } from 'node:child_process';
import dgram from 'node:dgram';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createMediaClient } from './client.ts';
import { PCMA } from './g711.ts';
import { Holder } from './holder.ts';
import { Phone, toneFile, until, wait } from './testing/phone.ts';

const quiet = { info: () => undefined, warn: () => undefined, error: () => undefined };

describe('the holder', () => {
  let dir: string;
  let children: ChildProcess[];

  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), 'holder-'));
    children = [];
    mkdirSync(join(dir, 'prompts'));
    mkdirSync(join(dir, 'recordings'));
    writeFileSync(join(dir, 'prompts', 'music.al'), toneFile(2200, 1000));
  });

  afterEach(async () => {
    for (const child of children) child.kill('SIGKILL');
    await wait(300);
    rmSync(dir, { recursive: true, force: true });
  });

  const config = (first: number, legs = 10) => ({
    ports: { first, last: first + 99 },
    legs,
    workers: 1,
    address: '0.0.0.0',
    socketPath: join(dir, 'media.sock'),
    promptDir: join(dir, 'prompts'),
    recordingDir: join(dir, 'recordings'),
    stateFile: join(dir, 'media.state'),
  });

  async function role(first: number): Promise<ChildProcess> {
    const child = fork(new URL('testing/holder-process.ts', import.meta.url), [JSON.stringify(config(first))]);
    children.push(child);
    await new Promise((resolve) => {
      child.once('message', resolve);
    });
    return child;
  }

  it('may die itself: started again, it finds its calls on their ports', async () => {
    const first = await role(22_700);
    const media = createMediaClient({ socketPath: join(dir, 'media.sock'), log: quiet });
    await media.start();
    const phone = new Phone(PCMA, [400]);
    const remote = { address: '127.0.0.1', port: await phone.open() };
    const { port } = await media.createLeg({ leg: 'A', codec: 'PCMA', remote });
    phone.call(port);
    await media.route([{ leg: 'A', hear: { kind: 'play', prompts: ['music'], loop: true } }]);
    await wait(300);
    first.kill('SIGKILL');
    await role(22_700);
    await until(() => media.connected, 3000, 'connection');
    await wait(400);
    expect((await media.list()).legs).toEqual(['A']);
    expect(phone.hears(200)).toBe('2200');
    expect(phone.continuity()).toMatchObject({ ssrcChanges: 0, tsBackward: 0 });
    expect((await media.stats('A'))?.received).toBeGreaterThan(10);
    await media.stop();
    phone.close();
  });

  it('leaves out ports of other programs, and says when there are too few', async () => {
    const other = dgram.createSocket('udp4');
    await new Promise<void>((resolve) => other.bind(22_803, '0.0.0.0', resolve));
    const holder = new Holder({ ...config(22_800), log: quiet });
    await holder.start();
    const media = createMediaClient({ socketPath: join(dir, 'media.sock'), log: quiet });
    await media.start();
    const ports: number[] = [];
    for (let i = 0; i < 10; i++) ports.push((await media.createLeg({ leg: `L${i}`, codec: 'PCMA' })).port);
    expect(ports).toEqual([22_800, ...Array.from({ length: 9 }, (_, i) => 22_804 + 2 * i)]);
    await media.stop();
    await holder.stop();
    const greedy = new Holder({ ...config(22_800, 50), log: quiet });
    await expect(greedy.start()).rejects.toThrow('only 49 of 50 pairs of RTP ports are free in 22800-22899');
    other.close();
  });

  it('starts without its memory rather than not at all', async () => {
    writeFileSync(join(dir, 'media.state'), 'x'.repeat(2560));
    writeFileSync(join(dir, 'media.state.json'), '{"boot":');
    const holder = new Holder({ ...config(22_900), log: quiet });
    await holder.start();
    const media = createMediaClient({ socketPath: join(dir, 'media.sock'), log: quiet });
    await media.start();
    expect(await media.list()).toEqual({ legs: [], recordings: [] });
    await media.stop();
    await holder.stop();
  });
});

describe('the client', () => {
  it('says that media is away, within its time', async () => {
    const media = createMediaClient({ socketPath: '/tmp/there-is-no-such-media.sock', log: quiet, timeoutMs: 200 });
    void media.start();
    await expect(media.list()).rejects.toThrow('media is away: list (200 ms)');
    await media.stop();
    await expect(media.list()).rejects.toThrow('not started');
  });
});
