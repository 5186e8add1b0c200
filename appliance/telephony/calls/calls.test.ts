import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { type TestDatabase, testDatabase } from '#test/support/database.ts';
import { type TestSwitch, testSwitch } from '../media/testing/switch.ts';
import { createTrunkStore } from '../trunks/index.ts';
import { DialFailed, type IncomingCall, type Leg, type LegEvents } from './api.ts';
import { type Box, openBox } from './testing/box.ts';
import { Party } from './testing/party.ts';

const PORT = 16_060;
let database: TestDatabase;
let rig: TestSwitch;
let box: Box;
let customer: Party;
let agent: Party;
let second: Party;
let agentPhone: string;
let secondPhone: string;

beforeAll(async () => {
  database = await testDatabase();
  rig = await testSwitch(22_000, { legs: 40 });
  await createTrunkStore(database.db).create({
    name: 'lab',
    kind: 'address',
    host: '127.0.0.1',
    port: 16_061,
    addresses: ['127.0.0.0/8'],
    country: 'US',
    optionsIntervalS: 0,
    maxChannels: 5,
  });
  box = await openBox({ db: database.db, media: rig.media, port: PORT });
  customer = await new Party('12125550100', 16_061, 400).start();
  agent = await new Party('agent001', 16_062, 1000, 0).start();
  second = await new Party('agent002', 16_063, 600).start();
  const fixed = (label: string, extension: string, port: number) =>
    box.phones.create({ label, kind: 'fixed', extension, username: label, fixedHost: '127.0.0.1', fixedPort: port });
  agentPhone = (await fixed('agent001', '1001', 16_062)).phone.id;
  secondPhone = (await fixed('agent002', '1001', 16_063)).phone.id;
});

afterAll(async () => {
  await box?.stop();
  await Promise.all([customer, agent, second].map((party) => party?.stop()));
  await rig?.close();
  await database?.close();
});

beforeEach(async () => {
  for (const leg of box.calls.legs.values()) leg.hangup();
  await until(() => box.calls.legs.size === 0);
  await vi.waitFor(async () => expect(await rows()).toEqual([]));
  for (const party of [customer, agent, second]) {
    party.behaviour = 'answer';
    for (const list of [party.invites, party.cancels, party.requests, party.ends, party.messages]) list.length = 0;
    party.mouth.hush();
    party.mouth.clear();
  }
  box.incoming.length = 0;
});

const until = (check: () => unknown) => vi.waitFor(() => expect(check()).toBeTruthy(), { timeout: 4000, interval: 10 });
const hears = (party: Party, tone: string) =>
  vi.waitFor(() => expect(party.mouth.hears(200)).toBe(tone), { timeout: 4000, interval: 20 });
const ended = (leg: Leg) => new Promise<LegEvents['ended']>((resolve) => leg.on('ended', resolve));
const rows = () => database.db('call_leg').select('id', 'state', 'peer_id', 'facts', 'tag');

async function callIn(options?: Parameters<Party['talk']>[2]): Promise<IncomingCall> {
  const coming = box.next();
  const talking = customer.talk('+15550100', PORT, options);
  const call = await coming;
  await call.leg.answer();
  await talking;
  return call;
}

const ringAgent = (near: Leg | undefined) =>
  box.calls.dial([{ kind: 'phone', phoneId: agentPhone }], {
    from: { number: '+12125550100', name: 'Customer' },
    ...(near ? { near } : {}),
  });

