import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { Baresip } from '#test/calls/support/baresip.ts';
import { type TestDatabase, testDatabase } from '#test/support/database.ts';
import { isPing } from '../registrar/index.ts';
import type { LineCall } from './api.ts';
import { type Desk, openDesk } from './testing/desk.ts';
import { Subscriber } from './testing/subscriber.ts';
import { readXml } from './testing/xml.ts';

const PORT = 16_300;
let database: TestDatabase;
let desk: Desk;
let bob: Subscriber;
let ids: { bob: string; carol: string };
let passwords: { bob: string; carol: string };
const MWI = { event: 'message-summary' };

beforeAll(async () => {
  database = await testDatabase();
  desk = await openDesk({ db: database.db, port: PORT, perPhone: 20 });
  const made = await desk.phones.create({ label: 'Bob', kind: 'sip', extension: '1002', username: 'bob' });
  const other = await desk.phones.create({ label: 'Carol', kind: 'sip', extension: '1003', username: 'carol' });
  ids = { bob: made.phone.id, carol: other.phone.id };
  passwords = { bob: made.password, carol: other.password };
  bob = await Subscriber.open(PORT + 1, PORT, 'bob', { username: 'bob', password: passwords.bob });
});

beforeEach(() => {
  bob.answer = 200;
  desk.suspicions.length = 0;
});

afterAll(async () => {
  await desk?.stop();
  bob?.close();
  await database?.close();
});

const call = (id: string, fields: Partial<LineCall> = {}): LineCall => ({
  id,
  dialog: undefined,
  direction: 'recipient',
  state: 'early',
  ...fields,
});
const until = (check: () => unknown) => vi.waitFor(() => expect(check()).toBeTruthy(), { timeout: 4000, interval: 5 });
const rows = () => database.db('subscription').select();
const states = (body: string) => readXml(body).children.map(({ children: [state] }) => state?.text);

