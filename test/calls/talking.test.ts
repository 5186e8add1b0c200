import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { MeLive } from '#appliance/contract/live.ts';
import type { InteractionTrace } from '#appliance/contract/work.ts';
import { delay } from '#appliance/kernel/async.ts';
import { Subscriber } from '#appliance/telephony/subscriptions/testing/subscriber.ts';
import { Instance } from '#test/support/instance.ts';
import type { Api } from './support/api.ts';
import type { Baresip } from './support/baresip.ts';
import { Floor } from './support/floor.ts';
import { writeTone } from './support/tones.ts';

const CALLER = 600;
const BOB = 900;
const CAROL = 1100;
const SAM = 1500;
const MUSIC = 1900;
const OUTSIDE = 2300;
const BEEP = 1000;
const GREETING = 1300;

let instance: Instance;
let floor: Floor;
let admin: Api;
let sam: Api;
let bob: Api;
let carol: Api;
let queues: Record<string, string>;
let bobs: Baresip;
let carols: Baresip;
let calls = 300;

beforeAll(async () => {
  instance = await new Instance(9_000).start();
  floor = new Floor(instance);
  admin = await instance.signIn('admin');
  sam = await instance.signIn('sam');
  bob = await instance.signIn('bob');
  carol = await instance.signIn('carol');
  const { items } = await admin.get<{ items: { id: string; name: string }[] }>('/queues');
  queues = Object.fromEntries(items.map(({ id, name }) => [name, id]));
  const music = await floor.toneAsPrompt(admin, 'music.tone', MUSIC);
  for (const id of Object.values(queues))
    await admin.change(`/queues/${id}`, { wrapUp: 'none', announcements: { music } });
});
afterAll(() => instance?.stop());
beforeEach(async () => {
  bobs = await floor.deskPhone('bob', { says: BOB, autoAnswer: true });
  carols = await floor.deskPhone('carol', { says: CAROL, autoAnswer: true });
});
afterEach(async () => {
  await floor?.clear();
  for (const agent of [bob, carol, sam]) await agent.put('/me/presence', { state: 'offline' });
});

/** A tone as somebody's recording. */
function tone(hz: number, seconds: number): Buffer {
  const dir = mkdtempSync(join(tmpdir(), 'greeting-'));
  writeTone(join(dir, 'tone.wav'), hz, seconds);
  const wav = readFileSync(join(dir, 'tone.wav'));
  rmSync(dir, { recursive: true });
  return wav;
}
const ready = (agent: Api) => agent.put('/me/presence', { state: 'ready' });
const kinds = (trace: InteractionTrace) => trace.segments.map(({ kind, end }) => `${kind} ${end}`);
/** Nobody is nowhere: each place of the customer begins when the last one ends. */
function gapless(trace: InteractionTrace): void {
  const places = trace.segments.filter(({ kind }) => kind !== 'consult' && kind !== 'wrap-up');
  for (const [index, place] of places.entries())
    if (index > 0)
      expect(place.startedAt, `${place.kind} begins when ${places[index - 1]!.kind} ends`).toBe(
        places[index - 1]!.endedAt,
      );
  expect(trace.segments.filter(({ endedAt }) => endedAt === null)).toEqual([]);
}
/** What a phone hears of each tone from now on for a while, in seconds. */
async function hears(phones: Baresip[], tones: number[], ms = 1200): Promise<boolean[][]> {
  await delay(250); // what is on its way
  const count = () => phones.map((phone) => tones.map((hz) => phone.heard(hz)));
  const before = count();
  await delay(ms);
  return count().map((row, i) => row.map((seconds, j) => seconds - before[i]![j]! > (ms / 1000) * 0.4));
}
/** A customer who talks with Bob. */
async function talk(): Promise<{ caller: Baresip; id: string; number: string }> {
  await ready(bob);
  const number = `+15557${calls++}`;
  const caller = await floor.caller(number, { says: CALLER });
  caller.call('+15550101');
  await bobs.until('CALL_ESTABLISHED');
  const { id } = await floor.callWith(sam, number, ({ state }) => state === 'active');
  return { caller, id, number };
}
const ended = (id: string) => sam.until<InteractionTrace>(`/interactions/${id}`, ({ state }) => state === 'ended');

