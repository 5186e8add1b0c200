import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import type { InteractionTrace } from '#appliance/contract/work.ts';
import { delay } from '#appliance/kernel/async.ts';
import { Subscriber } from '#appliance/telephony/subscriptions/testing/subscriber.ts';
import { Instance } from '#test/support/instance.ts';
import type { Api } from './support/api.ts';
import { Floor } from './support/floor.ts';
import { secondsOfTone } from './support/tones.ts';

let instance: Instance;
let floor: Floor;
let sam: Api;

beforeAll(async () => {
  instance = await new Instance(22_000).start();
  floor = new Floor(instance);
  sam = await instance.signIn('sam');
});
afterAll(() => instance?.stop());
afterEach(() => floor?.clear());

const kinds = (trace: InteractionTrace) => trace.segments.map(({ kind, end }) => `${kind} ${end}`);
const traceOf = async (from: string) => {
  const { items } = await sam.get<{ items: { id: string; from: string }[] }>('/interactions?limit=20');
  return sam.get<InteractionTrace>(`/interactions/${items.find((item) => item.from === from)!.id}`);
};

async function killVoice(): Promise<void> {
  const old = instance.killRole('voice');
  await sam.until<{ components: { voice: { status: string } } }>(
    '/health',
    () => {
      try {
        return instance.pidOf('voice') !== old;
      } catch {
        return false;
      }
    },
    20_000,
  );
  // Ready when it answers for its calls again.
  for (let waited = 0; ; waited += 100) {
    try {
      await sam.get('/queues?limit=1');
      await bobPresence();
      return;
    } catch (error) {
      if (waited > 20_000) throw error;
      await delay(100);
    }
  }
}
const bobPresence = async () => (await instance.signIn('bob')).get('/me/offers');

it('voice is killed with a conversation, a waiting, a parked caller and one in the menu: none is lost and all go on', async () => {
  const bobPhone = await floor.deskPhone('bob', { says: 900, autoAnswer: true });
  const bob = await floor.ready('bob');
  // A desk phone with a key for Bob.
  const { sipPassword: password = '', extension: username = '' } = instance.firstRun.users.carol!;
  const watcher = await Subscriber.open(floor.port(), instance.sipPort, username, { username, password });
  const lamp = await watcher.subscribe(instance.firstRun.users.bob!.extension!);
  const lit = () => /<state>(\w+)/.exec(watcher.of(lamp.callId).at(-1)?.bodyText ?? '')?.[1];
  const [talking, waiting, choosing] = [
    await floor.caller('+15557101', { says: 600 }),
    await floor.caller('+15557102', { says: 700 }),
    await floor.caller('+15557103', { says: 800 }),
  ];
  const parked = await floor.caller('+15557104', { says: 500 });
  parked.call('+15550101');
  await bobPhone.until('CALL_ESTABLISHED');
  const { id: parkedId } = await traceOf('+15557104');
  // The phone is a moment ahead of the box.
  await sam.until<InteractionTrace>(`/interactions/${parkedId}`, ({ state }) => state === 'active');
  const { slot } = await bob.post<{ slot: string }>(`/calls/${parkedId}/park`);
  talking.call('+15550101');
  await bobPhone.until('CALL_ESTABLISHED', 10_000, 2);
  waiting.call('+15550101');
  await waiting.until('CALL_ESTABLISHED');
  choosing.call('+15550100');
  await choosing.until('CALL_ESTABLISHED');
  await delay(2000);
  const before = await traceOf('+15557102');
  expect(lit()).toBe('confirmed');
  const told = watcher.of(lamp.callId).length;

  await killVoice();
  await watcher.notify(lamp, told + 1);
  expect(lit()).toBe('confirmed');
  watcher.close();
  await delay(1500);
  expect(
    [talking, waiting, choosing, parked].flatMap((phone) => phone.events.filter(({ type }) => type === 'CALL_CLOSED')),
  ).toEqual([]);

  await choosing.press('1');
  const talk = await traceOf('+15557101');
  expect(talk.state).toBe('active');
  await bob.post(`/calls/${talk.id}/hold`);
  await bob.post(`/calls/${talk.id}/resume`);
  await bob.post(`/calls/${talk.id}/hangup`);
  await talking.until('CALL_CLOSED');
  await bob.post(`/interactions/${talk.id}/wrap-up`, { disposition: 'solved', notes: null });

  // The one who waited longest is next, then the one who chose after the restart.
  await bobPhone.until('CALL_ESTABLISHED', 10_000, 3);
  await delay(1000);
  waiting.hangUp();
  const second = await floor.newest(sam, () => true).then(() => traceOf('+15557102'));
  await bobPhone.until('CALL_CLOSED', 10_000, 3);
  await bob.post(`/interactions/${second.id}/wrap-up`, { disposition: null, notes: null });
  await bobPhone.until('CALL_ESTABLISHED', 10_000, 4);
  await delay(1000);
  choosing.hangUp();
  await bobPhone.until('CALL_CLOSED', 10_000, 4);
  const third = await traceOf('+15557103');
  await bob.post(`/interactions/${third.id}/wrap-up`, { disposition: null, notes: null });

  // Who was parked is there still, and whoever wants picks them up.
  expect(await bob.get('/calls/parked')).toMatchObject({
    items: [{ slot, from: '+15557104', parkedBy: { name: 'Bob' } }],
  });
  await bob.post(`/calls/parked/${slot}/pickup`);
  await bobPhone.until('CALL_ESTABLISHED', 10_000, 5);
  await delay(500);
  parked.hangUp();
  await bobPhone.until('CALL_CLOSED', 10_000, 5);
  const fourth = await traceOf('+15557104');
  expect(kinds(fourth).slice(0, 4)).toEqual([
    'queue answered',
    'agent transferred',
    'parked answered',
    'agent completed',
  ]);
  await delay(1500);

  const [one, two, three] = [await traceOf('+15557101'), await traceOf('+15557102'), await traceOf('+15557103')];
  expect(kinds(one)).toEqual(['queue answered', 'agent hold', 'hold resumed', 'agent completed', 'wrap-up completed']);
  expect(kinds(two).slice(0, 2)).toEqual(['queue answered', 'agent completed']);
  expect(two.segments[0]!.startedAt, 'the place in the queue is kept').toBe(before.segments[0]!.startedAt);
  expect(kinds(three).slice(0, 3)).toEqual(['flow queued', 'queue answered', 'agent completed']);
  for (const trace of [one, two, three]) {
    expect(trace.segments.filter(({ endedAt, kind }) => endedAt === null && kind !== 'wrap-up')).toEqual([]);
    const [first, ...rest] = trace.segments.filter(({ kind }) => kind !== 'wrap-up');
    let end = first!.endedAt;
    for (const segment of rest) {
      expect(segment.startedAt, 'no gap between segments').toBe(end);
      end = segment.endedAt;
    }
  }
  expect(bobPhone.heard(600), 'the conversation went on while voice was dead').toBeGreaterThan(3);
  const recorded = await sam.until<InteractionTrace>(
    `/interactions/${one.id}`,
    ({ recordings }) => recordings[0]?.state === 'ready',
  );
  expect(recorded.recordings).toHaveLength(1);
  const { rate, left, right } = await floor.listen(sam, recorded.recordings[0]!);
  const talked = one.segments
    .filter(({ kind }) => kind === 'agent')
    .reduce((sum, { durationS }) => sum + durationS!, 0);
  expect(secondsOfTone(left, rate, 600)).toBeGreaterThan(talked - 1);
  expect(secondsOfTone(right, rate, 900)).toBeGreaterThan(talked - 1);
});
