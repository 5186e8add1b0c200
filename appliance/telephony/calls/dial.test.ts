// Calls out over several trunks and phones: who is tried next, where a 3xx may lead, who may take what rings.
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import { type TestDatabase, testDatabase } from '#test/support/database.ts';
import { type TestSwitch, testSwitch } from '../media/testing/switch.ts';
import type { IncomingInvite, Reply } from '../sip/index.ts';
import { RawPeer, rawRequest } from '../sip/testing/raw-peer.ts';
import { createTrunkStore } from '../trunks/index.ts';
import type { DialFailed, DialOptions, Redirect, Ringing } from './api.ts';
import { type Box, openBox } from './testing/box.ts';
import { Party } from './testing/party.ts';

const PORT = 14_000;
const FIRST = PORT + 1;
const SECOND = PORT + 2;
const ANN = PORT + 3;
const BEN = PORT + 4;
const CEM = PORT + 5;
const SLOW = PORT + 6;
const RAW = PORT + 8;
let database: TestDatabase;
let rig: TestSwitch;
let box: Box;
let first: Party;
let second: Party;
let slow: Party;
let ann: Party;
let ben: Party;
let cem: Party;
const phones: Record<string, string> = {};

beforeAll(async () => {
  database = await testDatabase();
  rig = await testSwitch(14_100, { legs: 30 });
  const trunks = createTrunkStore(database.db);
  const trunk = (name: string, port: number, position: number, more: object = {}) =>
    trunks.create({
      name,
      kind: 'address',
      host: '127.0.0.1',
      port,
      country: 'US',
      optionsIntervalS: 0,
      position,
      ...more,
    });
  await trunk('first', FIRST, 0, { maxChannels: 3, forwardedAs: 'diversion' });
  await trunk('second', SECOND, 1, { forwardedAs: 'history-info' });
  await trunk('slow', SLOW, 2, { maxCallsPerS: 2 });
  await trunk('dead', PORT + 7, 0, { transport: 'tcp', enabled: false });
  box = await openBox({ db: database.db, media: rig.media, port: PORT });
  const party = (user: string, port: number, tone: number) => new Party(user, port, tone).start();
  [first, second, slow, ann, ben, cem] = await Promise.all([
    party('12125550100', FIRST, 400),
    party('12125550200', SECOND, 500),
    party('12125550300', SLOW, 550),
    party('ann', ANN, 600),
    party('ben', BEN, 700),
    party('cem', CEM, 800),
  ]);
  for (const [name, extension, fixedPort] of [
    ['ann', '1001', ANN],
    ['ben', '1002', BEN],
    ['cem', '1003', CEM],
  ] as const) {
    const made = await box.phones.create({
      label: name,
      kind: 'fixed',
      extension,
      username: name,
      fixedHost: '127.0.0.1',
      fixedPort,
    });
    phones[name] = made.phone.id;
  }
}, 30_000);

afterAll(async () => {
  await box?.stop();
  await Promise.all([first, second, slow, ann, ben, cem].map((party) => party?.stop()));
  await rig?.close();
  await database?.close();
});

afterEach(async () => {
  for (const leg of box.calls.legs.values()) leg.hangup();
  await until(() => box.calls.legs.size === 0);
  for (const party of [first, second, slow, ann, ben, cem]) {
    party.behaviour = 'answer';
    for (const list of [party.invites, party.cancels, party.requests, party.ends, party.messages]) list.length = 0;
    party.mouth.hush();
  }
});

const until = (check: () => unknown) => vi.waitFor(() => expect(check()).toBeTruthy(), { timeout: 4000, interval: 5 });
const outside = (number = '+12125550199', more: Partial<DialOptions> = {}) =>
  box.calls.dial([{ kind: 'number', number }], { from: { number: '+12125550111' }, ...more });
const inside = (name: string, more: Partial<DialOptions> = {}) =>
  box.calls.dial([{ kind: 'phone', phoneId: phones[name]! }], { from: { number: '+12125550111' }, ...more });

/** The party answers its next INVITEs with these, then as its behaviour says. */
function answers(party: Party, ...replies: Reply[]): void {
  party.behaviour = 'silent';
  party.sip.onInvite((invite: IncomingInvite) => {
    party.invites.push(invite);
    const reply = replies.shift();
    if (reply) invite.reject(reply);
    else party.pickUp(invite);
  });
}

const moved = (status: number, ...contacts: string[]): Reply => ({
  status,
  headers: contacts.map((contact) => ['Contact', contact]),
});