describe('a customer on hold', () => {
  it('hears the music of the queue, whether by the screen or by the phone’s own key', async () => {
    const { caller, id } = await talk();
    expect(await hears([caller, bobs], [CALLER, BOB, MUSIC])).toEqual([
      [false, true, false],
      [true, false, false],
    ]);
    await bob.post(`/calls/${id}/hold`);
    expect(await hears([caller, bobs], [CALLER, BOB, MUSIC])).toEqual([
      [false, false, true],
      [false, false, false],
    ]);
    await bob.post(`/calls/${id}/resume`);
    expect(await hears([caller, bobs], [CALLER, BOB, MUSIC])).toEqual([
      [false, true, false],
      [true, false, false],
    ]);
    bobs.hold();
    await sam.until<InteractionTrace>(`/interactions/${id}`, ({ segments }) => segments.at(-1)?.kind === 'hold');
    expect(await hears([caller], [BOB, MUSIC])).toEqual([[false, true]]);
    bobs.resume();
    await sam.until<InteractionTrace>(`/interactions/${id}`, ({ segments }) => segments.at(-1)?.kind === 'agent');
    // baresip 1.0 plays nothing any more after a hold of its own, so only the customer is listened to.
    expect(await hears([caller], [BOB, MUSIC])).toEqual([[true, false]]);
    caller.hangUp();
    const trace = await ended(id);
    expect(kinds(trace)).toEqual([
      'queue answered',
      'agent hold',
      'hold resumed',
      'agent hold',
      'hold resumed',
      'agent completed',
    ]);
    gapless(trace);
    const measured = await sam.until<InteractionTrace>(`/interactions/${id}`, ({ quality }) => quality.length === 2);
    expect(measured.quality.map(({ party }) => party).sort()).toEqual(['agent', 'customer']);
    for (const { mos } of measured.quality) expect(mos).toBeGreaterThan(3.5);
  });
});

describe('a blind transfer', () => {
  it('to an agent, by the transfer key to an extension, and to a number outside: the customer goes along', async () => {
    const outside = await floor.caller('+12025550171', { says: OUTSIDE, autoAnswer: true });
    const trunk = await floor.trunkTo(admin, outside);
    const { caller, id } = await talk();
    await bob.post(`/calls/${id}/transfer`, { to: { kind: 'agent', agentId: await floor.idOf('carol') } });
    await carols.until('CALL_ESTABLISHED');
    await bobs.until('CALL_CLOSED');
    expect(await hears([caller, carols], [CALLER, CAROL])).toEqual([
      [false, true],
      [true, false],
    ]);

    carols.transfer(`sip:1002@127.0.0.1:${instance.sipPort}`);
    await bobs.until('CALL_ESTABLISHED', 10_000, 2);
    await carols.until('CALL_CLOSED');
    expect(await hears([caller, bobs], [CALLER, BOB])).toEqual([
      [false, true],
      [true, false],
    ]);

    await bob.post(`/calls/${id}/transfer`, { to: { kind: 'number', number: '+12025550171' } });
    await outside.until('CALL_ESTABLISHED');
    expect(await hears([caller, outside], [CALLER, OUTSIDE])).toEqual([
      [false, true],
      [true, false],
    ]);
    outside.hangUp();
    await caller.until('CALL_CLOSED');
    const trace = await ended(id);
    gapless(trace);
    expect(kinds(trace).filter((kind) => kind.startsWith('agent'))).toEqual([
      'agent transferred',
      'agent transferred',
      'agent transferred',
    ]);
    expect(trace.events.filter(({ type }) => type === 'transferred')).toHaveLength(3);
    expect(trace.quality.length).toBeGreaterThanOrEqual(4);
    await admin.remove(`/trunks/${trunk.id}`);
  });

  it('to a queue waits there; one that fails comes back to the agent', async () => {
    const { caller, id } = await talk();
    // Bob stays ready, but is not asked for whom he has just handed on.
    await bob.post(`/calls/${id}/transfer`, { to: { kind: 'queue', queueId: queues.Support } });
    await sam.until<InteractionTrace>(
      `/interactions/${id}`,
      ({ state, queueName }) => state === 'waiting' && queueName === 'Support',
    );
    expect(await hears([caller], [MUSIC, BOB])).toEqual([[true, false]]);
    await ready(carol);
    await carols.until('CALL_ESTABLISHED');
    await sam.until<InteractionTrace>(`/interactions/${id}`, ({ agentName }) => agentName === 'Carol');
    // Nobody is there at this extension; the other agent, idle for longer, is not asked.
    await carol.post(`/calls/${id}/transfer`, { to: { kind: 'extension', extension: '1001' } });
    const back = await sam.until<InteractionTrace>(
      `/interactions/${id}`,
      ({ state, events }) => state === 'active' && events.some(({ type }) => type === 'transfer-failed'),
      15_000,
    );
    expect(back.agentName).toBe('Carol');
    await delay(300);
    caller.hangUp();
    gapless(await ended(id));
  });
});

