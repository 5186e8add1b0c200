import { afterAll, beforeAll, beforeEach, expect, test, vi } from 'vitest';
import { ManualClock } from '#appliance/kernel/clock.ts';
import { silentLog } from '#appliance/platform/log/index.ts';
import { type TestDatabase, testDatabase } from '#test/support/database.ts';
import { parseMessage, type SipRequest } from '../sip/index.ts';
import { createGuard, type Guard, type GuardOptions } from './guard.ts';
import { type Ban, createBanStore } from './store.ts';

let database: TestDatabase;
let clock: ManualClock;
const told: string[] = [];
const limits = { requestsPerS: 2, burst: 4, floodsToBan: 5, unknownToSilence: 3, unknownToBan: 6, passwordsToBan: 3 };

beforeAll(async () => {
  database = await testDatabase();
});
afterAll(() => database.close());
beforeEach(async () => {
  await database.db('sip_ban').delete();
  clock = new ManualClock();
  told.length = 0;
});

async function open(options: Partial<GuardOptions> = {}): Promise<Guard> {
  const guard = createGuard({
    store: createBanStore(database.db),
    clock,
    log: silentLog,
    trusted: (address) => address === '192.0.2.1',
    banned: ({ source, reason, count }) => told.push(`banned ${source} ${reason} ${count}`),
    lifted: (source) => told.push(`lifted ${source}`),
    limits,
    ...options,
  });
  await guard.start();
  return guard;
}

const from = (address: string, transport: 'udp' | 'ws' = 'udp') => ({ transport, remote: { address, port: 5060 } });
const request = (method = 'INVITE', agent = 'phone'): SipRequest =>
  parseMessage(
    Buffer.from(
      `${method} sip:100@198.51.100.1 SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.9;branch=z9hG4bK1\r\nFrom: <sip:a@b>;tag=1\r\nTo: <sip:100@b>\r\nCall-ID: 1\r\nCSeq: 1 ${method}\r\nUser-Agent: ${agent}\r\nContent-Length: 0\r\n\r\n`,
    ),
  ) as SipRequest;
const stored = () => database.db<Ban>('sip_ban').select('source', 'reason', 'count', 'until');
const DROP = { ok: false, drop: true };
const OK = { ok: true };

test('a flood gets 503 with Retry-After, then nothing, also from the next process', async () => {
  const guard = await open();
  const flood = from('198.51.100.7');
  for (let i = 0; i < 4; i++) expect(guard.admit(flood, request())).toEqual(OK);
  expect(guard.admit(flood, request())).toEqual({ ok: false, status: 503, retryAfterS: 10 });
  for (let i = 0; i < 4; i++) guard.admit(flood, request());
  expect(guard.admit(flood, request())).toEqual(DROP);
  expect(guard.admit(from('198.51.100.8'), request())).toEqual(OK);
  await vi.waitFor(() => expect(told).toEqual(['banned 198.51.100.7 flood 1']));
  expect(await stored()).toMatchObject([{ source: '198.51.100.7', reason: 'flood', count: 1 }]);
  guard.stop();

  const next = await open();
  expect(next.admit(flood, request('OPTIONS'))).toEqual(DROP);
  clock.advance(3_600_001);
  expect(next.admit(flood, request())).toEqual(OK);
  expect(told).toContain('lifted 198.51.100.7');
  next.stop();
});

test('the second ban of a source lasts twice as long', async () => {
  const guard = await open();
  const scanner = from('198.51.100.7');
  for (const count of [1, 2]) {
    expect(guard.admit(scanner, request('OPTIONS', 'friendly-scanner'))).toEqual(DROP);
    await vi.waitFor(() => expect(told).toContain(`banned 198.51.100.7 scanner ${count}`));
    if (count === 1) clock.advance(3_600_001);
  }
  const [row] = await stored();
  expect(row!.until!.getTime() - clock.now().getTime()).toBe(7_200_000);
  guard.stop();
});

test('who tries names is soon not answered any more, and not heard later', async () => {
  const guard = await open();
  const prober = from('2001:db8:1:2::5');
  for (let i = 0; i < 3; i++) guard.suspicious(prober, 'unknown-user', 'REGISTER 100');
  expect(guard.admit(from('2001:db8:1:2:ffff::9'), request('REGISTER'))).toEqual(DROP);
  expect(guard.bans).toEqual([]);
  clock.advance(5000);
  guard.admit(prober, request('REGISTER'));
  guard.admit(prober, request('REGISTER'));
  await vi.waitFor(() => expect(told).toEqual(['banned 2001:db8:1:2::/64 unknown-user 1']));
  guard.stop();
});

test('a trunk or a registered phone is never refused, whatever is sent in its name', async () => {
  const guard = await open();
  const trunk = from('192.0.2.1');
  for (let i = 0; i < 500; i++) expect(guard.admit(trunk, request('INVITE', 'friendly-scanner'))).toEqual(OK);
  for (let i = 0; i < 50; i++) guard.suspicious(trunk, 'wrong-password', 'REGISTER 100');
  await createBanStore(database.db).save({
    source: '192.0.2.1',
    reason: 'manual',
    detail: '',
    since: clock.now(),
    until: null,
  });
  await guard.reload();
  expect(guard.admit(trunk, request())).toEqual(OK);
  expect(told).toEqual([]);
  guard.stop();
});

test('an office of browsers that comes back at once is no flood, but its wrong passwords count', async () => {
  const guard = await open();
  const office = from('198.51.100.20', 'ws');
  for (let i = 0; i < 500; i++) expect(guard.admit(office, request('REGISTER'))).toEqual(OK);
  for (let i = 0; i < 3; i++) guard.suspicious(office, 'wrong-password', 'REGISTER 100');
  expect(guard.admit(office, request('REGISTER'))).toEqual(DROP);
  guard.stop();
});

test('a full house refuses calls and nothing else', async () => {
  const guard = await open({ full: () => true });
  expect(guard.admit(from('192.0.2.1'), request())).toEqual({ ok: false, status: 503, retryAfterS: 10 });
  expect(guard.admit(from('192.0.2.1'), request('REGISTER'))).toEqual(OK);
  guard.stop();
});

test('a ban lifted by hand is over for every process, and a source without end is remembered', async () => {
  const guard = await open();
  const store = createBanStore(database.db);
  const made = await store.save({
    source: '198.51.100.9',
    reason: 'manual',
    detail: 'asked for',
    since: clock.now(),
    until: null,
  });
  await guard.reload();
  expect(guard.admit(from('198.51.100.9'), request())).toEqual(DROP);
  await store.lift(made.id, clock.now());
  await guard.reload();
  expect(guard.admit(from('198.51.100.9'), request())).toEqual(OK);
  expect(told).toEqual(['lifted 198.51.100.9']);
  guard.stop();
});

test('a storm of forged senders does not fill the memory', async () => {
  const guard = await open();
  for (let i = 0; i < 30_000; i++)
    guard.admit(from(`10.${(i >> 16) & 255}.${(i >> 8) & 255}.${i & 255}`), request('OPTIONS'));
  expect(guard.sources).toBeLessThanOrEqual(20_000);
  clock.advance(700_000);
  expect(guard.sources).toBe(0);
  guard.stop();
}, 30_000);
