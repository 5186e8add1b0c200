import { readdirSync, readFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { FlowDocumentInput } from '#appliance/contract/flow.ts';
import type { MeLive } from '#appliance/contract/live.ts';
import type { InteractionTrace, InteractionView } from '#appliance/contract/work.ts';
import { delay } from '#appliance/kernel/async.ts';
import { Instance } from '#test/support/instance.ts';
import type { Api } from './support/api.ts';
import type { Baresip } from './support/baresip.ts';
import { Floor } from './support/floor.ts';
import { secondsOfTone } from './support/tones.ts';

const CALLER = 600;
const BOB = 900;
const BEEP = 1000;
const MUSIC = 1900;
const WELCOME = 2300;
const CARD = '4539578763621486';
const PIN = '93847261';

let instance: Instance;
let floor: Floor;
let admin: Api;
let sam: Api;
let bob: Api;
let carol: Api;
let music: string;
let payments: Server;
const paid: string[] = [];
let numbers = 0;
/** Calls the main line when everything begins and presses nothing: the other tests need not wait for it. */
let silent: Baresip;

beforeAll(async () => {
  instance = await new Instance(12_000).start();
  floor = new Floor(instance);
  admin = await instance.signIn('admin');
  sam = await instance.signIn('sam');
  bob = await instance.signIn('bob');
  carol = await instance.signIn('carol');
  music = await floor.toneAsPrompt(admin, 'music.tone', MUSIC);
  payments = createServer((request, response) => {
    let body = '';
    request.on('data', (data) => {
      body += data;
    });
    request.on('end', () => {
      paid.push(body);
      response.setHeader('content-type', 'application/json').end('{"ok":true}');
    });
  }).listen(0, '127.0.0.1');
  await new Promise((resolve) => payments.once('listening', resolve));
  const { items } = await admin.get<{ items: { id: string; name: string }[] }>('/queues?q=Support');
  await admin.put(`/queues/${items[0]!.id}/agents`, { items: [] });
  const main = await floor.caller('+15557400', { says: CALLER });
  main.call('+15550100');
  silent = floor.keep(main);
});
afterAll(async () => {
  await silent?.stop();
  payments?.close();
  await instance?.stop();
});
afterEach(async () => {
  await floor?.clear();
  for (const agent of [bob, carol]) await agent.put('/me/presence', { state: 'offline' });
});

const ready = (agent: Api) => agent.put('/me/presence', { state: 'ready' });
const kinds = (trace: InteractionTrace) => trace.segments.map(({ kind, end }) => `${kind} ${end}`);
const ended = (number: string, timeoutMs?: number) =>
  floor.callWith(sam, number, ({ state }) => state === 'ended', timeoutMs);

/** A queue of its own with a number that leads to it. */
async function queue(fields: object, agents: string[] = []): Promise<{ id: string; did: string }> {
  const { id } = await admin.post<{ id: string }>('/queues', {
    name: `Queue ${++numbers}`,
    wrapUp: 'none',
    offerTimeoutS: 10,
    ...fields,
  });
  await admin.put(`/queues/${id}/agents`, {
    items: await Promise.all(agents.map(async (name) => ({ agentId: await floor.idOf(name) }))),
  });
  return { id, did: await did({ queueId: id }) };
}
async function did(target: { queueId: string } | { flowId: string }): Promise<string> {
  const number = `+1555010${String(100 + numbers++)}`;
  await admin.post('/dids', { number, ...target });
  return number;
}
async function flow(document: FlowDocumentInput): Promise<string> {
  const { id } = await admin.post<{ id: string }>('/flows', { name: `Flow ${++numbers}`, draft: document });
  await admin.post(`/flows/${id}/publish`);
  return did({ flowId: id });
}

describe('a caller whom nobody can take', () => {
  it('overflows to another queue with its music, or is let go', async () => {
    const second = await queue({ announcements: { music } });
    const first = await queue({ overflow: [{ when: 'waited', afterS: 2, exit: { to: 'queue', queueId: second.id } }] });
    const short = await queue({ maxWaitS: 2 });
    const full = await queue({ maxWaiting: 0 });
    const callers = [];
    for (const [index, { did }] of [first, short, full].entries()) {
      const caller = await floor.caller(`+1555741${index}`, { says: CALLER });
      caller.call(did);
      callers.push(caller);
    }
    const moved = await floor.callWith(sam, '+15557410', ({ queueId }) => queueId === second.id);
    await delay(1500);
    expect(callers[0]!.heard(MUSIC), 'the music is that of the queue they wait in now').toBeGreaterThan(0.5);
    callers[0]!.hangUp();
    const one = await ended('+15557410');
    expect(kinds(one)).toEqual(['queue overflow', 'queue abandoned']);
    expect(one.segments[1]!.startedAt).toBe(moved.segments[0]!.endedAt);
    expect(kinds(await ended('+15557411'))).toEqual(['queue timed-out', 'flow completed']);
    expect(kinds(await ended('+15557412'))).toEqual(['queue overflow', 'flow completed']);
  });
});

describe('a queue without a flow', () => {
  it('welcomes, plays its music, says the place, and lets a digit lead to a call-back that is kept', async () => {
    const welcome = await floor.toneAsPrompt(admin, 'welcome.tone', WELCOME, 1);
    const { id, did } = await queue(
      {
        announcements: {
          music,
          welcome,
          firstAfterS: 2,
          everyS: 60,
          escape: [{ digit: '1', exit: { to: 'callback' } }],
        },
      },
      ['bob'],
    );
    const caller = await floor.caller('+12025550181', { says: CALLER, autoAnswer: true });
    await floor.trunkTo(admin, caller);
    caller.call(did);
    await caller.until('CALL_ESTABLISHED');
    await delay(6500);
    expect(caller.heard(WELCOME)).toBeGreaterThan(0.8);
    expect(caller.heard(MUSIC)).toBeGreaterThan(1.5);
    const words = caller.heardSound() - caller.heard(WELCOME) - caller.heard(MUSIC);
    expect(words, 'something is said about the place').toBeGreaterThan(1);
    await caller.press('1');
    await caller.until('CALL_CLOSED');
    const call = await ended('+12025550181');
    expect(kinds(call)).toEqual(['queue callback', 'flow completed']);
    const promised = call.events.find(({ type }) => type === 'callback-promised')!.data.callback as string;
    expect(await sam.get<InteractionView>(`/interactions/${promised}`)).toMatchObject({
      channel: 'callback',
      state: 'waiting',
      queueId: id,
    });

    // A promise outlives every limit on waiting.
    await admin.change(`/queues/${id}`, { maxWaitS: 1 });
    await delay(2000);
    const bobs = await floor.deskPhone('bob', { says: BOB, autoAnswer: true });
    await ready(bob);
    await bobs.until('CALL_ESTABLISHED');
    await caller.until('CALL_ESTABLISHED', 10_000, 2);
    await delay(1200);
    bobs.hangUp();
    await caller.until('CALL_CLOSED', 10_000, 2);
    expect(caller.heard(BOB)).toBeGreaterThan(0.5);
    const back = await sam.until<InteractionTrace>(`/interactions/${promised}`, ({ state }) => state === 'ended');
    expect(kinds(back)).toEqual(['queue answered', 'agent completed']);
    expect(back).toMatchObject({ to: '+12025550181', agentName: 'Bob' });
  });

  it('takes a message, which is heard again and calls for a call-back', async () => {
    const { did } = await queue({ maxWaitS: 1, overflow: [{ when: 'max-wait', exit: { to: 'voicemail' } }] });
    const caller = await floor.caller('+12025550182', { says: CALLER });
    caller.call(did);
    await floor.callWith(sam, '+12025550182', ({ segments }) => segments.at(-1)?.kind === 'voicemail');
    await expect.poll(() => caller.heard(BEEP), { timeout: 8000, interval: 100 }).toBeGreaterThan(0.1);
    await delay(2500);
    await caller.press('#');
    await caller.until('CALL_CLOSED', 15_000);
    const call = await floor.callWith(
      sam,
      '+12025550182',
      ({ recordings }) => recordings[0]?.state === 'ready',
      20_000,
    );
    const { rate, left } = await floor.listen(sam, call.recordings[0]!);
    expect(secondsOfTone(left, rate, CALLER)).toBeGreaterThan(2);
    expect(secondsOfTone(left, rate, BEEP)).toBe(0);
    expect(call.events.map(({ type }) => type)).toEqual(expect.arrayContaining(['voicemail', 'callback-promised']));
  });
});

describe('a card number', () => {
  it('reaches the payment service and nobody else, also beside a conversation; pauses of the recording are silent in it', async () => {
    const { id: queueId } = await queue({}, ['bob', 'carol']);
    const host = `127.0.0.1:${(payments.address() as AddressInfo).port}`;
    await admin.post('/flow-hosts', { host, plainHttp: true });
    const number = await flow({
      schema: 1,
      language: 'de',
      start: 'answer',
      steps: {
        answer: { type: 'answer', next: 'card' },
        card: {
          type: 'secure',
          say: [{ prompt: 'tone.beep' }],
          variable: 'card',
          min: 16,
          max: 16,
          terminator: null,
          checkDigit: true,
          handTo: 'pay',
          next: 'pay',
          failed: 'end',
        },
        pay: {
          type: 'http',
          method: 'POST',
          url: `http://${host}/pay`,
          body: { card: '{{secure.card}}' },
          next: 'agent',
          error: 'end',
        },
        agent: { type: 'queue', queueId, refused: 'end' },
        end: { type: 'hangup' },
      },
    });
    await flow({
      schema: 1,
      start: 'answer',
      steps: {
        answer: { type: 'answer', next: 'pin' },
        pin: {
          type: 'secure',
          say: [{ prompt: 'tone.beep' }],
          variable: 'pin',
          min: 8,
          max: 8,
          terminator: null,
          handTo: 'check',
          next: 'check',
          failed: 'no',
        },
        check: {
          type: 'http',
          method: 'POST',
          url: `http://${host}/pin`,
          body: { pin: '{{secure.pin}}' },
          next: 'yes',
          error: 'no',
        },
        yes: { type: 'hangup' },
        no: { type: 'hangup', cause: 'rejected' },
      },
    });
    const bobs = await floor.deskPhone('bob', { says: BOB, autoAnswer: true });
    await ready(bob);
    const caller = await floor.caller('+15557420', { says: CALLER });
    caller.call(number);
    await caller.until('CALL_ESTABLISHED');
    await expect.poll(() => caller.heard(BEEP), { timeout: 5000 }).toBeGreaterThan(0);
    await caller.press(CARD);
    await bobs.until('CALL_ESTABLISHED', 15_000);
    expect(paid).toEqual([JSON.stringify({ card: CARD })]);

    const { id } = await floor.callWith(sam, '+15557420', ({ state }) => state === 'active');
    await delay(1500);
    await bob.post(`/calls/${id}/record`, { mode: 'pause' });
    await delay(2000);
    await bob.post(`/calls/${id}/record`, { mode: 'resume' });
    await delay(1500);
    // The agent asks for digits while they talk: they see that, not which, and hear nothing meanwhile.
    const entry = await bob.get<{ items: { flowId: string; name: string }[] }>('/secure-entries');
    await bob.post(`/calls/${id}/secure-entry`, { flowId: entry.items[0]!.flowId });
    const pressed = caller.press(PIN);
    const seen = await bob.until<MeLive>('/me/work', ({ work }) => (work[0]?.call?.secureEntry?.collected ?? 0) > 2);
    expect(seen.work[0]!.call).toMatchObject({ state: 'secure', recording: 'paused' });
    const heardBefore = bobs.heard(CALLER);
    await pressed;
    await bob.until<MeLive>('/me/work', ({ work }) => work[0]?.call?.lastSecureEntry?.end === 'done');
    expect(paid[1]).toBe(JSON.stringify({ pin: PIN }));
    expect(bobs.heard(CALLER) - heardBefore, 'the agent does not hear the customer').toBeLessThan(0.6);
    await bob.post(`/calls/${id}/record`, { mode: 'stop' });
    await delay(1000);
    // Who called before is led back to the same agent, though another is idle for longer.
    const carols = await floor.deskPhone('carol', { says: BOB, autoAnswer: true });
    await ready(carol);
    caller.hangUp();
    const trace = await floor.callWith(
      sam,
      '+15557420',
      ({ state, recordings }) => state === 'ended' && recordings[0]?.state === 'ready',
      20_000,
    );
    const { rate, left } = await floor.listen(sam, trace.recordings[0]!);
    const recorded = secondsOfTone(left, rate, CALLER);
    expect(recorded, 'neither the pause nor what came after the stop').toBeGreaterThan(2.4);
    expect(recorded).toBeLessThan(4);
    expect(bobs.digits, 'no key reaches the agent').toBe('');

    const [{ language }] = await instance.db('interaction').where({ id }).select('language');
    expect(language, 'a number without a language speaks that of its flow').toBe('de');
    const { rows: tables } = await instance.db.raw(`select tablename from pg_tables where schemaname = 'public'`);
    for (const { tablename } of tables as { tablename: string }[]) {
      const { rows } = await instance.db.raw(
        `select count(*)::int as n from ?? t where t::text like any (array[?, ?])`,
        [tablename, `%${CARD}%`, `%${PIN}%`],
      );
      expect(rows[0].n, `the number is not in ${tablename}`).toBe(0);
    }
    const { log } = instance.config.paths;
    for (const file of readdirSync(log))
      for (const secret of [CARD, PIN])
        expect(readFileSync(join(log, file), 'utf8').includes(secret), file).toBe(false);

    const regular = await flow({
      schema: 1,
      start: 'agent',
      steps: { agent: { type: 'queue', queueId, preferredAgent: 'last', refused: 'end' }, end: { type: 'hangup' } },
    });
    const again = await floor.caller('+15557420', { says: CALLER });
    again.call(regular);
    await bobs.until('CALL_ESTABLISHED', 15_000, 2);
    expect(carols.events.some(({ type }) => type === 'CALL_INCOMING')).toBe(false);
    again.hangUp();
  });
});

describe('the main line', () => {
  it('leads to Support who presses nothing for 15 s', async () => {
    const main = await floor.callWith(sam, '+15557400', ({ queueName }) => queueName === 'Support', 30_000);
    expect(main.state).toBe('waiting');
    const inFlow = main.segments[0]!.durationS!;
    expect(inFlow, 'greeting, menu, 15 s of silence').toBeGreaterThan(15);
    silent.hangUp();
    expect(kinds(await ended('+15557400'))).toEqual(['flow queued', 'queue abandoned']);
  });
});