const outcome = async (ringing: Ringing): Promise<string> =>
  ringing.answered.then(
    (leg) => (leg.trunkId ? box.trunks.get(leg.trunkId)!.row.name : leg.to.number),
    (error) => `failed ${(error as DialFailed).cause_.sip} ${(error as DialFailed).cause_.q850}`,
  );

describe('a number outside', () => {
  test.each([
    [500, {}, 'second'],
    [502, {}, 'second'],
    [503, { headers: [['Retry-After', '5']] }, 'second'],
    [403, {}, 'second'],
    [480, { headers: [['Reason', 'Q.850;cause=34']] }, 'second'],
    [486, {}, 'failed 486 17'],
    [603, {}, 'failed 603 21'],
    [404, {}, 'failed 404 1'],
    [480, {}, 'failed 480 18'],
  ] as [number, Partial<Reply>, string][])('whose trunk says %i %o ends at: %s', async (status, more, expected) => {
    answers(first, { status, ...more });
    expect(await outcome(outside())).toBe(expected);
  });

  test('is tried over the next trunk when no channel of the first is free, and fails when none is left', async () => {
    const reached = [];
    for (let i = 0; i < 4; i++) reached.push(await outcome(outside()));
    expect(reached).toEqual(['first', 'first', 'first', 'second']);
  });
});

test('a trunk that cannot be reached is passed over', async () => {
  const trunks = createTrunkStore(database.db);
  const dead = (await trunks.list({ limit: 10 })).items.find(({ name }) => name === 'dead')!;
  await trunks.update(dead.id, dead.version, { enabled: true });
  await box.trunks.reload();
  expect(box.trunks.outbound({ channels: () => 0 })[0]!.row.name).toBe('dead');
  expect(await outcome(outside())).toBe('first');
  await trunks.update(dead.id, dead.version + 1, { enabled: false });
  await box.trunks.reload();
});

describe('a call in', () => {
  const call = () => first.call('+15550100', PORT).answered;
  afterEach(() => {
    box.incoming.length = 0;
  });
  const refusal = async (coming: Promise<unknown>) => {
    const { response } = await coming.then(
      () => ({ response: undefined }),
      (error: { response?: { status: number; header(name: string): string | undefined } }) => error,
    );
    return response && [response.status, response.header('retry-after'), response.header('reason')];
  };

  test('is refused with 503 and Retry-After when all channels are in use; calls in progress go on', async () => {
    const coming = [call(), call(), call()];
    await until(() => box.incoming.length === 3);
    await Promise.all(box.incoming.map(({ leg }) => leg.answer()));
    await Promise.all(coming);
    expect(await refusal(call())).toEqual([503, '10', 'Q.850;cause=34;text="No circuit available"']);
    expect([...box.calls.legs.values()].map((leg) => leg.state)).toEqual(['up', 'up', 'up']);
  });

  test('is refused with 503 and Retry-After when more come in a second than agreed', async () => {
    const coming = [1, 2, 3, 4].map(() => refusal(slow.call('+15550100', PORT).answered));
    await until(() => box.incoming.length === 2);
    for (const { leg } of box.incoming) leg.hangup({ q850: 17 });
    const results = await Promise.all(coming);
    expect(results.map((one) => one?.[0]).sort()).toEqual([486, 486, 503, 503]);
    expect(results.find((one) => one?.[0] === 503)).toEqual([
      503,
      '1',
      'Q.850;cause=42;text="Switching equipment congestion"',
    ]);
  });

  test('is confirmed by the ACK, not by our answer', async () => {
    const raw = await RawPeer.open(RAW, PORT);
    try {
      const to = `sip:+15550100@127.0.0.1:${PORT}`;
      raw.send(
        rawRequest('INVITE', { port: RAW, to, headers: ['Content-Type: application/sdp'], body: first.offer() }),
      );
      await until(() => box.incoming.length === 1);
      const { leg } = box.incoming[0]!;
      await leg.answer();
      let confirmed = false;
      const confirming = leg.confirmed().then(() => {
        confirmed = true;
      });
      const answer = await raw.response(200);
      expect([leg.state, confirmed]).toEqual(['up', false]);
      raw.send(rawRequest('ACK', { port: RAW, to, branch: 'z9hG4bKack', toTag: answer.to.tag! }));
      await confirming;
    } finally {
      raw.close();
    }
  });

  test('says who sent it on', async () => {
    const invite = first.call('+15550100', PORT, {
      headers: [
        ['Diversion', '<sip:2125550177@carrier>;reason=no-answer;counter=2'],
        ['Diversion', '<sip:2125550178@carrier>;reason=user-busy;privacy=full'],
      ],
    });
    await until(() => box.incoming.length === 1);
    expect(box.incoming[0]!.forwarded).toEqual([
      { by: '+12125550177', reason: 'no-answer', count: 2 },
      { by: 'anonymous', reason: 'user-busy', count: 1 },
    ]);
    invite.cancel();
  });
});