describe('a consultation', () => {
  it('is private and can be ended', async () => {
    const { caller, id } = await talk();
    const carolId = await floor.idOf('carol');
    await bob.post(`/calls/${id}/consult`, { to: { kind: 'agent', agentId: carolId } });
    await carols.until('CALL_ESTABLISHED');
    expect(await hears([caller, bobs, carols], [CALLER, BOB, CAROL, MUSIC])).toEqual([
      [false, false, false, true],
      [false, false, true, false],
      [false, true, false, false],
    ]);
    await bob.post(`/calls/${id}/consult/cancel`);
    await carols.until('CALL_CLOSED');
    expect(await hears([caller, bobs], [CALLER, BOB, MUSIC])).toEqual([
      [false, true, false],
      [true, false, false],
    ]);

    caller.hangUp();
    const trace = await ended(id);
    gapless(trace);
    expect(trace.segments.filter(({ kind }) => kind === 'consult')).toHaveLength(1);
  });

  it('completed hands the customer over; one that was not answered yet stops ringing when it is called off', async () => {
    const { caller, id } = await talk();
    await bob.post(`/calls/${id}/consult`, { to: { kind: 'extension', extension: '1003' } });
    await carols.until('CALL_ESTABLISHED');
    await bob.post(`/calls/${id}/consult/complete`);
    await bobs.until('CALL_CLOSED');
    expect(await hears([caller, carols], [CALLER, CAROL, MUSIC])).toEqual([
      [false, true, false],
      [true, false, false],
    ]);

    const sams = await floor.extraPhone(admin, 'sam', { says: SAM });
    await carol.post(`/calls/${id}/consult`, { to: { kind: 'agent', agentId: await floor.idOf('sam') } });
    await sams.until('CALL_INCOMING');
    await carol.post(`/calls/${id}/consult/cancel`);
    await sams.until('CALL_CLOSED', 2000);
    expect(await hears([caller, carols], [CALLER, CAROL, MUSIC])).toEqual([
      [false, true, false],
      [true, false, false],
    ]);
    caller.hangUp();
    gapless(await ended(id));
  });
});

