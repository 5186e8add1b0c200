import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { openDatabase } from '#appliance/platform/postgres/index.ts';
import { type TestDatabase, testDatabase } from '#test/support/database.ts';
import { ABSOLUTE_MS, IDLE_MS } from './sessions.ts';
import { PASSWORD, type TestBox, testBox } from './testing.ts';
import { totpAt } from './totp.ts';

let database: TestDatabase;
let box: TestBox;
let count = 0;
beforeAll(async () => {
  database = await testDatabase();
});
afterAll(() => database.close());
beforeEach(async () => {
  box = await testBox(database.db);
  await database.db('sign_in_throttle').delete();
});

async function newUser(role: 'admin' | 'supervisor' | 'agent' | 'auditor' = 'agent') {
  return box.signedIn(role, `${role}${++count}`);
}

function signIn(payload: object | string, remoteAddress = '192.0.2.7') {
  return box.server.inject({
    method: 'POST',
    url: '/api/v1/sessions',
    payload,
    remoteAddress,
    headers: { 'content-type': 'application/json', 'user-agent': 'test' },
  });
}

describe('signing in', () => {
  it('sets a cookie that scripts and other sites never see, and answers a token for programs', async () => {
    await newUser();
    const answer = await signIn({ username: `AGENT${count} `, password: PASSWORD });
    expect(answer.statusCode).toBe(201);
    const cookie = String(answer.headers['set-cookie']);
    expect(cookie).toMatch(/^sid=[A-Za-z0-9_-]{43}; Secure; HttpOnly; SameSite=Strict; Path=\/$/);
    const { token, user } = JSON.parse(answer.payload);
    expect(cookie).toContain(token);
    expect(user).toEqual({
      id: expect.any(String),
      username: `agent${count}`,
      displayName: `agent${count}`,
      role: 'agent',
    });
    const me = await box.server.inject({ url: '/api/v1/me', headers: { cookie: `sid=${token}` } });
    expect(JSON.parse(me.payload)).toMatchObject({
      role: 'agent',
      permissions: expect.arrayContaining(['calls:control']),
      agent: null,
      timeZone: 'UTC',
    });
    expect(me.payload).not.toMatch(/argon2|hash/i);
  });

  it('keeps neither the password nor the token in the database', async () => {
    const { token, id } = await newUser();
    const [user] = await database.db('app_user').where({ id });
    expect(user.password_hash).toMatch(/^\$argon2id\$v=19\$m=19456,t=2,p=1\$/);
    const dump = JSON.stringify([await database.db('app_session'), await database.db('audit_entry'), user]);
    expect(dump).not.toContain(token);
    expect(dump).not.toContain(PASSWORD);
  });

  it('says the same about a wrong password, an unknown user and an inactive one', async () => {
    const { id } = await newUser();
    const wrong = await signIn({ username: `agent${count}`, password: 'wrong password' });
    const unknown = await signIn({ username: 'nobody-at-all', password: 'wrong password' });
    await database.db('app_user').where({ id }).update({ active: false });
    const inactive = await signIn({ username: `agent${count}`, password: PASSWORD });
    expect([wrong.statusCode, unknown.statusCode, inactive.statusCode]).toEqual([401, 401, 401]);
    expect(new Set([wrong.payload, unknown.payload, inactive.payload]).size).toBe(1);
  });

  it('blocks a person from one place after five failures, for longer each time, and not from elsewhere', async () => {
    await newUser();
    const username = `agent${count}`;
    const statuses: number[] = [];
    for (let index = 0; index < 7; index++)
      statuses.push((await signIn({ username, password: 'wrong password' })).statusCode);
    expect(statuses).toEqual([401, 401, 401, 401, 401, 429, 429]);
    const blocked = await signIn({ username, password: PASSWORD });
    expect([blocked.statusCode, Number(blocked.headers['retry-after'])]).toEqual([429, 15]);
    expect((await signIn({ username, password: PASSWORD }, '198.51.100.4')).statusCode).toBe(201);
    box.clock.advance(16_000);
    expect((await signIn({ username, password: 'wrong password' })).statusCode).toBe(401);
    box.clock.advance(16_000);
    expect((await signIn({ username, password: PASSWORD })).statusCode).toBe(429);
    box.clock.advance(31_000);
    expect((await signIn({ username, password: PASSWORD })).statusCode).toBe(201);
    expect((await signIn({ username, password: 'wrong password' })).statusCode).toBe(401);
  });

  it('counts tries that come at the same moment', async () => {
    await newUser();
    const tries = await Promise.all(
      Array.from({ length: 12 }, () => signIn({ username: `agent${count}`, password: 'wrong password' })),
    );
    expect(tries.filter((answer) => answer.statusCode === 401).length).toBeLessThanOrEqual(5);
  });

  it('blocks a place that tries many names', async () => {
    await database.db('sign_in_throttle').insert({
      key: 'source 2001:db8:1:2::/64',
      failures: 99,
      expires_at: new Date(box.clock.now().getTime() + 60_000),
    });
    expect((await signIn({ username: 'somebody', password: 'x' }, '2001:db8:1:2::abcd')).statusCode).toBe(401);
    expect((await signIn({ username: 'somebody-else', password: 'x' }, '2001:db8:1:2:9::1')).statusCode).toBe(429);
    expect((await signIn({ username: 'somebody-else', password: 'x' }, '2001:db8:1:3::1')).statusCode).toBe(401);
  });

  it.each([
    '{}',
    '{"username":"a"}',
    '{"username":{"$gt":""},"password":"x"}',
    '{"username":["admin"],"password":"x"}',
    `{"username":"admin","password":"${'x'.repeat(9000)}"}`,
    '{"username":"a\\u0000b","password":"x"}',
    '{"username":"ad\\r\\nSet-Cookie: sid=1","password":"x"}',
    '{"username":"\' or 1=1 --","password":"x"}',
  ])('refuses %.60s', async (payload) => {
    const answer = await signIn(payload);
    expect(answer.statusCode).toBeGreaterThanOrEqual(400);
    expect(answer.statusCode).toBeLessThan(500);
    expect(answer.headers['set-cookie']).toBeUndefined();
  });
});