describe('a call from a trunk', () => {
  test('is known by its number and DID, and its row is there before the answer', async () => {
    const coming = box.next();
    const talking = customer.talk('+15550100', PORT);
    const { leg, dialled, source } = await coming;
    expect({ dialled, source, from: leg.from, state: leg.state }).toEqual({
      dialled: '+15550100',
      source: 'trunk',
      from: { number: '+12125550100' },
      state: 'trying',
    });
    leg.ring();
    await leg.answer();
    expect(await rows()).toMatchObject([
      { id: leg.id, facts: { codec: 'PCMA', dialog: { callId: expect.any(String) } } },
    ]);
    await talking;
    expect(leg.state).toBe('up');
    expect(leg.answeredAt).toBeInstanceOf(Date);
  });

  test('hears prompts, and we hear when they are over', async () => {
    const { leg } = await callIn();
    const playback = leg.play(['welcome']);
    await hears(customer, '600');
    expect(await playback.done).toBe('finished');
    const music = leg.play(['music'], { loop: true });
    const next = leg.play(['menu']);
    expect(await music.done).toBe('stopped');
    expect(await next.done).toBe('finished');
    expect(await leg.play(['no-such-prompt']).done).toBe('finished');
  });

  test('hears prompts before the answer as early media', async () => {
    const coming = box.next();
    const invite = customer.call('+15550100', PORT);
    const early = new Promise<string>((resolve) =>
      invite.onProgress((response) => response.status === 183 && resolve(response.bodyText)),
    );
    const { leg } = await coming;
    await leg.early();
    leg.play(['music'], { loop: true });
    const said = await early;
    customer.hear(said);
    await hears(customer, '2200');
    await leg.answer();
    const { response, dialog } = await invite.answered;
    expect(response.bodyText).toBe(said);
    customer.take(dialog);
    await hears(customer, '2200');
  });

  test('is refused with the cause we give', async () => {
    const coming = box.next();
    const invite = customer.call('+15550100', PORT);
    const { leg } = await coming;
    leg.hangup({ q850: 17 });
    await expect(invite.answered).rejects.toMatchObject({ status: 486 });
    expect(customer.messages.join('')).toContain('Reason: Q.850;cause=17;text="User busy"');
    expect(leg.state).toBe('ended');
    await until(() => box.calls.legs.size === 0);
    await vi.waitFor(async () => expect(await rows()).toEqual([]));
  });

  test('that is given up before the answer ends with the reason', async () => {
    const coming = box.next();
    const invite = customer.call('+15550100', PORT);
    const { leg } = await coming;
    leg.ring();
    const over = ended(leg);
    await new Promise<void>((resolve) => invite.onProgress((response) => response.status === 180 && resolve()));
    invite.cancel({ q850: 16, text: 'gave up' });
    expect((await over).cause).toMatchObject({ by: 'party', q850: 16, text: 'gave up' });
    await expect(leg.answer()).rejects.toMatchObject({ code: 'leg-ended' });
  });

  test('ends by BYE of the party, with statistics, and leaves no row', async () => {
    const { leg } = await callIn();
    const over = ended(leg);
    await until(() => customer.mouth.sent > 10);
    customer.dialog!.bye();
    const { cause, stats } = await over;
    expect(cause).toMatchObject({ by: 'party', q850: 16 });
    expect(stats!.received).toBeGreaterThan(0);
    expect(leg.finalStats).toEqual(stats);
    await vi.waitFor(async () => expect(await rows()).toEqual([]));
  });

  test('ends by us with BYE and a Reason', async () => {
    const { leg } = await callIn();
    leg.hangup({ q850: 16, text: 'done' });
    leg.hangup();
    await until(() => customer.ends.length === 1);
    expect(customer.messages.join('')).toContain('Reason: Q.850;cause=16;text="done"');
  });

  test('without an offer gets ours, and the ACK brings the answer', async () => {
    const coming = box.next();
    const invite = customer.sip.invite({
      ...lateOffer(),
      answer: (response) => {
        customer.hear(response.bodyText);
        return { body: customer.offer(), contentType: 'application/sdp' };
      },
    });
    const { leg } = await coming;
    await leg.answer();
    leg.play(['music'], { loop: true });
    customer.take((await invite.answered).dialog);
    await hears(customer, '2200');
  });

  test.each([
    [
      'with a codec we do not have',
      'v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio 4000 RTP/AVP 97\r\na=rtpmap:97 foo/8000\r\n',
      488,
    ],
    ['with nonsense for SDP', 'hello', 400],
  ])('%s is refused', async (_name, body, status) => {
    const coming = box.next();
    const invite = customer.call('+15550100', PORT, { body });
    const { leg } = await coming;
    await expect(leg.answer()).rejects.toMatchObject({ code: 'no-common-media' });
    await expect(invite.answered).rejects.toMatchObject({ status });
    expect(leg.state).toBe('ended');
  });

  test('that is refused for reasons that pass is told when to try again', async () => {
    const coming = box.next();
    const invite = customer.call('+15550100', PORT);
    const { leg } = await coming;
    leg.hangup({ q850: 41, sip: 503 });
    await expect(invite.answered).rejects.toMatchObject({ status: 503 });
    expect(customer.messages.join('')).toContain('Retry-After: 10');
  });

  test('that no channel is left for is refused with 503', async () => {
    const held: Promise<IncomingCall>[] = [];
    const invites = [1, 2, 3, 4, 5].map(() => {
      held.push(box.next());
      return customer.call('+15550100', PORT);
    });
    await Promise.all(held);
    await expect(customer.call('+15550100', PORT).answered).rejects.toMatchObject({ status: 503 });
    for (const invite of invites) invite.cancel();
    await until(() => box.calls.legs.size === 0);
  });

  test('whose handler throws gets 500', async () => {
    box.calls.onIncoming(() => {
      throw new Error('bug');
    });
    await expect(customer.call('+15550100', PORT).answered).rejects.toMatchObject({ status: 500 });
    reopenDoor();
  });
});