describe('a phone that watches a colleague', () => {
  test('hears at once how it is, and then what changes', async () => {
    const watch = await bob.subscribe('1003', { event: 'dialog;id=k1', expires: 600 });
    expect(watch.response.status).toBe(200);
    expect(watch.response.header('expires')).toBe('600');
    const [row] = await rows();
    expect(row).toMatchObject({
      phone_id: ids.bob,
      package: 'dialog',
      extension: '1003',
      event_id: 'k1',
      instance: 'test',
    });
    const first = await bob.notify(watch, 1);
    expect(first.header('event')).toBe('dialog;id=k1');
    expect(first.header('subscription-state')).toMatch(/^active;expires=(600|599)$/);
    expect(first.contentType).toBe('application/dialog-info+xml');
    expect(readXml(first.bodyText)).toMatchObject({
      attributes: { version: '0', state: 'full', entity: 'sip:1003@127.0.0.1' },
      children: [],
    });
    desk.calls('1003', [call('one')]);
    const [ringing] = readXml((await bob.notify(watch, 2)).bodyText).children;
    expect(ringing).toMatchObject({ attributes: { id: 'one', direction: 'recipient' }, children: [{ text: 'early' }] });
    desk.calls('1003', [call('one', { state: 'confirmed' })]);
    const talks = await bob.notify(watch, 3);
    expect([readXml(talks.bodyText).attributes.version, states(talks.bodyText)]).toEqual(['2', ['confirmed']]);
    desk.calls('1003', []);
    expect(states((await bob.notify(watch, 4)).bodyText)).toEqual(['terminated']);
    const over = await bob.subscribe('1003', { event: 'dialog;id=k1', expires: 0, within: watch });
    expect(over.response.status).toBe(200);
    const last = await bob.notify(watch, 5);
    expect(last.header('subscription-state')).toBe('terminated;reason=timeout');
    await until(() => desk.subscriptions.size === 0);
    await until(async () => (await rows()).length === 0);
    await desk.flushed();
    expect(await rows()).toEqual([]);
    // RFC 6665 §4.4.1: there is no such dialog any more.
    expect((await bob.subscribe('1003', { within: over })).response.status).toBe(481);
  });

  test('changes of one moment are one document', async () => {
    const watch = await bob.subscribe('1003');
    await bob.notify(watch, 1);
    for (let i = 0; i < 30; i++) desk.calls('1003', [call(`c${i}`)]);
    desk.calls('1003', [call('final', { direction: 'initiator', state: 'trying' })]);
    const last = await bob.notify(watch, 2);
    expect(readXml(last.bodyText).children[0]?.attributes).toMatchObject({ id: 'final', direction: 'initiator' });
    desk.calls('1003', []);
    await bob.notify(watch, 3);
    expect(bob.of(watch.callId)).toHaveLength(3);
    await bob.subscribe('1003', { within: watch, expires: 0 });
    await bob.notify(watch, 4);
  });

  test('is one of many: all hear it', async () => {
    const many = [];
    for (let i = 0; i < 14; i++) many.push(await bob.subscribe('1003', { event: `dialog;id=${i}` }));
    const carol = await Subscriber.open(PORT + 5, PORT, 'carol', { username: 'carol', password: passwords.carol });
    for (let i = 0; i < 14; i++) many.push(await carol.subscribe('1003', { event: `dialog;id=${i}` }));
    const phones = many.map((watch, i) => ({ watch, phone: i < 14 ? bob : carol }));
    await Promise.all(phones.map(({ watch, phone }) => phone.notify(watch, 1)));
    desk.calls('1003', [call('seen')]);
    const told = await Promise.all(phones.map(({ watch, phone }) => phone.notify(watch, 2)));
    expect(told.map((notify) => states(notify.bodyText))).toEqual(phones.map(() => ['early']));
    desk.calls('1003', []);
    for (const { watch, phone } of phones) {
      await phone.subscribe('1003', { ...(watch.event ? { event: watch.event } : {}), within: watch, expires: 0 });
    }
    await until(() => desk.subscriptions.size === 0);
    carol.close();
  });

  test('asks anew within the dialog: the whole state again, and more time', async () => {
    const watch = await bob.subscribe('1003', { expires: 60 });
    await bob.notify(watch, 1);
    const again = await bob.subscribe('1003', { within: watch, expires: 3000 });
    expect([again.response.status, again.response.header('expires')]).toEqual([200, '3000']);
    expect((await bob.notify(watch, 2)).header('subscription-state')).toMatch(/^active;expires=(3000|2999)$/);
    expect((await bob.subscribe('1003', { within: again, expires: 5 })).response.status).toBe(423);
    const other = await bob.subscribe('1003', { within: { ...again, cseq: again.cseq + 1 }, event: 'dialog;id=other' });
    expect(other.response.status).toBe(481);
    await bob.subscribe('1003', { within: { ...again, cseq: again.cseq + 3 }, expires: 0 });
    await until(() => desk.subscriptions.size === 0);
  });

  test('asks once how things are', async () => {
    desk.calls('1003', [call('now', { state: 'confirmed' })]);
    const watch = await bob.subscribe('1003', { expires: 0 });
    expect(watch.response.status).toBe(200);
    const only = await bob.notify(watch, 1);
    expect([only.header('subscription-state'), states(only.bodyText)]).toEqual([
      'terminated;reason=timeout',
      ['confirmed'],
    ]);
    await until(() => desk.subscriptions.size === 0);
    desk.calls('1003', []);
  });

  test('is forgotten when it knows nothing of it, or is silent', async () => {
    for (const answer of [481, 0]) {
      const watch = await bob.subscribe('1003');
      await bob.notify(watch, 1);
      await until(() => desk.subscriptions.size === 1);
      bob.answer = answer;
      desk.calls('1003', [call(`x${answer}`)]);
      await bob.notify(watch, 2);
      await until(() => desk.subscriptions.size === 0);
      bob.answer = 200;
      expect(bob.requests.filter(({ method }) => method === 'BYE')).toEqual([]);
    }
    await desk.flushed();
    expect(await rows()).toEqual([]);
  });
});

describe('a phone with messages', () => {
  test('subscribes to its own, by extension or name, and to nobody else’s', async () => {
    desk.messages('1002', 1, 2);
    for (const user of ['1002', 'bob']) {
      const waiting = await bob.subscribe(user, MWI);
      const first = await bob.notify(waiting, 1);
      expect(first.contentType).toBe('application/simple-message-summary');
      expect(first.bodyText).toBe(
        'Messages-Waiting: yes\r\nMessage-Account: sip:1002@127.0.0.1\r\nVoice-Message: 1/2 (0/0)\r\n',
      );
      await bob.subscribe(user, { ...MWI, within: waiting, expires: 0 });
      await bob.notify(waiting, 2);
    }
    expect((await bob.subscribe('1003', MWI)).response.status).toBe(403);
  });

  test('is told when they are heard', async () => {
    const waiting = await bob.subscribe('1002', MWI);
    await bob.notify(waiting, 1);
    desk.messages('1002', 0, 3);
    expect((await bob.notify(waiting, 2)).bodyText).toContain('Messages-Waiting: no');
    await bob.subscribe('1002', { ...MWI, within: waiting, expires: 0 });
    await until(() => desk.subscriptions.size === 0);
  });

  test('is told without having asked, when its record says so', async () => {
    const carol = await Subscriber.open(PORT + 2, PORT, 'carol', { username: 'carol', password: passwords.carol });
    await carol.register();
    desk.messages('1003', 4, 0);
    const row = (await database.db('phone').where({ id: ids.carol }).first('version'))!;
    await database
      .db('phone')
      .where({ id: ids.carol })
      .update({ unsolicited_mwi: true, version: row.version + 1 });
    await desk.phones.reload(ids.carol);
    expect(carol.requests).toEqual([]);
    await carol.register(0);
    await carol.register();
    const told = await carol.request('NOTIFY', 'message-summary');
    expect(told.bodyText).toContain('Voice-Message: 4/0');
    desk.messages('1003', 5, 0);
    desk.messages('1003', 6, 0);
    desk.messages('1003', 0, 7);
    expect((await carol.request('NOTIFY', 'message-summary', 3)).bodyText).toContain('Voice-Message: 0/7');
    await carol.register(0);
    carol.close();
  });
});

