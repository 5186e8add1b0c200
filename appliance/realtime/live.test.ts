import type { AddressInfo } from 'node:net';
import type { Server } from '@hapi/hapi';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import type { BusEvent } from '#appliance/contract/bus.ts';
import type { Permission, Role } from '#appliance/contract/identity.ts';
import { fakeAudit, fakeGatekeeper, tokenOf } from '#appliance/http/fake-gatekeeper.ts';
import { createServer } from '#appliance/http/server.ts';
import { ManualClock, systemClock } from '#appliance/kernel/clock.ts';
import { AppError } from '#appliance/kernel/errors.ts';
import { type Bus, memoryBus } from '#appliance/platform/bus/index.ts';
import { silentLog } from '#appliance/platform/log/index.ts';
import { CLOSE, LIMITS } from './connection.ts';
import { type LiveDoor, openLiveDoor } from './door.ts';
import { LiveHub } from './hub.ts';
import { createTopics, type Topics } from './topic.ts';

interface Message {
  topic?: string;
  seq?: number;
  snapshot?: unknown;
  set?: { id: string }[];
  remove?: string[];
  state?: unknown;
  pong?: number;
  error?: { code: string };
}

const changed: BusEvent = { type: 'queue.changed', queueId: 'q1' };
const allows = (role: Role, permission: Permission) => permission === 'me' || role !== 'agent';

let server: Server;
let bus: Bus;
let topics: Topics;
let door: LiveDoor;
let port: number;
let alive: boolean;
let queues: { id: string; waiting: number }[];
let reads: number;
let failing: AppError | undefined;
let open: WebSocket[];

async function start(clock = systemClock): Promise<void> {
  bus = memoryBus();
  topics = createTopics();
  topics.registerTopic('queues', {
    permission: 'queues:read',
    shape: 'list',
    snapshot: async () => {
      reads++;
      if (failing) throw failing;
      return queues;
    },
    affects: (event) => event.type === 'queue.changed',
  });
  topics.registerTopic('me', {
    permission: 'me',
    shape: 'state',
    key: (actor) => actor.userId,
    snapshot: async (actor) => ({ who: actor.username }),
    affects: (event) => (event.type === 'agent.changed' ? [event.agentId] : false),
  });
  topics.registerTopic('interactions', {
    permission: 'me',
    shape: 'state',
    withId: true,
    snapshot: async (_actor, id) => {
      if (id === 'none') throw new AppError('not-found', 'interaction-unknown', 'There is none');
      return { id, big: 'x'.repeat(50_000), at: reads++ };
    },
    affects: (event) => event.type === 'interaction.changed' && [event.interactionId],
  });
  server = await createServer({ log: silentLog, gatekeeper: fakeGatekeeper(), audit: fakeAudit(), bus });
  const hub = new LiveHub({ topics, bus, allows, clock });
  door = openLiveDoor(server, {
    hub,
    sessions: { isAlive: async () => alive, touch: async () => {} },
    clock,
    log: silentLog,
  });
  await server.start();
  port = (server.listener.address() as AddressInfo).port;
}

beforeEach(() => {
  alive = true;
  reads = 0;
  failing = undefined;
  queues = [
    { id: 'q1', waiting: 0 },
    { id: 'q2', waiting: 5 },
  ];
  open = [];
});
afterEach(async () => {
  for (const socket of open) socket.terminate();
  await door.close();
  await server.stop({ timeout: 500 });
  await bus.close();
});