describe('a bridge', () => {
  test('lets both hear each other, A-law and u-law, until one goes', async () => {
    const { leg } = await callIn();
    const ringing = ringAgent(leg);
    const answered = await ringing.answered;
    await box.calls.bridge(leg, answered);
    expect(leg.peer).toBe(answered);
    await Promise.all([hears(customer, '1000'), hears(agent, '400')]);
    expect(agent.invites[0]!.request.from.displayName).toBe('Customer');
    expect(agent.invites[0]!.request.from.uri.user).toBe('+12125550100');
    await vi.waitFor(async () =>
      expect(await rows()).toEqual(
        expect.arrayContaining([expect.objectContaining({ id: leg.id, peer_id: answered.id, state: 'up' })]),
      ),
    );
    const over = ended(answered);
    agent.dialog!.bye();
    await over;
    expect(leg.peer).toBeUndefined();
    expect(leg.state).toBe('up');
  });

  test('is silent for the peer while one side is on hold with music, and muted one way', async () => {
    const { leg } = await callIn();
    const other = await ringAgent(leg).answered;
    await box.calls.bridge(leg, other);
    await leg.hold(['music']);
    expect(leg.onHold).toBe(true);
    await hears(customer, '2200');
    agent.mouth.clear();
    await leg.resume();
    await Promise.all([hears(customer, '1000'), hears(agent, '400')]);
    await other.mute(true);
    await until(() => customer.mouth.hears(150) !== '1000');
    await other.mute(false);
    await hears(customer, '1000');
  });

  test('knows the hold key of a phone and answers it rightly', async () => {
    const { leg } = await callIn();
    const other = await ringAgent(leg).answered;
    await box.calls.bridge(leg, other);
    const holds: boolean[] = [];
    other.on('held-by-party', ({ held }) => holds.push(held));
    expect(await agent.hold('sendonly')).toBe('recvonly');
    expect(await agent.hold('inactive')).toBe('inactive');
    expect(await agent.hold('sendrecv')).toBe('sendrecv');
    expect(holds).toEqual([true, false]);
    agent.mouth.clear();
    await hears(agent, '400');
  });

  test('keeps its session when an offer cannot be answered', async () => {
    const { leg } = await callIn();
    await expect(
      customer.dialog!.reinvite({ contentType: 'application/sdp', body: 'v=0\r\nnonsense' }),
    ).rejects.toMatchObject({ status: 488 });
    expect(leg.state).toBe('up');
  });

  test('passes keys to whoever listens, by RFC 4733 and by INFO', async () => {
    const { leg } = await callIn();
    const digits: string[] = [];
    leg.on('digit', ({ digit, via }) => digits.push(`${digit} ${via}`));
    await customer.mouth.key(5);
    await customer.dialog!.request('INFO', {
      contentType: 'application/dtmf-relay',
      body: 'Signal=*\r\nDuration=200\r\n',
    });
    await until(() => digits.length === 2);
    expect(digits.sort()).toEqual(['* info', '5 rfc4733']);
    expect((await customer.dialog!.request('INFO', { contentType: 'text/plain', body: 'x' })).status).toBe(415);
  });

  test('of three is a mix, and one can listen only', async () => {
    const { leg } = await callIn();
    const other = await ringAgent(leg).answered;
    const third = await box.calls.dial([{ kind: 'phone', phoneId: secondPhone }], {
      from: { number: '1001' },
      near: leg,
    }).answered;
    await box.calls.mix('m', [{ leg }, { leg: other }, { leg: third }]);
    await Promise.all([hears(customer, '600+1000'), hears(agent, '400+600'), hears(second, '400+1000')]);
    await box.calls.mix('m', [
      { leg, hear: [other] },
      { leg: other, hear: [leg] },
      { leg: third, hear: [leg, other] },
    ]);
    await Promise.all([hears(customer, '1000'), hears(agent, '400'), hears(second, '400+1000')]);
    await box.calls.bridge(leg, other);
    await Promise.all([hears(customer, '1000'), hears(agent, '400')]);
  });
});

