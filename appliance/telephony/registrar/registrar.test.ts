import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { type TestDatabase, testDatabase } from '#test/support/database.ts';
import { type Box, openBox, REALM } from '../calls/testing/box.ts';
import { Party } from '../calls/testing/party.ts';
import { type TestSwitch, testSwitch } from '../media/testing/switch.ts';
import { ha1, parseUri } from '../sip/index.ts';
import { registrations } from './store.ts';

const PORT = 16_100;
let database: TestDatabase;
let rig: TestSwitch;
let box: Box;
let bob: Party;
let desk: Party;
let phoneId: string;
let password: string;

beforeAll(async () => {
  database = await testDatabase();
  rig = await testSwitch(23_200, { legs: 10 });
  box = await openBox({ db: database.db, media: rig.media, port: PORT });
  bob = await new Party('bob', 16_101, 400).start();
  desk = await new Party('bob', 16_102, 600).start();
  const made = await box.phones.create({ label: 'Bob', kind: 'sip', extension: '1002', username: 'bob' });
  ({ password } = made);
  phoneId = made.phone.id;
});

afterAll(async () => {
  await box?.stop();
  await Promise.all([bob, desk].map((party) => party?.stop()));
  await rig?.close();
  await database?.close();
});

const credentials = (word = password) => ({ username: 'bob', password: word });
const stored = () => registrations(database.db, phoneId);
const until = (check: () => unknown) => vi.waitFor(() => expect(check()).toBeTruthy(), { timeout: 4000, interval: 10 });

describe('a phone', () => {
  test('registers with its password, is online, and is stored before it hears so', async () => {
    const changes: [string, boolean][] = [];
    const off = box.registrar.onChange((id, online) => changes.push([id, online]));
    const response = await bob.register(PORT, credentials());
    expect(response.status).toBe(200);
    expect(response.list('contact')[0]).toMatch(/^<sip:bob@127\.0\.0\.1:16101>;expires=(300|299)$/);
    expect(await stored()).toMatchObject([
      { phoneId, transport: 'udp', address: '127.0.0.1', port: 16_101, instance: 'test' },
    ]);
    expect(box.registrar.online(phoneId)).toBe(true);
    expect(changes).toEqual([[phoneId, true]]);
    off();
  });

  test('wrong passwords and names that nobody has are told to the guard, and the answer is the same for all', async () => {
    box.suspicions.length = 0;
    const ask = (user: string, words?: { username: string; password: string }) =>
      bob.sip.request({
        method: 'REGISTER',
        uri: parseUri(`sip:127.0.0.1:${PORT}`),
        to: { uri: parseUri(`sip:${user}@127.0.0.1`) },
        from: { uri: parseUri(`sip:${user}@127.0.0.1`) },
        contact: { user },
        ...(words ? { credentials: words } : {}),
      });
    const answers = [await ask('bob'), await ask('1234'), await ask('bob', credentials('wrong'))];
    expect(answers.map(({ status }) => status)).toEqual([401, 401, 401]);
    await vi.waitFor(() => expect([...box.suspicions].sort()).toEqual(['unknown-user 1234', 'wrong-password bob']));
  });

  test('is asked in the old way over UDP, where phones of all ages are', async () => {
    const response = await bob.register(PORT, { username: 'nobody', password: 'x' });
    expect(response.status).toBe(401);
    expect(response.headers('www-authenticate').map((value) => /algorithm=([\w-]+)/.exec(value)?.[1])).toEqual(['MD5']);
  });

  test('is kept as HA1, never as a password', async () => {
    const row = await database.db('phone').where({ id: phoneId }).first();
    expect(row.ha1_md5).toBe(ha1('MD5', 'bob', REALM, password));
    expect(row.ha1_sha256).toBe(ha1('SHA-256', 'bob', REALM, password));
    expect(JSON.stringify(row)).not.toContain(password);
  });

  test('may have several places; all of them ring', async () => {
    await desk.register(PORT, credentials());
    expect(box.registrar.contacts(phoneId)).toHaveLength(2);
    bob.behaviour = 'ring';
    desk.behaviour = 'ring';
    const ringing = box.calls.dial([{ kind: 'extension', extension: '1002' }], { from: { number: '1' } });
    await until(() => bob.invites.length === 1 && desk.invites.length === 1);
    desk.pickUp();
    const leg = await ringing.answered;
    await until(() => bob.cancels.length === 1);
    leg.hangup();
  });

  test('is refused with a wrong password, for another name, and after its password was changed', async () => {
    expect((await bob.register(PORT, credentials('wrong'))).status).toBe(401);
    const alice = await box.phones.create({ label: 'Alice', kind: 'sip', extension: '1001', username: 'alice' });
    expect((await bob.register(PORT, { username: 'alice', password: alice.password })).status).toBe(403);
    const rotated = await box.phones.rotate(alice.phone.id);
    expect((await bob.register(PORT, { username: 'alice', password: alice.password })).status).toBe(401);
    expect(rotated.password).not.toBe(alice.password);
  });

  test('too short a time is answered with the shortest', async () => {
    const response = await bob.register(PORT, credentials(), { expires: 5 });
    expect(response.status).toBe(423);
    expect(response.header('min-expires')).toBe('60');
  });

  test('an old request that comes late changes nothing', async () => {
    expect((await bob.register(PORT, credentials(), { callId: 'x', cseq: 10 })).status).toBe(200);
    expect((await bob.register(PORT, credentials(), { callId: 'x', cseq: 3, expires: 0 })).status).toBe(500);
    expect(box.registrar.contacts(phoneId)).toHaveLength(2);
  });

  test('can be rung at once after a restart, wherever it was', async () => {
    // Behind NAT: what it says of itself leads nowhere.
    await bob.register(PORT, credentials(), { contact: '<sip:bob@192.0.2.77:5060>' });
    await box.die();
    box = await openBox({ db: database.db, media: rig.media, port: PORT });
    expect(box.registrar.online(phoneId)).toBe(true);
    const before = bob.invites.length;
    bob.behaviour = 'answer';
    desk.behaviour = 'ring';
    const leg = await box.calls.dial([{ kind: 'phone', phoneId }], { from: { number: '1' } }).answered;
    expect(bob.invites.length).toBeGreaterThan(before);
    leg.hangup();
    await until(() => bob.ends.length > 0);
  });

  test('takes everything back with a wildcard', async () => {
    const changes: boolean[] = [];
    const off = box.registrar.onChange((_id, online) => changes.push(online));
    const response = await bob.register(PORT, credentials(), { contact: '*', expires: 0 });
    expect(response.status).toBe(200);
    expect(response.has('contact')).toBe(false);
    expect(box.registrar.online(phoneId)).toBe(false);
    expect(changes).toEqual([false]);
    await vi.waitFor(async () => expect(await stored()).toEqual([]));
    off();
  });

  test('on a connection keeps it: calls come back over it, and its calls need no password again', async () => {
    const { createSipStack } = await import('../sip/index.ts');
    const quiet = { debug() {}, info() {}, warn() {}, error() {} };
    const tcp = createSipStack({
      listen: { tcp: { host: '127.0.0.1', port: 16_103 } },
      userAgent: 'tcp phone',
      log: quiet,
    });
    await tcp.start();
    const aor = parseUri('sip:bob@127.0.0.1');
    const response = await tcp.request({
      method: 'REGISTER',
      uri: parseUri(`sip:127.0.0.1:${PORT};transport=tcp`),
      to: { uri: aor },
      from: { uri: aor },
      headers: [
        ['Contact', '<sip:bob@192.0.2.99:40000;transport=tcp>'],
        ['Expires', '120'],
      ],
      credentials: credentials(),
    });
    expect(response.status).toBe(200);
    const rang = new Promise<string>((resolve) =>
      tcp.onInvite((invite) => {
        invite.reject({ status: 486 });
        resolve(invite.request.uriText);
      }),
    );
    await box.calls.dial([{ kind: 'phone', phoneId }], { from: { number: '1' } }).answered.catch(() => {});
    expect(await rang).toContain('192.0.2.99');
    await tcp.stop();
  });
});