describe('a session', () => {
  const use = async (headers: Record<string, string>) =>
    (await box.server.inject({ url: '/api/v1/me', headers })).statusCode;

  it('slides with use, ends when idle, and ends for good at last', async () => {
    const { headers } = await newUser();
    box.clock.advance(IDLE_MS - 1000);
    expect(await use(headers)).toBe(200);
    box.clock.advance(IDLE_MS - 1000);
    expect(await use(headers)).toBe(200);
    box.clock.advance(IDLE_MS + 1000);
    expect(await use(headers)).toBe(401);

    const busy = await newUser();
    for (let passed = 0; passed < ABSOLUTE_MS - IDLE_MS; passed += IDLE_MS / 2) {
      box.clock.advance(IDLE_MS / 2);
      expect(await use(busy.headers)).toBe(200);
    }
    box.clock.advance(IDLE_MS);
    expect(await use(busy.headers)).toBe(401);
  });

  it('is over after signing out, and its cookie is taken back', async () => {
    const { headers, id } = await newUser();
    const answer = await box.server.inject({ method: 'DELETE', url: '/api/v1/sessions/current', headers });
    expect(answer.statusCode).toBe(204);
    expect(String(answer.headers['set-cookie'])).toMatch(/sid=;.*Max-Age=0/);
    expect(await use(headers)).toBe(401);
    expect(box.published).toContainEqual({ type: 'session.revoked', userId: id });
  });

  it('ends when the role changes, the account is closed or an admin says so', async () => {
    const admin = await newUser('admin');
    for (const change of [{ role: 'supervisor' }, { active: false }, { password: 'another long one 7' }]) {
      const user = await newUser();
      const answer = await box.server.inject({
        method: 'PATCH',
        url: `/api/v1/users/${user.id}`,
        headers: { ...admin.headers, 'if-match': '"1"' },
        payload: change,
      });
      expect(answer.statusCode, answer.payload).toBe(200);
      expect(await use(user.headers), JSON.stringify(change)).toBe(401);
    }
    const user = await newUser();
    expect(
      (await box.server.inject({ method: 'DELETE', url: `/api/v1/users/${user.id}/sessions`, headers: admin.headers }))
        .statusCode,
    ).toBe(204);
    expect(await use(user.headers)).toBe(401);
  });

  it('other sessions end when the password is changed, this one stays', async () => {
    const first = await newUser();
    const { token } = JSON.parse((await signIn({ username: `agent${count}`, password: PASSWORD })).payload);
    const change = (payload: object) =>
      box.server.inject({ method: 'PUT', url: '/api/v1/me/password', headers: first.headers, payload });
    expect((await change({ current: 'not it', next: 'a new long one 9' })).statusCode).toBe(400);
    expect(JSON.parse((await change({ current: PASSWORD, next: 'short' })).payload).code).toBe('password-weak');
    expect((await change({ current: PASSWORD, next: 'a new long one 9' })).statusCode).toBe(204);
    expect(await use(first.headers)).toBe(200);
    expect(await use({ authorization: `Bearer ${token}` })).toBe(401);
    expect((await signIn({ username: `agent${count}`, password: 'a new long one 9' })).statusCode).toBe(201);
  });

  it('opens nothing but the own account until a password that was set by others is changed', async () => {
    const admin = await newUser('admin');
    const user = await newUser('supervisor');
    await database.db('app_user').where({ id: user.id }).update({ must_change_password: true });
    expect(await use(user.headers)).toBe(200);
    await database.db('app_user').where({ id: admin.id }).update({ must_change_password: true });
    const refused = await box.server.inject({ url: '/api/v1/users', headers: admin.headers });
    expect([refused.statusCode, JSON.parse(refused.payload).code]).toEqual([403, 'password-change-required']);
    await box.server.inject({
      method: 'PUT',
      url: '/api/v1/me/password',
      headers: admin.headers,
      payload: { current: PASSWORD, next: 'chosen by myself 1' },
    });
    expect((await box.server.inject({ url: '/api/v1/users', headers: admin.headers })).statusCode).toBe(200);
  });
});

