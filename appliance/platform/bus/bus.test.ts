import { afterEach, describe, expect, test, vi } from 'vitest';
import type { BusEvent } from '#appliance/contract/bus.ts';
import { AppError } from '#appliance/kernel/errors.ts';
import { testRedisUrl } from '#test/support/redis.ts';
import { silentLog } from '../log/index.ts';
import { openRedis } from '../redis/index.ts';
import type { Bus } from './index.ts';
import { createBus, memoryBus } from './index.ts';

const event = (queueId: string): BusEvent => ({ type: 'queue.changed', queueId });
const open: Bus[] = [];
afterEach(async () => {
  for (const bus of open.splice(0)) await bus.close();
});

async function redisPair(): Promise<[Bus, Bus, string]> {
  const redisUrl = await testRedisUrl();
  const a = await createBus({ redisUrl, instance: 'a', log: silentLog });
  const b = await createBus({ redisUrl, instance: 'b', log: silentLog });
  open.push(a, b);
  return [a, b, redisUrl];
}

async function memoryPair(): Promise<[Bus, Bus]> {
  const bus = memoryBus();
  open.push(bus);
  return [bus, bus];
}

describe.each([
  ['redis', redisPair],
  ['memory', memoryPair],
])('%s bus', (_name, pair) => {
  test('an event reaches every listener, numbered in order', async () => {
    const [a, b] = await pair();
    const seen: [string, number][] = [];
    b.subscribe((e, seq) => seen.push([(e as { queueId: string }).queueId, seq]));
    for (const id of ['1', '2', '3']) a.publish(event(id));
    await vi.waitFor(() => expect(seen.map(([id]) => id)).toEqual(['1', '2', '3']));
    expect(seen[2]![1] - seen[0]![1]).toBe(2);
  });

  test('a command is answered, and an AppError crosses with its kind, code and message', async () => {
    const [a, b] = await pair();
    b.handle('router', 'offer.accept', async ({ offerId }) => {
      if (offerId === 'gone') throw new AppError('conflict', 'offer-over', 'The offer is over.', { offerId });
      return {};
    });
    await vi.waitFor(async () =>
      expect(await a.call('router', 'offer.accept', { offerId: 'x', agentId: 'y' })).toEqual({}),
    );
    await expect(a.call('router', 'offer.accept', { offerId: 'gone', agentId: 'y' })).rejects.toMatchObject({
      kind: 'conflict',
      code: 'offer-over',
      message: 'The offer is over.',
      details: { offerId: 'gone' },
    });
  });

  test('a command that nobody takes, or nobody answers in time, fails as no-answer', async () => {
    const [a, b] = await pair();
    await expect(a.call('voice:none', 'health.voice', {})).rejects.toMatchObject({
      kind: 'unavailable',
      code: 'no-answer',
    });
    b.handle('voice', 'health.voice', () => new Promise(() => {}));
    await expect(a.call('voice', 'health.voice', {}, 50)).rejects.toMatchObject({ code: 'no-answer' });
  });
});

test('of two processes at one address exactly one runs the command', async () => {
  const [a, b] = await redisPair();
  let runs = 0;
  for (const bus of [a, b]) {
    bus.handle('voice', 'call.dial', async () => {
      runs++;
      return { interactionId: 'x' };
    });
  }
  await vi.waitFor(() => a.call('voice', 'call.dial', { agentId: 'a', to: '1' }));
  runs = 0;
  for (let i = 0; i < 20; i++) await b.call('voice', 'call.dial', { agentId: 'a', to: '1' });
  expect(runs).toBe(20);
});

test('a reader whose connection was cut is told of the gap and hears later events', async () => {
  const [a, b, redisUrl] = await redisPair();
  const seen: string[] = [];
  const onGap = vi.fn();
  b.subscribe((e) => seen.push((e as { queueId: string }).queueId), onGap);
  a.publish(event('before'));
  await vi.waitFor(() => expect(seen).toEqual(['before']));
  const admin = openRedis(redisUrl, silentLog);
  await admin.call('client', 'kill', 'type', 'pubsub');
  admin.disconnect();
  await vi.waitFor(() => expect(onGap).toHaveBeenCalled());
  await vi.waitFor(() => {
    a.publish(event('after'));
    expect(seen).toContain('after');
  });
});

test('a number that was skipped is a gap', async () => {
  const [a, b, redisUrl] = await redisPair();
  const seen: string[] = [];
  const onGap = vi.fn();
  b.subscribe((e) => seen.push((e as { queueId: string }).queueId), onGap);
  a.publish(event('one'));
  await vi.waitFor(() => expect(seen).toEqual(['one']));
  const admin = openRedis(redisUrl, silentLog);
  const [key] = await admin.keys('*:seq');
  await admin.incr(key!);
  admin.disconnect();
  a.publish(event('three'));
  await vi.waitFor(() => expect(seen).toEqual(['one', 'three']));
  expect(onGap).toHaveBeenCalledTimes(1);
});

test('a bus opens while Redis is away and refuses commands at once', async () => {
  const bus = await createBus({ redisUrl: 'unix:/nonexistent/redis.sock', instance: 'a', log: silentLog });
  open.push(bus);
  bus.publish(event('lost'));
  await expect(bus.call('router', 'live.agents', {})).rejects.toMatchObject({ code: 'no-answer' });
});

test('who does not listen says, asks and answers all the same', async () => {
  const [a, , redisUrl] = await redisPair();
  const quiet = await createBus({ redisUrl, instance: 'quiet', log: silentLog, listens: false });
  open.push(quiet);
  expect(() => quiet.subscribe(() => {})).toThrow();
  const seen: BusEvent[] = [];
  a.subscribe((e) => seen.push(e));
  quiet.publish(event('1'));
  await vi.waitFor(() => expect(seen).toEqual([event('1')]));
  quiet.handle('router', 'offer.accept', async () => ({}));
  await vi.waitFor(async () =>
    expect(await a.call('router', 'offer.accept', { offerId: 'x', agentId: 'y' })).toEqual({}),
  );
});
