import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { MeLive } from '#appliance/contract/live.ts';
import { delay } from '#appliance/kernel/async.ts';
import { Instance } from '#test/support/instance.ts';
import type { Api } from './support/api.ts';
import { Floor } from './support/floor.ts';

const CALLER = 600;
const BOB = 900;
const CAROL = 1100;

let instance: Instance;
let floor: Floor;
let admin: Api;
let sam: Api;
let bob: Api;
let carol: Api;
let sales: string;

beforeAll(async () => {
  instance = await new Instance(12_000).start();
  floor = new Floor(instance);
  admin = await instance.signIn('admin');
  sam = await instance.signIn('sam');
  bob = await instance.signIn('bob');
  carol = await instance.signIn('carol');
  const { items } = await admin.get<{ items: { id: string; name: string }[] }>('/queues');
  sales = items.find(({ name }) => name === 'Sales')!.id;
  await admin.change(`/queues/${sales}`, { offerTimeoutS: 3, wrapUp: 'none' });
});
afterAll(() => instance?.stop());
afterEach(async () => {
  await floor?.clear();
  for (const agent of [bob, carol]) await agent.put('/me/presence', { state: 'offline' });
});

const ready = (agent: Api) => agent.put('/me/presence', { state: 'ready' });
const presence = (agent: Api, test: (me: MeLive) => boolean) => agent.until<MeLive>('/me/work', test);

describe('an offer that nobody takes', () => {
  it('makes the agent not ready when the phone rings out, and the customer is next at the next agent', async () => {
    const [bobs, carols] = [
      await floor.deskPhone('bob', { says: BOB }),
      await floor.deskPhone('carol', { says: CAROL, autoAnswer: true }),
    ];
    await ready(bob);
    const first = await floor.caller('+15557201', { says: CALLER });
    first.call('+15550101');
    await bobs.until('CALL_INCOMING');
    const second = await floor.caller('+15557202', { says: CALLER });
    second.call('+15550101');
    await floor.callWith(sam, '+15557202', ({ state }) => state === 'waiting');
    await presence(bob, ({ presence, reason }) => presence === 'not-ready' && reason === 'RONA');
    await bobs.until('CALL_CLOSED');

    await ready(carol);
    await carols.until('CALL_ESTABLISHED');
    await delay(500);
    expect((await floor.callWith(sam, '+15557202')).state, 'who came later waits on').toBe('waiting');
    first.hangUp();
    await carols.until('CALL_ESTABLISHED', 10_000, 2);
    second.hangUp();
    const trace = await floor.callWith(sam, '+15557201', ({ state }) => state === 'ended');
    expect(trace.offers).toMatchObject([
      { agentName: 'Bob', state: 'timed-out' },
      { agentName: 'Carol', state: 'accepted' },
    ]);
    expect(trace.segments.map(({ kind, end }) => `${kind} ${end}`)).toEqual(['queue answered', 'agent completed']);
    await floor.callWith(sam, '+15557202', ({ state }) => state === 'ended');
  });

  it('goes to the next when the phone says busy or declined, and the agent stays ready', async () => {
    const carols = await floor.deskPhone('carol', { says: CAROL, autoAnswer: true });
    const bobs = await floor.sipp('phone-declines.xml', { phoneOf: 'bob', admin, to: false });
    await ready(bob);
    await delay(50);
    await ready(carol);
    const caller = await floor.caller('+15557203', { says: CALLER });
    caller.call('+15550101');
    await carols.until('CALL_ESTABLISHED');
    await bobs.done;
    await bobs.unplug();
    caller.hangUp();
    const trace = await floor.callWith(sam, '+15557203', ({ state }) => state === 'ended');
    expect(trace.offers.map(({ agentName, state }) => `${agentName} ${state}`)).toEqual([
      'Bob declined',
      'Carol accepted',
    ]);
    expect(await bob.get<MeLive>('/me/work')).toMatchObject({ presence: 'ready' });

    // 486, by the key of a desk phone.
    await carol.put('/me/presence', { state: 'offline' });
    const desk = await floor.deskPhone('bob', { says: BOB });
    const another = await floor.caller('+15557204', { says: CALLER });
    another.call('+15550101');
    await desk.until('CALL_INCOMING');
    await ready(carol);
    desk.hangUp();
    await carols.until('CALL_ESTABLISHED', 10_000, 2);
    another.hangUp();
    const second = await floor.callWith(sam, '+15557204', ({ state }) => state === 'ended');
    expect(second.offers.map(({ agentName, state }) => `${agentName} ${state}`)).toEqual([
      'Bob declined',
      'Carol accepted',
    ]);
  });

  it('takes an agent off whose phone is not there, or is dead', async () => {
    const carols = await floor.deskPhone('carol', { says: CAROL, autoAnswer: true });
    await ready(bob);
    const caller = await floor.caller('+15557205', { says: CALLER });
    const bobs = await floor.deskPhone('bob', { says: BOB });
    bobs.kill();
    caller.call('+15550101');
    await presence(bob, ({ presence, reason }) => presence === 'not-ready' && reason !== null);
    await ready(carol);
    await carols.until('CALL_ESTABLISHED');
    caller.hangUp();
    const trace = await floor.callWith(sam, '+15557205', ({ state }) => state === 'ended');
    expect(trace.offers.at(-1)).toMatchObject({ agentName: 'Carol', state: 'accepted' });
    expect(['timed-out', 'failed']).toContain(trace.offers[0]!.state);
  });
});