/** A screen: what it was told, in order, and a way to wait for more. */
async function screen(
  role: Role = 'supervisor',
  headers: Record<string, string> = { authorization: `Bearer ${tokenOf(role)}` },
) {
  const socket = new WebSocket(`ws://127.0.0.1:${port}/api/v1/live`, { headers });
  open.push(socket);
  const told: Message[] = [];
  let wake = () => {};
  socket.on('message', (data) => {
    told.push(JSON.parse(String(data)));
    wake();
  });
  await new Promise<void>((resolve, reject) => {
    socket.once('open', () => resolve());
    socket.once('error', reject);
  });
  return {
    socket,
    told,
    say: (message: unknown) => socket.send(typeof message === 'string' ? message : JSON.stringify(message)),
    async until(found: (message: Message) => boolean): Promise<Message> {
      for (;;) {
        const message = told.find(found);
        if (message) return message;
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
    },
    closed: new Promise<number>((resolve) => socket.once('close', (code) => resolve(code))),
  };
}

async function refusal(headers: Record<string, string>, path = '/api/v1/live'): Promise<number> {
  const socket = new WebSocket(`ws://127.0.0.1:${port}${path}`, { headers });
  return new Promise((resolve) => {
    socket.once('unexpected-response', (_request, response) => resolve(response.statusCode ?? 0));
    socket.once('open', () => resolve(101));
    socket.once('error', () => {});
  });
}

describe('the live feed', () => {
  it('lets in who is signed in, with the cookie only from our own pages', async () => {
    await start();
    const host = `127.0.0.1:${port}`;
    expect(await refusal({})).toBe(401);
    expect(await refusal({ authorization: 'Bearer nonsense-nonsense-nonsense' })).toBe(401);
    expect(await refusal({ cookie: `sid=${tokenOf('agent')}`, origin: 'https://evil.example' })).toBe(403);
    expect(await refusal({ cookie: `sid=${tokenOf('agent')}` })).toBe(403);
    expect(await refusal({ cookie: `x="; sid=${tokenOf('agent')}`, origin: `https://${host}` })).toBe(101);
    expect(await refusal({ authorization: `Bearer ${tokenOf('agent')}`, origin: 'https://evil.example' })).toBe(403);
    expect(await refusal({ authorization: `Bearer ${tokenOf('agent')}` })).toBe(101);
    expect(await refusal({ authorization: `Bearer ${tokenOf('agent')}` }, '/api/v1/other')).toBe(404);
  });

  it('tells a snapshot, then only what changed, in sequence', async () => {
    await start();
    const { say, told, until } = await screen();
    say({ subscribe: 'queues' });
    expect(await until((message) => message.snapshot !== undefined)).toEqual({
      topic: 'queues',
      seq: 0,
      snapshot: queues,
    });
    queues = [
      { id: 'q1', waiting: 3 },
      { id: 'q3', waiting: 0 },
    ];
    bus.publish(changed);
    expect(await until((message) => message.seq === 1)).toEqual({
      topic: 'queues',
      seq: 1,
      set: queues,
      remove: ['q2'],
    });
    queues = [
      { id: 'q1', waiting: 4 },
      { id: 'q3', waiting: 0 },
    ];
    bus.publish(changed);
    expect(await until((message) => message.seq === 2)).toEqual({
      topic: 'queues',
      seq: 2,
      set: [{ id: 'q1', waiting: 4 }],
    });
    expect(told.map((message) => message.seq)).toEqual([0, 1, 2]);
  });

  it('makes one change of a burst, and reads once for all who watch', async () => {
    const clock = new ManualClock();
    await start(clock);
    const screens = await Promise.all([screen(), screen('admin'), screen()]);
    for (const { say } of screens) say({ subscribe: 'queues' });
    await Promise.all(screens.map(({ until }) => until((message) => message.snapshot !== undefined)));
    const before = reads;
    for (let n = 1; n <= 50; n++) {
      queues = [{ id: 'q1', waiting: n }];
      bus.publish(changed);
    }
    clock.advance(100);
    for (const { until, told } of screens) {
      await until((message) => message.set?.[0]?.id === 'q1');
      expect(told).toHaveLength(2);
    }
    expect(reads - before).toBe(1);
  });

  it('shows each person their own state, and nobody what their role may not see', async () => {
    await start();
    const agent = await screen('agent');
    agent.say({ subscribe: 'me' });
    expect(await agent.until((message) => message.topic === 'me')).toMatchObject({ snapshot: { who: 'agent' } });
    const supervisor = await screen('supervisor');
    supervisor.say({ subscribe: 'me' });
    expect(await supervisor.until((message) => message.topic === 'me')).toMatchObject({
      snapshot: { who: 'supervisor' },
    });
    for (const topic of [
      'queues',
      'nothing',
      'interactions',
      'me/1',
      'interactions/none',
      'interactions/../x',
      '__proto__',
      'x'.repeat(500),
    ]) {
      agent.say({ subscribe: topic });
      expect(
        await agent.until((message) => message.error !== undefined && message.topic === topic.slice(0, 100)),
        topic,
      ).toBeTruthy();
    }
    expect(agent.told.some((message) => message.topic === 'queues' && message.snapshot)).toBe(false);
  });

  it('says when what it shows cannot be read, and starts over with the whole', async () => {
    const clock = new ManualClock();
    await start(clock);
    const { say, until, told } = await screen();
    say({ subscribe: 'queues' });
    await until((message) => message.snapshot !== undefined);
    failing = new AppError('unavailable', 'no-answer', 'Nobody answered');
    clock.advance(100);
    bus.publish(changed);
    await until((message) => message.error?.code === 'no-answer');
    failing = undefined;
    queues = [{ id: 'q9', waiting: 1 }];
    clock.advance(1000);
    await until((message) => (message.snapshot as { id: string }[] | undefined)?.[0]?.id === 'q9');
    expect(told.at(-1)).toMatchObject({ topic: 'queues', snapshot: queues });
  });

  it('answers pings, and bad input with an error and no harm', async () => {
    await start();
    const { say, until, told, socket } = await screen();
    say({ ping: 41 });
    expect(await until((message) => message.pong === 41)).toMatchObject({ at: expect.stringMatching(/Z$/) });
    for (const bad of [
      '',
      '{',
      'null',
      '[]',
      '"x"',
      '{"subscribe":5}',
      '{"subscribe":{}}',
      '{"__proto__":{"subscribe":"me"}}',
    ])
      say(bad);
    socket.send(Buffer.from([0, 1, 2]));
    say({ ping: 42 });
    await until((message) => message.pong === 42);
    expect(told.filter((message) => message.error?.code === 'malformed')).toHaveLength(9);
  });

  it('ends with who floods it or sends too much at once', async () => {
    await start();
    const flood = await screen();
    for (let n = 0; n <= LIMITS.burst + 20; n++) flood.say({ ping: n });
    expect(await flood.closed).toBe(CLOSE.tooFast);
    const big = await screen();
    big.say(JSON.stringify({ subscribe: 'x'.repeat(LIMITS.messageBytes) }));
    expect(await big.closed).toBe(1009);
    const many = await screen();
    for (let n = 0; n < 90; n++) many.say({ subscribe: `interactions/${n}` });
    await many.until((message) => message.topic === 'interactions/89');
  });

  it('closes with the session', async () => {
    await start();
    const agent = await screen('agent');
    const other = await screen('supervisor');
    alive = false;
    bus.publish({ type: 'session.revoked', userId: '00000000-0000-7000-8000-000000000002' });
    expect(await agent.closed).toBe(CLOSE.signedOut);
    other.say({ ping: 1 });
    await other.until((message) => message.pong === 1);
    expect(door.open).toBe(1);
  });

  it('drops changes for a slow reader and gives it the whole when it reads again', async () => {
    await start();
    const slow = await screen();
    for (let n = 0; n < 50; n++) slow.say({ subscribe: `interactions/${n}` });
    await slow.until((message) => message.topic === 'interactions/49');
    slow.socket.pause();
    const event = (n: number): BusEvent => ({
      type: 'interaction.changed',
      interactionId: String(n),
      state: 'active',
      queueId: null,
      agentId: null,
      channel: 'voice',
    });
    for (let round = 0; round < 6; round++) {
      for (let n = 0; n < 50; n++) bus.publish(event(n));
      await new Promise((resolve) => setTimeout(resolve, 110));
    }
    slow.told.length = 0;
    slow.socket.resume();
    const lastSeq = new Map<string, number>();
    await slow.until((message) => message.topic === 'interactions/0' && message.snapshot !== undefined);
    // Whatever arrives, per topic it is the next in sequence or a whole snapshot.
    for (const { topic = '', seq = 0, snapshot } of slow.told) {
      const previous = lastSeq.get(topic);
      if (previous !== undefined && snapshot === undefined) expect(seq).toBe(previous + 1);
      lastSeq.set(topic, seq);
    }
  });
});