describe('a phone by somebody else', () => {
  test('baresip subscribes to its messages and is told of them', async () => {
    const { password } = await desk.phones.create({ label: 'B', kind: 'sip', extension: '1005', username: 'bare' });
    desk.messages('1005', 3, 1);
    const baresip = new Baresip({
      ...{ sipPort: PORT + 10, controlPort: PORT + 12, rtpPorts: [PORT + 20, PORT + 30], says: 400 },
      ...{ account: `<sip:bare@127.0.0.1:${PORT}>;auth_pass=${password};mwi=yes`, modules: ['mwi.so'] },
    });
    try {
      await baresip.start();
      const heard = (summary: string) => until(() => baresip.log.includes(summary));
      await heard('Voice-Message: 3/1');
      desk.messages('1005', 0, 4);
      await heard('Voice-Message: 0/4');
      expect(desk.subscriptions.size).toBe(1);
    } finally {
      await baresip.stop();
    }
    await until(() => desk.subscriptions.size === 0);
  });
});

describe('strangers and nonsense', () => {
  test('nobody subscribes without being one of our phones', async () => {
    const stranger = await Subscriber.open(PORT + 3, PORT, 'mallory');
    expect((await stranger.subscribe('1003')).response.status).toBe(401);
    stranger.user = 'bob';
    stranger.credentials = { username: 'bob', password: 'guess' };
    expect((await stranger.subscribe('1003')).response.status).toBe(401);
    await until(() => desk.suspicions.length === 2);
    expect(desk.suspicions.toSorted()).toEqual(['unknown-user mallory', 'wrong-password bob']);
    expect(stranger.notifies).toEqual([]);
    stranger.close();
  });

  test.each<[string, string, object, number]>([
    ['a package we do not know', '1003', { event: 'presence' }, 489],
    ['no package at all', '1003', { event: '' }, 489],
    ['an extension that is not there', '4711', {}, 404],
    ['too short a time', '1003', { expires: 10 }, 423],
    ['a time that is no number', '1003', { expires: 'Infinity' }, 400],
    ['a document we cannot write', '1003', { headers: ['Accept: text/html'] }, 406],
    ['no way back', '1003', { contact: null }, 400],
    ['a way back that cannot be read', '1003', { contact: '<sip:[::' }, 400],
    ['an extension we require of it', '1003', { headers: ['Require: eventlist'] }, 420],
  ])('%s is refused', async (_, user, ask, status) => {
    expect((await bob.subscribe(user, ask)).response.status).toBe(status);
    expect(desk.subscriptions.size).toBe(0);
  });

  test('a phone has so many subscriptions and no more; the oldest to the same gives way', async () => {
    const made = [];
    for (let i = 0; i < 20; i++) made.push(await bob.subscribe('1003', { event: `dialog;id=${i}` }));
    expect(made.every(({ response }) => response.status === 200)).toBe(true);
    const refused = await bob.subscribe('1002', MWI);
    expect([refused.response.status, refused.response.header('retry-after')]).toEqual([480, '300']);
    const more = await bob.subscribe('1003', { event: 'dialog;id=20' });
    expect(more.response.status).toBe(200);
    const evicted = await bob.notify(made[0]!, 2);
    expect(evicted.header('subscription-state')).toBe('terminated;reason=probation;retry-after=3600');
    expect(desk.subscriptions.size).toBe(20);
    await desk.flushed();
    expect(await rows()).toHaveLength(20);
    // Its password is changed: it is not welcome any more.
    passwords.bob = (await desk.phones.rotate(ids.bob)).password;
    bob.credentials = { username: 'bob', password: passwords.bob };
    expect((await bob.notify(more, 2)).header('subscription-state')).toBe('terminated;reason=rejected');
    await until(() => desk.subscriptions.size === 0);
  });
});