describe('the second factor', () => {
  it('is asked for once confirmed, takes a code once, and has recovery codes', async () => {
    const { headers } = await newUser();
    const username = `agent${count}`;
    const call = async (method: 'POST' | 'PUT' | 'DELETE', payload?: object) => {
      const answer = await box.server.inject({
        method,
        url: '/api/v1/me/second-factor',
        headers,
        ...(payload && { payload }),
      });
      return { status: answer.statusCode, body: answer.payload ? JSON.parse(answer.payload) : undefined };
    };
    const { secret, uri } = (await call('POST')).body;
    expect(uri).toContain(`secret=${secret}`);
    expect((await signIn({ username, password: PASSWORD })).statusCode).toBe(201);

    expect((await call('PUT', { otp: '000000' })).status).toBe(400);
    const code = () => totpAt(secret, box.clock.now().getTime());
    const { recoveryCodes } = (await call('PUT', { otp: code() })).body;
    expect(recoveryCodes).toHaveLength(10);

    expect(JSON.parse((await signIn({ username, password: PASSWORD })).payload).code).toBe('otp-required');
    expect((await signIn({ username, password: PASSWORD, otp: code() })).statusCode).toBe(401); // used at confirmation
    box.clock.advance(30_000);
    expect((await signIn({ username, password: PASSWORD, otp: code() })).statusCode).toBe(201);
    expect((await signIn({ username, password: PASSWORD, otp: code() })).statusCode).toBe(401);
    expect((await signIn({ username, password: PASSWORD, otp: recoveryCodes[3].toUpperCase() })).statusCode).toBe(201);
    expect((await signIn({ username, password: PASSWORD, otp: recoveryCodes[3] })).statusCode).toBe(401);

    expect((await call('DELETE', { password: 'wrong' })).status).toBe(400);
    expect((await call('DELETE', { password: PASSWORD })).status).toBe(204);
    expect((await signIn({ username, password: PASSWORD })).statusCode).toBe(201);
  });
});

