import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { InteractionTrace, QueueFigures } from '#appliance/contract/work.ts';
import { delay } from '#appliance/kernel/async.ts';
import { Instance } from '#test/support/instance.ts';
import type { Api } from './support/api.ts';
import { Floor } from './support/floor.ts';
import { secondsOfTone } from './support/tones.ts';

const CALLER = 600;
const BOB = 900;

let instance: Instance;
let floor: Floor;
let sam: Api;

beforeAll(async () => {
  instance = await new Instance(16_000).start();
  floor = new Floor(instance);
  sam = await instance.signIn('sam');
});
afterAll(() => instance?.stop());
afterEach(() => floor?.clear());

const kinds = (trace: InteractionTrace) => trace.segments.map(({ kind, end }) => `${kind} ${end}`);

describe('a customer calls the sales number', () => {
  it('reaches the ready agent, is recorded on two sides, wrapped up and accounted for', async () => {
    const bobPhone = await floor.deskPhone('bob', { says: BOB, autoAnswer: true });
    const bob = await floor.ready('bob');
    const caller = await floor.caller('+15557001', { says: CALLER });

    caller.call('+15550101');
    await bobPhone.until('CALL_ESTABLISHED');
    await delay(3000);
    caller.hangUp();
    await bobPhone.until('CALL_CLOSED');

    let trace = await floor.newest(sam, ({ state }) => state === 'wrap-up');
    expect(trace).toMatchObject({
      channel: 'voice',
      direction: 'in',
      from: '+15557001',
      to: '+15550101',
      queueName: 'Sales',
      agentName: 'Bob',
    });
    await bob.post(`/interactions/${trace.id}/wrap-up`, { disposition: 'solved', notes: 'Wanted a price.' });
    trace = await floor.newest(sam, ({ state, recordings }) => state === 'ended' && recordings[0]?.state === 'ready');
    expect(kinds(trace)).toEqual(['queue answered', 'agent completed', 'wrap-up completed']);
    expect(trace).toMatchObject({ disposition: 'solved', notes: 'Wanted a price.', endReason: 'customer-hung-up' });
    expect(trace.offers).toMatchObject([{ state: 'accepted', agentName: 'Bob' }]);

    expect(caller.heard(BOB), 'the caller hears the agent').toBeGreaterThan(2);
    expect(bobPhone.heard(CALLER), 'the agent hears the caller').toBeGreaterThan(2);
    expect(caller.heard(CALLER), 'nobody hears an echo').toBe(0);

    const { rate, left, right } = await floor.listen(sam, trace.recordings[0]!);
    expect(secondsOfTone(left, rate, CALLER)).toBeGreaterThan(2);
    expect(secondsOfTone(right, rate, BOB)).toBeGreaterThan(2);
    expect(secondsOfTone(left, rate, BOB), 'the agent is not on the customer side').toBe(0);
    expect(secondsOfTone(right, rate, CALLER), 'the customer is not on the agent side').toBe(0);

    const talked = trace.segments.find(({ kind }) => kind === 'agent')!.durationS!;
    expect(trace.recordings[0]!.durationS).toBeCloseTo(talked, 0);
    const { figures } = await sam.get<{ figures: QueueFigures }>(`/queues/${trace.queueId}/figures`);
    expect(figures).toMatchObject({ offered: 1, answered: 1, abandoned: 0, serviceLevel: 1 });
    await bob.put('/me/presence', { state: 'offline' });
  });

  it('who gives up while waiting is an abandoned call, and nobody is rung any more', async () => {
    const caller = await floor.caller('+15557002', { says: CALLER });
    caller.call('+15550101');
    await caller.until('CALL_ESTABLISHED');
    await floor.newest(sam, ({ state, from }) => state === 'waiting' && from === '+15557002');
    caller.hangUp();
    const trace = await floor.newest(sam, ({ state }) => state === 'ended');
    expect(kinds(trace)).toEqual(['queue abandoned']);
    expect(trace.offers).toEqual([]);
  });
});

describe('a customer calls the main line', () => {
  it('hears the menu, presses 2 and reaches support', async () => {
    const bobPhone = await floor.deskPhone('bob', { says: BOB, autoAnswer: true });
    const bob = await floor.ready('bob');
    const caller = await floor.caller('+15557003', { says: CALLER });
    caller.call('+15550100');
    await caller.until('CALL_ESTABLISHED');
    await delay(1000);
    await caller.press('2');
    await bobPhone.until('CALL_ESTABLISHED');
    await delay(1000);
    bobPhone.hangUp();
    await caller.until('CALL_CLOSED');
    const trace = await floor.newest(sam, ({ state }) => state === 'wrap-up');
    expect(trace.queueName).toBe('Support');
    expect(kinds(trace)).toEqual(['flow queued', 'queue answered', 'agent completed', 'wrap-up null']);
    expect(trace.endReason).toBe('agent-hung-up');
    await bob.post(`/interactions/${trace.id}/wrap-up`, { disposition: null, notes: null });
    await bob.put('/me/presence', { state: 'offline' });
  });
});