describe('a conference', () => {
  it('takes eight: from a queue, from outside, one after another, and lets each go', async () => {
    // Five of it at once are loud: a tone whose overtones are nobody's.
    const FAR = 1500;
    const outside = await floor.caller('+12025550173', { says: FAR, autoAnswer: true });
    const trunk = await floor.trunkTo(admin, outside);
    const { caller, id } = await talk();
    await bob.post(`/calls/${id}/consult`, { to: { kind: 'queue', queueId: queues.Support } });
    await bob.until<MeLive>('/me/work', ({ work }) => work[0]?.call?.parties?.[0]?.state === 'waiting');
    await ready(carol);
    await carols.until('CALL_ESTABLISHED');
    const joined = (n: number) =>
      bob.until<MeLive>(
        '/me/work',
        ({ work }) => work[0]?.call?.parties?.filter(({ state }) => state === 'talking').length === n,
      );
    await joined(1);
    expect((await carol.get<MeLive>('/me/work')).work[0]?.call).toMatchObject({ id });
    await bob.post(`/calls/${id}/conference`);
    for (let n = 2; n <= 6; n++) {
      await bob.post(`/calls/${id}/consult`, { to: { kind: 'number', number: '+12025550173' } });
      await joined(n);
      await bob.post(`/calls/${id}/conference`);
    }
    expect(await hears([caller, bobs, carols, outside], [CALLER, BOB, CAROL, FAR])).toEqual([
      [false, true, true, true],
      [true, false, true, true],
      [true, true, false, true],
      // Five of its calls are in it and hear each other.
      [true, true, true, true],
    ]);
    await expect(
      bob.post(`/calls/${id}/consult`, { to: { kind: 'number', number: '+12025550173' } }),
      'eight are the most',
    ).rejects.toThrow('conference-full');
    const { work } = await bob.get<MeLive>('/me/work');
    await bob.post(`/calls/${id}/parties/${work[0]!.call!.parties!.at(-1)!.id}/remove`);
    await joined(5);
    bobs.hangUp();
    const left = await sam.until<InteractionTrace>(`/interactions/${id}`, ({ agentName }) => agentName === 'Carol');
    expect(left.state).toBe('active');
    expect(await hears([caller, carols], [CALLER, CAROL, FAR])).toEqual([
      [false, true, true],
      [true, false, true],
    ]);
    caller.hangUp();
    await outside.until('CALL_CLOSED', 10_000, 5);
    const trace = await ended(id);
    gapless(trace);
    expect(trace.segments.filter(({ kind }) => kind === 'consult')).toHaveLength(6);
    const { items } = await sam.get<{ items: InteractionTrace[] }>('/interactions?limit=5');
    const asked = items.find(({ direction, to }) => direction === 'internal' && to === 'Support')!;
    expect(kinds(await ended(asked.id))).toEqual(['queue answered', 'agent completed']);
    await admin.remove(`/trunks/${trunk.id}`);
  });
});