describe('ringing', () => {
  test('goes to all phones of an extension; the first answer wins, the others are told where it went', async () => {
    second.behaviour = 'ring';
    agent.behaviour = 'ring';
    const ringing = box.calls.dial([{ kind: 'extension', extension: '1001' }], {
      from: { number: '+12125550100' },
      tag: { offer: 'o1' },
    });
    const states: string[] = [];
    for (const leg of ringing.legs) leg.on('ringing', ({ early }) => states.push(`${early}`));
    await until(() => states.length === 2);
    agent.pickUp();
    const leg = await ringing.answered;
    expect(leg.phoneId).toBe(agentPhone);
    expect(leg.tag).toEqual({ offer: 'o1' });
    await until(() => second.cancels.length === 1);
    expect(second.cancels[0]).toMatchObject({ sip: 200, text: 'Call completed elsewhere' });
    await vi.waitFor(async () => expect(await rows()).toHaveLength(1));
  });

  test('two that answer in one moment: one has the call, the other is hung up', async () => {
    agent.behaviour = 'ring';
    second.behaviour = 'ring';
    const ringing = box.calls.dial([{ kind: 'extension', extension: '1001' }], { from: { number: '+12125550100' } });
    await until(() => agent.invites.length === 1 && second.invites.length === 1);
    agent.pickUp();
    second.pickUp();
    await ringing.answered;
    await until(() => agent.ends.length + second.ends.length === 1);
    await until(() => [...box.calls.legs.values()].filter((leg) => leg.state === 'up').length === 1);
  });

  test('ends without an answer in time', async () => {
    agent.behaviour = 'ring';
    const ringing = box.calls.dial([{ kind: 'phone', phoneId: agentPhone }], {
      from: { number: '1' },
      ringTimeoutMs: 200,
    });
    const error = await ringing.answered.catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(DialFailed);
    expect((error as DialFailed).cause_).toMatchObject({ by: 'failure', q850: 19 });
    await until(() => agent.cancels.length === 1);
  });

  test('is cancelled', async () => {
    agent.behaviour = 'ring';
    const ringing = ringAgent(undefined);
    await until(() => agent.invites.length === 1);
    ringing.cancel({ q850: 16, text: 'caller went away' });
    await expect(ringing.answered).rejects.toMatchObject({ cause_: { by: 'us', q850: 16 } });
    await until(() => agent.cancels[0]?.text === 'caller went away');
  });

  test.each([
    ['busy', { q850: 17, sip: 486, by: 'party' }],
    ['decline', { q850: 21, sip: 603, by: 'party', text: 'Call rejected' }],
  ] as const)('at a phone that is %s fails with its cause', async (behaviour, cause) => {
    agent.behaviour = behaviour;
    await expect(ringAgent(undefined).answered).rejects.toMatchObject({ cause_: cause });
    await vi.waitFor(async () => expect(await rows()).toEqual([]));
  });

  test('where nothing is registered says so at once', async () => {
    const { phone } = await box.phones.create({ label: 'away', kind: 'sip', extension: '1999' });
    await expect(
      box.calls.dial([{ kind: 'phone', phoneId: phone.id }], { from: { number: '1' } }).answered,
    ).rejects.toMatchObject({ cause_: { q850: 20 } });
  });

  test('leaves through a trunk with our number', async () => {
    const leg = await box.calls.dial([{ kind: 'number', number: '(212) 555-0199' }], {
      from: { number: '+12125550111', name: 'Sales' },
    }).answered;
    expect(leg.to.number).toBe('+12125550199');
    const { request } = customer.invites[0]!;
    expect(request.uri.user).toBe('+12125550199');
    expect(request.header('p-asserted-identity')).toContain('sip:+12125550111@');
    expect(box.trunks.state(leg.trunkId!)?.up).toBe(true);
  });
});