describe('a ringing phone', () => {
  it('of two of one agent stops when the other is picked up', async () => {
    const desk = await floor.deskPhone('bob', { says: BOB });
    const other = await floor.sipp('phone-rings-until-cancelled.xml', { phoneOf: 'bob', admin, to: false });
    await ready(bob);
    const caller = await floor.caller('+15557206', { says: CALLER });
    caller.call('+15550101');
    await desk.until('CALL_INCOMING');
    await expect.poll(() => other.messages()).toContain('180 Ringing');
    desk.answer();
    await desk.until('CALL_ESTABLISHED');
    await other.done;
    await other.unplug();
    expect(other.messages(), 'it rings as calls of queues do').toContain('info=alert-queue');
    expect(other.messages(), 'no missed call is shown').toContain('cause=200;text="Call completed elsewhere"');
    caller.hangUp();
    const trace = await floor.callWith(sam, '+15557206', ({ state }) => state === 'ended');
    expect(trace.offers).toHaveLength(1);
  });

  it('stops when the customer hangs up, and nobody is blamed', async () => {
    const desk = await floor.deskPhone('bob', { says: BOB });
    await ready(bob);
    const caller = await floor.caller('+15557207', { says: CALLER });
    caller.call('+15550101');
    await desk.until('CALL_INCOMING');
    caller.hangUp();
    await desk.until('CALL_CLOSED', 2000);
    const trace = await floor.callWith(sam, '+15557207', ({ state }) => state === 'ended');
    expect(trace).toMatchObject({ endReason: 'abandoned', offers: [{ state: 'withdrawn' }] });
    expect(trace.segments.map(({ kind, end }) => `${kind} ${end}`)).toEqual(['queue abandoned']);
    expect(await bob.get<MeLive>('/me/work')).toMatchObject({ presence: 'ready' });
  });

  it('is picked up by a colleague who dials ** and its extension, and counted once', async () => {
    const [bobs, carols] = [
      await floor.deskPhone('bob', { says: BOB }),
      await floor.deskPhone('carol', { says: CAROL }),
    ];
    await ready(bob);
    const caller = await floor.caller('+15557210', { says: CALLER });
    caller.call('+15550101');
    await bobs.until('CALL_INCOMING');
    expect(await carol.get('/calls/ringing')).toMatchObject({
      items: [{ agentName: 'Bob', from: '+15557210', queueName: 'Sales' }],
    });
    carols.dial(`sip:**1002@127.0.0.1:${instance.sipPort}`);
    await carols.until('CALL_ESTABLISHED');
    await bobs.until('CALL_CLOSED', 2000);
    await delay(800);
    expect(caller.heard(CAROL)).toBeGreaterThan(0.2);
    caller.hangUp();
    const trace = await floor.callWith(sam, '+15557210', ({ state }) => state === 'ended');
    expect(trace.segments.map(({ kind, end }) => `${kind} ${end}`)).toEqual(['queue answered', 'agent completed']);
    expect(trace).toMatchObject({ agentName: 'Carol' });
    expect(trace.offers.map(({ agentName, state }) => `${agentName} ${state}`)).toEqual([
      'Bob withdrawn',
      'Carol accepted',
    ]);
    expect(await bob.get<MeLive>('/me/work')).toMatchObject({ presence: 'ready' });
  });

  it('rings for one call at a time, and a break asked for while talking begins afterwards', async () => {
    const desk = await floor.deskPhone('bob', { says: BOB, autoAnswer: true });
    await ready(bob);
    const [talking, waiting] = [
      await floor.caller('+15557208', { says: CALLER }),
      await floor.caller('+15557209', { says: CALLER }),
    ];
    talking.call('+15550101');
    await desk.until('CALL_ESTABLISHED');
    waiting.call('+15550101');
    await floor.callWith(sam, '+15557209', ({ state }) => state === 'waiting');
    await bob.put('/me/presence', { state: 'not-ready' });
    expect(await bob.get<MeLive>('/me/work')).toMatchObject({ presence: 'ready', pending: { state: 'not-ready' } });
    talking.hangUp();
    await presence(bob, (me) => me.presence === 'not-ready');
    expect((await floor.callWith(sam, '+15557209')).offers, 'a busy agent is offered nothing').toEqual([]);
    await ready(bob);
    await desk.until('CALL_ESTABLISHED', 10_000, 2);
    waiting.hangUp();
    await floor.callWith(sam, '+15557209', ({ state }) => state === 'ended');
  });
});