describe('a 3xx', () => {
  const told: Redirect[] = [];
  const onRedirect = (redirect: Redirect) => void told.push(redirect);
  afterEach(() => {
    told.length = 0;
  });

  test.each<[string, string[], string, string[]]>([
    [
      'to another number at the same trunk is followed',
      [`<sip:+12125550188@127.0.0.1:${FIRST}>`],
      'first',
      ['+12125550188'],
    ],
    [
      'to the best of several',
      [`<sip:+12125550187@127.0.0.1:${FIRST}>;q=0.2`, `<sip:+12125550188@127.0.0.1:${FIRST}>;q=0.9`],
      'first',
      ['+12125550188'],
    ],
    ['to somebody else is not', ['<sip:+19005550188@192.0.2.66>'], 'failed 302 23', []],
    ['to another name is not', ['<sip:+19005550188@expensive.example>'], 'failed 302 23', []],
    ['by maddr is not', [`<sip:+19005550188@127.0.0.1:${FIRST};maddr=192.0.2.66>`], 'failed 302 23', []],
    ['to a telephone number without a place is not', ['<tel:+19005550188>'], 'failed 302 23', []],
    ['to nowhere is not', [], 'failed 302 23', []],
    ['with nonsense is not', ['<<<>'], 'failed 302 23', []],
  ])('of a trunk %s', async (_name, contacts, expected, users) => {
    answers(first, moved(302, ...contacts));
    expect(await outcome(outside(undefined, { onRedirect }))).toBe(expected);
    expect(first.invites.slice(1).map(({ request }) => request.uri.user)).toEqual(users);
    expect(told).toMatchObject([{ by: '+12125550199', status: 302, followed: users.length > 0 }]);
    // The carrier hears who sent the call on.
    for (const { request } of first.invites.slice(1))
      expect(request.header('diversion')).toMatch(/^<sip:\+12125550199@127\.0\.0\.1>;reason=unconditional/);
  });

  test('is followed five times and no more; never in a circle', async () => {
    const to = (n: number) => moved(302, `<sip:+121255501${n}@127.0.0.1:${FIRST}>`);
    answers(first, ...Array.from({ length: 9 }, (_, n) => to(70 + n)));
    expect(await outcome(outside())).toBe('failed 302 23');
    expect(first.invites).toHaveLength(6);
    first.invites.length = 0;
    answers(first, to(70), to(71), to(70), to(71));
    expect(await outcome(outside())).toBe('failed 302 23');
    expect(first.invites).toHaveLength(3);
  });

  test('with several targets tries them one after the other, until one of them will not', async () => {
    const contacts = [1, 2, 3].map((n) => `<sip:+1212555018${n}@127.0.0.1:${FIRST}>;q=0.${9 - n}`);
    answers(first, moved(300, ...contacts), { status: 480 });
    expect(await outcome(outside())).toBe('first');
    expect(first.invites.map(({ request }) => request.uri.user?.at(-1))).toEqual(['9', '1', '2']);
    first.invites.length = 0;
    answers(first, moved(300, ...contacts), { status: 603 });
    expect(await outcome(outside())).toMatch(/^failed 603/);
    expect(first.invites).toHaveLength(2);
  });

  test.each<[string, string[], boolean, string]>([
    ['to a colleague', ['<sip:1002@127.0.0.1>'], true, '1002'],
    ['to a colleague, when the call must stay with its phone', ['<sip:1002@127.0.0.1>'], false, 'failed 302 23'],
    ['to a number outside', ['<sip:+19005550188@127.0.0.1>'], true, 'failed 302 23'],
    ['to a trunk', [`<sip:+19005550188@127.0.0.1:${FIRST}>`], true, 'failed 302 23'],
    ['to a colleague of that name elsewhere', ['<sip:1002@192.0.2.66>'], true, 'failed 302 23'],
    ['to itself', ['<sip:1001@127.0.0.1>'], true, 'failed 302 23'],
  ])('of a phone %s', async (_name, contacts, followPhones, expected) => {
    answers(ann, moved(302, ...contacts));
    expect(await outcome(inside('ann', { onRedirect, followPhones }))).toBe(expected);
    expect(told).toMatchObject([{ by: '1001', status: 302, followed: !expected.startsWith('failed') }]);
    expect(first.invites).toEqual([]);
    if (expected === '1002') expect(ben.invites[0]!.request.header('diversion')).toMatch(/^<sip:1001@127/);
  });
});