describe('somebody who is not there', () => {
  it('has callers forwarded to a mailbox, hears the message on the desk phone, and is called directly when back', async () => {
    await carol.upload('/me/voicemail-greeting', tone(GREETING, 1), 'audio/wav', 'PUT');
    const { sipPassword: password = '', extension: username = '' } = instance.firstRun.users.carol!;
    const phone = await Subscriber.open(floor.port(), instance.sipPort, username, { username, password });
    const lamp = await phone.subscribe(username, { event: 'message-summary' });
    const waiting = () => /Voice-Message: (\S+)/.exec(phone.of(lamp.callId).at(-1)?.bodyText ?? '')?.[1];
    await expect.poll(waiting).toBe('0/0');
    const rules = { always: { to: 'voicemail' }, busy: null, noAnswer: null, noAnswerAfterS: 20, notRegistered: null };
    expect(await carol.put('/me/forwarding', rules)).toMatchObject({ ...rules, mayForwardOutside: false });
    await delay(500); // `voice` reads the rules again when it hears of them
    bobs.dial(`sip:1003@127.0.0.1:${instance.sipPort}`);
    await bobs.until('CALL_ESTABLISHED');
    await expect.poll(() => bobs.heard(BEEP), { timeout: 8000, interval: 100 }).toBeGreaterThan(0.1);
    expect(bobs.heard(GREETING)).toBeGreaterThan(0.7);
    await delay(1900);
    bobs.hangUp();
    type Box = { items: { id: string; from: string; state: string; heard: boolean }[]; counts: object };
    const box = await carol.until<Box>('/me/voicemails', ({ items }) => items[0]?.state === 'ready', 15_000);
    expect(box).toMatchObject({ items: [{ from: '1002', heard: false }], counts: { fresh: 1, heard: 0 } });
    expect((await carol.bytes(`/me/voicemails/${box.items[0]!.id}/audio`)).headers['content-type']).toBe('audio/ogg');
    await expect(bob.get(`/me/voicemails/${box.items[0]!.id}/audio`), 'a message is for one person').rejects.toThrow(
      /404/,
    );
    await expect.poll(waiting, { timeout: 5000, message: 'the lamp of her phone' }).toBe('1/0');

    carols.dial(`sip:*97@127.0.0.1:${instance.sipPort}`);
    await carols.until('CALL_ESTABLISHED');
    await expect.poll(() => carols.heard(BOB), { timeout: 12_000, interval: 200 }).toBeGreaterThan(1);
    await carols.press('#'); // enough of it
    await carol.until<Box>('/me/voicemails', ({ items }) => items[0]!.heard);
    await expect.poll(waiting, { timeout: 5000 }).toBe('0/1');
    phone.close();
    carols.hangUp();
    carols.dial(`sip:*73@127.0.0.1:${instance.sipPort}`);
    await carol.until<{ always: unknown }>('/me/forwarding', ({ always }) => always === null);
    const trace = await floor.callWith(sam, '1003', ({ state }) => state === 'ended');
    expect(kinds(trace)).toEqual(['dial voicemail', 'voicemail completed']);

    // Back again, at a number of her own; and whom she parks by the transfer key, a colleague picks up.
    await admin.post('/dids', { number: '+15550177', agentId: await floor.idOf('carol') });
    const direct = await floor.caller('+15557399', { says: CALLER });
    direct.call('+15550177');
    await carols.until('CALL_ESTABLISHED', 10_000, 3);
    const { id } = await floor.callWith(sam, '+15557399', ({ state }) => state === 'active');
    await delay(300);
    carols.transfer(`sip:700@127.0.0.1:${instance.sipPort}`);
    await bob.until<{ items: object[] }>('/calls/parked', ({ items }) => items.length === 1);
    bobs.dial(`sip:701@127.0.0.1:${instance.sipPort}`);
    await bobs.until('CALL_ESTABLISHED', 10_000, 2);
    expect(await hears([direct, bobs], [CALLER, BOB])).toEqual([
      [false, true],
      [true, false],
    ]);
    direct.hangUp();
    const parked = await ended(id);
    gapless(parked);
    expect(kinds(parked)).toEqual(['dial answered', 'agent transferred', 'parked answered', 'agent completed']);
  });
});

describe('a supervisor', () => {
  it('listens unheard, whispers to the agent alone, joins in, and takes the call over', async () => {
    const sams = await floor.extraPhone(admin, 'sam', { says: SAM, autoAnswer: true });
    const { caller, id } = await talk();
    const everybody = [caller, bobs, sams];
    const tones = [CALLER, BOB, SAM];
    await sam.post(`/calls/${id}/monitor`, { mode: 'listen' });
    await sams.until('CALL_ESTABLISHED');
    expect(await hears(everybody, tones)).toEqual([
      [false, true, false],
      [true, false, false],
      [true, true, false],
    ]);
    await sam.post(`/calls/${id}/monitor`, { mode: 'whisper' });
    expect(await hears(everybody, tones)).toEqual([
      [false, true, false],
      [true, false, true],
      [true, true, false],
    ]);
    await sam.post(`/calls/${id}/monitor`, { mode: 'barge' });
    expect(await hears(everybody, tones)).toEqual([
      [false, true, true],
      [true, false, true],
      [true, true, false],
    ]);
    await sam.post(`/calls/${id}/monitor`, { mode: 'takeover' });
    await bobs.until('CALL_CLOSED');
    expect(await hears([caller, sams], tones)).toEqual([
      [false, false, true],
      [true, false, false],
    ]);
    caller.hangUp();
    const trace = await ended(id);
    gapless(trace);
    expect(trace).toMatchObject({ agentName: 'Sam' });
    expect(kinds(trace)).toEqual(['queue answered', 'agent transferred', 'agent completed']);
    await expect(bob.post(`/calls/${id}/monitor`, { mode: 'listen' }), 'only supervisors listen').rejects.toThrow(
      /403/,
    );
  });
});

