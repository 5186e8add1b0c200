import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ManualClock } from '#appliance/kernel/clock.ts';
import { silentLog } from '#appliance/platform/log/index.ts';
import { type TestDatabase, testDatabase } from '#test/support/database.ts';
import { createPhones, type Phones } from './phones.ts';
import { createPhoneStore } from './store.ts';

const clock = new ManualClock();
let database: TestDatabase;
let phones: Phones;

beforeAll(async () => {
  database = await testDatabase();
  phones = open();
  await phones.start();
});

afterAll(async () => {
  await phones?.stop();
  await database?.close();
});

const open = () => createPhones({ store: createPhoneStore(database.db), clock, log: silentLog, realm: 'box' });

describe('phones', () => {
  test('get a username of their extension, and another one when it is taken', async () => {
    const first = await phones.create({ label: 'Desk', kind: 'sip', extension: '1001' });
    const second = await phones.create({ label: 'Desk 2', kind: 'sip', extension: '1001' });
    expect(first.phone.username).toBe('1001');
    expect(second.phone.username).toMatch(/^1001-[a-z2-9]{6}$/);
    expect(first.password).toMatch(/^[a-zA-Z2-9]{20}$/);
    expect(phones.book.byExtension('1001').map((phone) => phone.label)).toEqual(['Desk', 'Desk 2']);
  });

  test('made in another process are found at once', async () => {
    await open().create({ label: 'Elsewhere', kind: 'sip', username: 'elsewhere' });
    expect(phones.book.byUsername('elsewhere')).toBeUndefined();
    expect((await phones.findByUsername('elsewhere'))?.label).toBe('Elsewhere');
    expect(await phones.findByUsername("x'; drop table phone --")).toBeUndefined();
  });

  test('at one address are told apart by their name, and one alone needs none', async () => {
    const at = (username: string, port: number) =>
      phones.create({ label: username, kind: 'fixed', username, fixedHost: '192.0.2.5', fixedPort: port });
    await at('one', 5060);
    const from = (port: number, user?: string) => phones.book.atAddress({ address: '192.0.2.5', port }, user)?.username;
    expect([from(5060), from(5060, 'stranger'), from(5070)]).toEqual(['one', 'one', undefined]);
    await at('two', 5060);
    expect([from(5060, 'two'), from(5060, 'one'), from(5060)]).toEqual(['two', 'one', undefined]);
  });

  test('are void when switched off, when their password changes and when they are gone, and only then', async () => {
    const { phone } = await phones.create({ label: 'Void', kind: 'sip', username: 'void' });
    const voided: string[] = [];
    const off = phones.onVoid((id) => voided.push(id));
    const store = createPhoneStore(database.db);
    await store.update(phone.id, 1, { label: 'Renamed' });
    await phones.reload(phone.id);
    expect(voided).toEqual([]);
    const rotated = await phones.rotate(phone.id);
    expect(voided).toEqual([phone.id]);
    await store.update(phone.id, rotated.phone.version, { enabled: false });
    await phones.reload(phone.id);
    expect(voided).toHaveLength(2);
    expect(phones.book.get(phone.id)).toBeUndefined();
    await store.remove(phone.id, rotated.phone.version + 1);
    await phones.reload(phone.id);
    expect(voided).toHaveLength(3);
    off();
  });

  test('of a browser end with their time', async () => {
    const given = await phones.issueBrowserCredentials((await agent()) as string, { extension: '1001' });
    expect(phones.book.byUsername(given.username)).toBeDefined();
    clock.advance(12 * 3600_000);
    expect(phones.book.byUsername(given.username)).toBeUndefined();
    await expect
      .poll(async () => {
        clock.advance(3700_000);
        return (await database.db('phone').where({ id: given.phoneId })).length;
      })
      .toBe(0);
  });

  test('of a browser that nobody holds any more go soon; one that is registered stays', async () => {
    const { db } = database;
    const agentId = await agent();
    const give = async () => (await phones.issueBrowserCredentials(agentId, { extension: '1001' })).phoneId;
    const [held, left, justMade] = [await give(), await give(), await give()];
    const madeAt = new Date(Date.now() - 3600_000);
    await db('phone').whereIn('id', [held, left]).update({ created_at: madeAt });
    const place = { contact: '<sip:x>', transport: 'ws', address: '192.0.2.9', port: 1, local_address: '192.0.2.1' };
    const rest = {
      local_port: 443,
      instance: 'a',
      call_id: 'a',
      cseq: 1,
      registered_at: madeAt,
      expires_at: new Date(),
    };
    await db('registration').insert({ id: held, phone_id: held, binding: 'a', ...place, ...rest });
    const gone = await createPhoneStore(db).removeBrowsers({
      endedBefore: new Date(0),
      madeBefore: new Date(Date.now() - 600_000),
    });
    expect(gone).toContain(left);
    expect(await db('phone').whereIn('id', [held, left, justMade]).orderBy('created_at').pluck('id')).toEqual([
      held,
      justMade,
    ]);
    expect(await db('phone').where({ kind: 'sip' }), 'desk phones are never removed').not.toEqual([]);
  });
});

/** An agent's row without the rooms above. */
async function agent(): Promise<string> {
  await database.db.raw('alter table phone drop constraint if exists phone_agent_id_fkey');
  return '019ab000-0000-7000-8000-00000000000a';
}