describe('a call from a phone', () => {
  test("needs the password, and then is the phone's", async () => {
    const coming = box.next();
    const invite = bob.call('1001', PORT, { credentials: credentials() });
    const { leg, source, dialled } = await coming;
    expect({ source, dialled, from: leg.from, phoneId: leg.phoneId }).toEqual({
      source: 'phone',
      dialled: '1001',
      from: { number: '1002', name: 'Bob' },
      phoneId,
    });
    leg.hangup({ q850: 1 });
    await expect(invite.answered).rejects.toMatchObject({ status: 404 });
  });

  test.each([
    ['without a password', 'bob', undefined, 401],
    ['with a wrong one', 'bob', { username: 'bob', password: 'no' }, 401],
    ['of nobody we know', 'mallory', undefined, 403],
  ])('%s is refused', async (_name, user, given, status) => {
    const party = await new Party(user, 16_104, 400).start();
    await expect(party.call('1001', PORT, given ? { credentials: given } : {}).answered).rejects.toMatchObject({
      status,
    });
    await party.stop();
    expect(box.calls.legs.size).toBe(0);
  });
});

describe('credentials for a browser', () => {
  test("carry the agent's extension and end by themselves", async () => {
    const agentId = '019ab000-0000-7000-8000-00000000000a';
    await expect(box.phones.issueBrowserCredentials(agentId)).rejects.toMatchObject({ code: 'no-extension' });
    await database.db
      .raw('alter table phone drop constraint phone_agent_id_foreign')
      .catch(() => database.db.raw('alter table phone drop constraint phone_agent_id_fkey'));
    const given = await box.phones.issueBrowserCredentials(agentId, { extension: '1001' });
    expect(given).toMatchObject({ extension: '1001', realm: REALM, username: expect.stringMatching(/^web-1001-/) });
    expect(given.expiresAt.getTime()).toBeGreaterThan(Date.now() + 3600_000);
    const party = await new Party(given.username, 16_105, 400).start();
    expect((await party.register(PORT, { username: given.username, password: given.password })).status).toBe(200);
    await database
      .db('phone')
      .where({ id: given.phoneId })
      .update({ expires_at: new Date(Date.now() - 1000) });
    await box.phones.reload(given.phoneId);
    expect((await party.register(PORT, { username: given.username, password: given.password })).status).toBe(401);
    await party.stop();
  });
});