describe('our people call', () => {
  it('each other, the world from the desk, and from the screen; each is accounted for', async () => {
    bobs.dial(`sip:1003@127.0.0.1:${instance.sipPort}`);
    await carols.until('CALL_ESTABLISHED');
    await bobs.until('CALL_ESTABLISHED');
    expect(await hears([bobs, carols], [BOB, CAROL])).toEqual([
      [false, true],
      [true, false],
    ]);
    bobs.hangUp();
    await carols.until('CALL_CLOSED');
    const internal = await floor.callWith(sam, '1003', ({ state }) => state === 'ended');
    expect(internal).toMatchObject({ direction: 'internal', from: '1002', to: '1003', agentName: 'Bob' });

    const outside = await floor.caller('+12025550172', { says: OUTSIDE, autoAnswer: true });
    const trunk = await floor.trunkTo(admin, outside);
    bobs.dial(`sip:+12025550172@127.0.0.1:${instance.sipPort}`);
    await outside.until('CALL_ESTABLISHED');
    await bobs.until('CALL_ESTABLISHED', 10_000, 2);
    expect(await hears([bobs, outside], [BOB, OUTSIDE])).toEqual([
      [false, true],
      [true, false],
    ]);
    outside.hangUp();
    await bobs.until('CALL_CLOSED', 10_000, 2);
    const out = await floor.callWith(
      sam,
      '+12025550172',
      ({ state, endedAt }) => state !== 'active' && endedAt !== null,
    );
    expect(out).toMatchObject({
      direction: 'out',
      from: '1002',
      to: '+12025550172',
      agentName: 'Bob',
      customer: { known: false },
    });
    expect(kinds(out).slice(0, 2)).toEqual(['dial answered', 'agent completed']);
    gapless({ ...out, segments: out.segments.filter(({ kind }) => kind !== 'wrap-up') });
    if (out.state === 'wrap-up') await bob.post(`/interactions/${out.id}/wrap-up`, { disposition: null, notes: null });

    const { interactionId } = await carol.post<{ interactionId: string }>('/calls', {
      to: '+12025550172',
      queueId: queues.Sales,
    });
    await carols.until('CALL_ESTABLISHED', 10_000, 2);
    await outside.until('CALL_ESTABLISHED', 10_000, 2);
    expect(await hears([carols, outside], [CAROL, OUTSIDE])).toEqual([
      [false, true],
      [true, false],
    ]);
    await carol.post(`/calls/${interactionId}/hangup`);
    await outside.until('CALL_CLOSED', 10_000, 2);
    const clicked = await ended(interactionId);
    expect(clicked).toMatchObject({ direction: 'out', queueName: 'Sales', agentName: 'Carol' });
    gapless(clicked);

    // Nobody answers there any more: an honest end.
    await outside.stop();
    const { interactionId: failing } = await carol.post<{ interactionId: string }>('/calls', { to: '1999' });
    const failed = await ended(failing);
    expect(failed).toMatchObject({ direction: 'internal', endReason: 'not-reached' });
    await admin.remove(`/trunks/${trunk.id}`);
  });
});