describe('a transfer by a phone', () => {
  test('is an event, and the phone is told how it went', async () => {
    const { leg } = await callIn();
    const other = await ringAgent(leg).answered;
    await box.calls.bridge(leg, other);
    const refer = new Promise<LegEvents['refer']>((resolve) => other.on('refer', resolve));
    const answer = agent.dialog!.request('REFER', {
      headers: [['Refer-To', '<sip:1002@127.0.0.1?Replaces=abc%3Bto-tag%3D1%3Bfrom-tag%3D2>']],
    });
    const asked = await refer;
    expect(asked).toMatchObject({ to: '1002', replaces: 'abc;to-tag=1;from-tag=2' });
    asked.accept();
    expect((await answer).status).toBe(202);
    asked.progress(200, 'OK');
    await until(() => agent.requests.filter((request) => request.method === 'NOTIFY').length === 2);
    expect(agent.requests.map((request) => request.bodyText)).toEqual(['SIP/2.0 100 Trying\r\n', 'SIP/2.0 200 OK\r\n']);
    expect(agent.requests[1]!.header('subscription-state')).toMatch(/^terminated/);
  });

  test('is refused when the rooms above say so, or when it makes no sense', async () => {
    const { leg } = await callIn();
    leg.on('refer', ({ refuse }) => refuse(603));
    expect((await customer.dialog!.request('REFER', { headers: [['Refer-To', '<sip:1002@127.0.0.1>']] })).status).toBe(
      603,
    );
    expect((await customer.dialog!.request('REFER', { headers: [['Refer-To', '<sip:a@b>, <sip:c@d>']] })).status).toBe(
      400,
    );
    expect(
      (await customer.dialog!.request('REFER', { headers: [['Refer-To', '<sip:1002@127.0.0.1;method=BYE>']] })).status,
    ).toBe(603);
  });
});

describe('strangers', () => {
  test('OPTIONS is answered, SUBSCRIBE has no event here', async () => {
    const ask = (method: string) =>
      customer.sip.request({ method, ...to(), contact: { user: 'x' }, headers: [['Event', 'dialog']] });
    expect((await ask('OPTIONS')).status).toBe(200);
    expect((await ask('SUBSCRIBE')).status).toBe(489);
    expect((await ask('MESSAGE')).status).toBe(405);
  });
});

function reopenDoor(): void {
  const waiting: ((call: IncomingCall) => void)[] = [];
  box.next = () => new Promise((resolve) => waiting.push(resolve));
  box.calls.onIncoming((call) => {
    box.incoming.push(call);
    waiting.shift()?.(call);
  });
}

function to() {
  const uri = { scheme: 'sip', user: '+15550100', host: '127.0.0.1', port: PORT };
  return { uri, to: { uri }, from: { uri: { scheme: 'sip', user: customer.user, host: '127.0.0.1' } } };
}

function lateOffer() {
  const { uri } = to();
  return {
    to: uri,
    from: { uri: { scheme: 'sip', user: customer.user, host: '127.0.0.1' } },
    contact: { user: customer.user },
  };
}

// Last: the agent's phone is not there any more afterwards.
describe('a silent party', () => {
  test('is asked whether it is there: who does not answer is gone, and not by their own will', async () => {
    const { leg } = await callIn();
    const other = await ringAgent(leg).answered;
    await box.calls.bridge(leg, other);
    expect(await leg.probe(1000)).toBe(true);
    expect(leg.state).toBe('up');
    const ended = new Promise((resolve) => other.on('ended', resolve));
    await agent.sip.stop(); // nobody is told
    expect(await other.probe(300)).toBe(false);
    expect(await ended).toMatchObject({ cause: { by: 'failure', q850: 27 } });
    expect(await other.probe(300), 'an end stays an end').toBe(false);
  });
});