describe('when the process dies', () => {
  test('subscriptions go on, their numbers grow, and what changed meanwhile is told', async () => {
    const watch = await bob.subscribe('1003', { expires: 600 });
    await bob.notify(watch, 1);
    const short = await bob.subscribe('1002', { ...MWI, expires: 600 });
    await bob.notify(short, 1);
    await desk.flushed();
    await database
      .db('subscription')
      .where({ package: 'message-summary' })
      .update({ expires_at: new Date(0) });
    await desk.stop();
    desk = await openDesk({ db: database.db, port: PORT });
    const told = await bob.notify(watch, 2);
    const [before] = bob.of(watch.callId);
    expect(told.cseq.number).toBeGreaterThan(before!.cseq.number);
    expect(Number(readXml(told.bodyText).attributes.version)).toBeGreaterThan(0);
    desk.calls('1003', [call('later')]);
    expect(states((await bob.notify(watch, 3)).bodyText)).toEqual(['early']);
    expect(desk.subscriptions.size).toBe(1);
    const over = await bob.subscribe('1003', { within: watch, expires: 0 });
    expect(over.response.status).toBe(200);
    expect((await bob.notify(watch, 4)).header('subscription-state')).toMatch(/^terminated/);
    await until(() => desk.subscriptions.size === 0);
  });
});

describe('a phone that is to restart', () => {
  test('is asked at each place it registered, and says whether it will', async () => {
    await expect(desk.restart(ids.bob)).rejects.toMatchObject({ code: 'phone-not-registered' });
    await bob.register();
    await expect(desk.restart(ids.bob)).resolves.toEqual({ accepted: 1, asked: 1 });
    const asked = await bob.request('NOTIFY', 'check-sync;reboot=true');
    expect(asked.uriText).toBe(`sip:bob@127.0.0.1:${bob.port}`);
    bob.answer = 489;
    await expect(desk.restart(ids.bob)).rejects.toMatchObject({ kind: 'conflict', code: 'phone-declined' });
    bob.answer = 0;
    await expect(desk.restart(ids.bob)).rejects.toMatchObject({ kind: 'unavailable', code: 'phone-silent' });
    await expect(desk.restart('00000000-0000-7000-8000-000000000000')).rejects.toMatchObject({
      code: 'phone-not-registered',
    });
    bob.answer = 200;
    await bob.register(0);
  });
});

describe('a phone that is asked whether it is there', () => {
  test('answers, falls silent, is not called first, and comes back; what is known outlives the process', async () => {
    await desk.stop();
    desk = await openDesk({ db: database.db, port: PORT, pingEveryS: 0.1 });
    const changes: boolean[] = [];
    desk.registrar.onChange((_, online) => changes.push(online));
    // Registered, asked within ten seconds: a restart asks within one interval.
    await bob.register();
    await desk.flushed();
    await desk.stop();
    desk = await openDesk({ db: database.db, port: PORT, pingEveryS: 0.1 });
    desk.registrar.onChange((_, online) => changes.push(online));
    changes.length = 0;
    const [contact] = desk.registrar.contacts(ids.bob);
    await until(() => desk.registrar.reach(contact!.id).reachable === true);
    expect(desk.registrar.reach(contact!.id).roundTripMs).toBeLessThan(500);
    const asked = bob.requests.filter(({ method }) => method === 'OPTIONS').map((request) => request.print());
    expect(asked.every((message) => isPing({ direction: 'out', message }))).toBe(true);
    expect(asked.some((message) => isPing({ direction: 'in', message }))).toBe(false);
    bob.answer = 0;
    await until(() => desk.registrar.reach(contact!.id).reachable === false);
    expect(desk.registrar.online(ids.bob)).toBe(false);
    // The last resort.
    expect(desk.registrar.contacts(ids.bob)).toHaveLength(1);
    const desktop = await Subscriber.open(PORT + 4, PORT, 'bob', bob.credentials);
    await desktop.register();
    expect(desk.registrar.contacts(ids.bob).map(({ row }) => row.port)).toEqual([PORT + 4]);
    await desktop.register(0);
    await desk.flushed();
    expect(await database.db('registration').where({ phone_id: ids.bob }).first('reachable')).toEqual({
      reachable: false,
    });
    await desk.stop();
    desk = await openDesk({ db: database.db, port: PORT, pingEveryS: 0.1 });
    expect(desk.registrar.online(ids.bob)).toBe(false);
    bob.answer = 200;
    await until(() => desk.registrar.online(ids.bob));
    expect(changes).toContain(false);
    desktop.close();
  });
});
