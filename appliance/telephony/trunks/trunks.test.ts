import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { ManualClock, systemClock } from '#appliance/kernel/clock.ts';
import { silentLog } from '#appliance/platform/log/index.ts';
import { createBatch } from '#appliance/platform/postgres/index.ts';
import { type TestDatabase, testDatabase } from '#test/support/database.ts';
import { createDigestServer, createSipStack, ha1, parseUri, SipRequest, type SipStack } from '../sip/index.ts';
import { trunkStatusOf, trunkStatusWriter } from './status-store.ts';
import { createTrunkStore } from './store.ts';
import { createTrunks, type Trunks } from './trunks.ts';

const quiet = { debug() {}, info() {}, warn() {}, error() {} };
let database: TestDatabase;
let carrier: SipStack;
let sip: SipStack;
let trunks: Trunks;
const seen: string[] = [];
const changes: [string, boolean][] = [];
const carrierAnswers = true;

beforeAll(async () => {
  database = await testDatabase();
  const digest = createDigestServer({ realm: 'carrier', algorithms: ['MD5'] });
  carrier = createSipStack({ listen: { udp: { host: '127.0.0.1', port: 16_120 } }, userAgent: 'carrier', log: quiet });
  carrier.onRequest(async ({ request, respond }) => {
    if (!carrierAnswers) return;
    if (request.method === 'OPTIONS') return respond({ status: 200 });
    const verdict = await digest.verify(request, (user, algorithm) =>
      user === 'acc1' ? ha1(algorithm, 'acc1', 'carrier', 'geheim') : undefined,
    );
    seen.push(
      `${request.method} ${request.header('expires')} ${verdict.ok ? 'known' : verdict.why} ${request.callId} ${request.cseq.number}`,
    );
    if (!verdict.ok) return respond({ status: 401, headers: digest.challenge() });
    respond({ status: 200, headers: [['Contact', `${request.header('contact')};expires=120`]] });
  });
  sip = createSipStack({ listen: { udp: { host: '127.0.0.1', port: 16_121 } }, userAgent: 'box', log: quiet });
  await Promise.all([carrier.start(), sip.start()]);
});

afterAll(async () => {
  await trunks?.stop();
  await Promise.all([carrier?.stop(), sip?.stop()]);
  await database?.close();
});

describe('trunks', () => {
  test('register with their sealed password, and the API sees it', async () => {
    const store = createTrunkStore(database.db);
    const row = await store.create({
      name: 'carrier',
      kind: 'registration',
      host: '127.0.0.1',
      port: 16_120,
      username: 'acc1',
      passwordSealed: 'sealed:geheim',
      realm: 'carrier',
    });
    const batch = createBatch(database.db, { log: silentLog });
    trunks = createTrunks({
      store,
      sip,
      clock: systemClock,
      log: silentLog,
      instance: 'v1',
      open: (sealed) => sealed.slice(7),
      changed: (id, up) => changes.push([id, up]),
      saveStatus: trunkStatusWriter(batch),
    });
    await trunks.start();
    await vi.waitFor(() => expect(changes).toEqual([[row.id, true]]));
    expect(seen.map((line) => line.split(' ').slice(0, 3).join(' '))).toEqual([
      'REGISTER 600 no-credentials',
      'REGISTER 600 known',
    ]);
    expect(trunks.state(row.id)).toMatchObject({ up: true, registeredUntil: expect.any(Date) });
    await vi.waitFor(async () =>
      expect(await trunkStatusOf(database.db, row.id)).toMatchObject({
        channels: 0,
        instances: [{ instance: 'v1', up: true, registeredUntil: expect.any(Date) }],
      }),
    );
    await batch.flushed();
  });

  test('follow their configuration: calls in order, switched off and on', async () => {
    const store = createTrunkStore(database.db);
    const first = await store.create({
      name: 'first',
      kind: 'address',
      host: '198.51.100.1',
      addresses: ['198.51.100.0/24'],
      optionsIntervalS: 0,
      position: -1,
      maxChannels: 2,
    });
    await trunks.reload();
    const names = (used = 0) => trunks.outbound({ channels: () => used }).map((trunk) => trunk.row.name);
    expect(names()).toEqual(['first', 'carrier']);
    expect(names(2)).toEqual(['carrier']);
    await store.update(first.id, 1, { maxCallsPerS: 2 });
    await trunks.reload();
    expect([trunks.begin(first.id), trunks.begin(first.id), trunks.begin(first.id)]).toEqual([true, true, false]);
    expect(names(), 'a trunk whose second is full is passed over').toEqual(['carrier']);
    await store.update(first.id, 2, { enabled: false, maxCallsPerS: null });
    await trunks.reload();
    expect(names()).toEqual(['carrier']);
    expect(trunks.begin(first.id)).toBe(true);
    expect(trunks.match({ remote: { address: '198.51.100.7', port: 5060 } }, invite())).toBeUndefined();
    const back = await store.update(first.id, 3, { enabled: true });
    await trunks.reload();
    expect(trunks.match({ remote: { address: '198.51.100.7', port: 5060 } }, invite())?.row.name).toBe('first');
    await store.remove(first.id, back.version);
    await trunks.reload();
    expect(trunks.get(first.id)).toBeUndefined();
    expect(trunks.match({ remote: { address: '203.0.113.1', port: 5060 } }, invite())).toBeUndefined();
  });

  test('give their registration back', async () => {
    seen.length = 0;
    await trunks.stop();
    expect(seen.at(-1)).toMatch(/^REGISTER 0 known/);
  });
});

test('several accounts at one address are told apart by the account that was called', async () => {
  const row = (username: string, position: number) => ({
    id: username,
    version: 1,
    createdAt: new Date(),
    updatedAt: new Date(),
    name: username,
    kind: 'registration' as const,
    host: '192.0.2.5',
    port: null,
    transport: 'udp' as const,
    addresses: [],
    username,
    passwordSealed: null,
    registrar: null,
    realm: null,
    country: null,
    numberFormat: 'plus' as const,
    callerId: { mode: 'pass' as const },
    codecs: [],
    maxChannels: null,
    forwardedAs: null,
    srtp: 'offer' as const,
    maxCallsPerS: null,
    optionsIntervalS: 0,
    enabled: true,
    position,
  });
  const both = createTrunks({
    store: { list: async () => ({ items: [row('a', 0), row('b', 1)], next: null }) },
    sip: { request: () => new Promise(() => {}) },
    clock: new ManualClock(),
    log: silentLog,
    instance: 'v1',
    open: (sealed) => sealed,
    changed: () => {},
    saveStatus: async () => {},
  });
  await both.reload();
  const remote = { address: '192.0.2.5', port: 5060 };
  expect(both.match({ remote }, invite('sip:b@box'))?.id).toBe('b');
  expect(both.match({ remote }, invite('sip:+4930@box'))?.id).toBe('a');
});

function invite(uri = 'sip:+1@box'): SipRequest {
  const request = new SipRequest('INVITE', uri);
  request.append('From', '<sip:a@b>;tag=1');
  request.append('To', `<${parseUri(uri) && uri}>`);
  return request;
}