describe('who forwards', () => {
  const forwarded = { by: '+12125550122', reason: 'no-answer' } as const;

  test('is told to the trunk as it wants to hear it', async () => {
    await outside(undefined, { forwarded }).answered;
    expect(first.invites[0]!.request.header('diversion')).toBe(
      '<sip:+12125550122@127.0.0.1>;reason=no-answer;counter=1;privacy=off',
    );
    answers(first, { status: 503 });
    await outside(undefined, { forwarded }).answered;
    expect(second.invites[0]!.request.header('history-info')).toMatch(
      /^<sip:\+12125550122@127\.0\.0\.1>;index=1, .*cause=408/,
    );
  });
});

describe('an INVITE with Replaces', () => {
  /** ann is rung by us, and cem's lamp says so. */
  async function ring() {
    ann.behaviour = 'ring';
    ann.sip.onInvite((invite) => {
      ann.invites.push(invite);
      invite.onCancel((reason) => ann.cancels.push(reason));
      invite.progress({ status: 180 });
    });
    const ringing = inside('ann', { tag: { role: 'test' } });
    await until(() => ringing.legs[0]?.state === 'ringing');
    return { ringing, rung: ringing.legs[0]! };
  }
  const taking = (by: Party, replaces: string | undefined, more: [string, string][] = []) =>
    by.call('1001', PORT, {
      headers: [...(replaces ? ([['Replaces', replaces]] as [string, string][]) : []), ...more],
    });
  const status = (invite: ReturnType<Party['call']>) =>
    invite.answered.then(
      () => 200,
      (error: { status: number }) => error.status,
    );

  test.each(['as we see the dialog', 'as the rung phone sees it'])('names what rings, %s', async (view) => {
    const { rung } = await ring();
    const { callId, localTag, remoteTag } = rung.dialog!;
    const [to, from] = view.startsWith('as we') ? [localTag, remoteTag] : [remoteTag, localTag];
    const next = box.next();
    const invite = taking(cem, `${callId};to-tag=${to};from-tag=${from};early-only`);
    const incoming = await next;
    expect(incoming).toMatchObject({ source: 'phone', dialled: '1001' });
    expect(incoming.replaces).toEqual({ leg: rung, early: true });
    invite.cancel();
  });

  test('takes an answered call, for the rooms above to judge', async () => {
    const leg = await inside('ben').answered;
    const { callId, localTag, remoteTag } = leg.dialog!;
    const next = box.next();
    const invite = taking(cem, `${callId};to-tag=${localTag};from-tag=${remoteTag}`);
    const incoming = await next;
    expect(incoming.replaces).toEqual({ leg, early: false });
    incoming.leg.hangup({ sip: 403 });
    expect(await status(invite)).toBe(403);
    expect(leg.state).toBe('up');
  });

  test('is refused by the rules of RFC 3891', async () => {
    const { rung } = await ring();
    const { callId, localTag, remoteTag } = rung.dialog!;
    const value = `${callId};to-tag=${localTag};from-tag=${remoteTag}`;
    const up = (await inside('ben').answered).dialog!;
    const next = box.next();
    const calling = second.call('+15550100', PORT);
    const coming = (await next).leg.dialog!;
    expect(await status(taking(cem, `x;to-tag=1;from-tag=2`)), 'unknown').toBe(481);
    expect(await status(taking(cem, `${callId};to-tag=${localTag};from-tag=wrong`)), 'another fork').toBe(481);
    expect(await status(taking(cem, callId)), 'malformed').toBe(400);
    expect(await status(taking(cem, value, [['Replaces', value]])), 'two').toBe(400);
    expect(await status(taking(cem, value, [['Join', value]])), 'and Join').toBe(400);
    expect(await status(taking(cem, `${up.callId};to-tag=${up.localTag};from-tag=${up.remoteTag};early-only`))).toBe(
      486,
    );
    expect(
      await status(taking(cem, `${coming.callId};to-tag=${coming.localTag};from-tag=${coming.remoteTag}`)),
      'we did not begin it',
    ).toBe(481);
    expect(await status(taking(first, value)), 'a trunk').toBe(403);
    // Required, and understood.
    const asking = taking(cem, value, [['Require', 'replaces']]);
    await until(() => box.incoming.at(-1)?.replaces?.leg === rung);
    asking.cancel();
    calling.cancel();
  });
});