describe('accounts', () => {
  it('are made, changed with their version and audited, and never show a password', async () => {
    const admin = await newUser('admin');
    const call = (
      method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE',
      path: string,
      payload?: object,
      version?: string,
    ) =>
      box.server.inject({
        method,
        url: `/api/v1/users${path}`,
        headers: { ...admin.headers, ...(version && { 'if-match': version }) },
        ...(payload && { payload }),
      });
    const made = await call('POST', '', {
      username: 'Dana',
      displayName: 'Dana',
      role: 'agent',
      password: 'a fine long one 3',
    });
    expect(made.statusCode, made.payload).toBe(201);
    const user = JSON.parse(made.payload);
    expect(user).toMatchObject({ username: 'dana', hasPassword: true, version: 1 });
    expect(made.headers).toMatchObject({ etag: '"1"', location: `/api/v1/users/${user.id}` });
    expect(made.payload).not.toMatch(/argon2|"password/);

    expect((await call('PUT', `/${user.id}`, { ...user, displayName: 'D.' })).statusCode).toBe(428);
    expect((await call('PUT', `/${user.id}`, { ...user, displayName: 'D.' }, '"7"')).statusCode).toBe(412);
    const changed = await call('PUT', `/${user.id}`, { ...user, displayName: 'D.', role: 'supervisor' }, '"1"');
    expect(JSON.parse(changed.payload)).toMatchObject({ displayName: 'D.', role: 'supervisor', version: 2 });
    expect((await call('PATCH', `/${user.id}`, { language: 'de' }, '"2"')).statusCode).toBe(200);
    expect(JSON.parse((await call('GET', `/${user.id}`)).payload)).toMatchObject({
      language: 'de',
      role: 'supervisor',
      timeZone: 'UTC',
    });
    expect((await call('POST', '', { username: 'dana', displayName: 'x', role: 'agent' })).statusCode).toBe(409);
    expect((await call('POST', '', { username: 'x', displayName: 'x', role: 'king' })).statusCode).toBe(400);
    expect((await call('POST', '', { username: 'x2', displayName: 'x', role: 'agent', isGod: true })).statusCode).toBe(
      400,
    );
    expect(
      (await call('POST', '', { username: 'x3', displayName: 'x', role: 'agent', timeZone: 'Mars/Olympus' }))
        .statusCode,
    ).toBe(400);

    const entries = await database.db('audit_entry').where({ entity_id: user.id }).orderBy('seq');
    expect(entries.map((entry) => entry.action)).toEqual(['user.created', 'user.updated', 'user.updated']);
    expect(entries[1].details).toEqual({
      from: { displayName: 'Dana', role: 'agent' },
      to: { displayName: 'D.', role: 'supervisor' },
    });
    expect(entries[0].details.set.passwordHash).toBe('(hidden)');
    expect((await call('DELETE', `/${user.id}`, undefined, '"3"')).statusCode).toBe(204);
  });

  it('leave somebody who can administer', async () => {
    await database.db('app_user').where({ role: 'admin' }).update({ active: false });
    const admin = await newUser('admin');
    const change = (payload: object) =>
      box.server.inject({
        method: 'PATCH',
        url: `/api/v1/users/${admin.id}`,
        headers: { ...admin.headers, 'if-match': '"1"' },
        payload,
      });
    expect((await change({ role: 'agent' })).statusCode).toBe(409);
    expect((await change({ active: false })).statusCode).toBe(409);
    expect(
      (
        await box.server.inject({
          method: 'DELETE',
          url: `/api/v1/users/${admin.id}`,
          headers: { ...admin.headers, 'if-match': '*' },
        })
      ).statusCode,
    ).toBe(409);
  });
});

describe('while the database is away', () => {
  it('nobody is let in, and everybody is told to come again', async () => {
    const db = openDatabase('postgresql://nobody@127.0.0.1:1/none');
    const away = await testBox(db);
    const headers = { authorization: `Bearer ${'x'.repeat(43)}` };
    for (const answer of [
      await away.server.inject({ url: '/api/v1/me', headers }),
      await away.server.inject({ method: 'POST', url: '/api/v1/sessions', payload: { username: 'a', password: 'b' } }),
    ]) {
      expect([answer.statusCode, JSON.parse(answer.payload).code, answer.headers['retry-after']]).toEqual([
        503,
        'database-away',
        '2',
      ]);
      expect(answer.payload).not.toMatch(/ECONN|127\.0\.0\.1|select/);
    }
    await db.destroy();
  });
});
