// The transfer key of a desk phone with a second call: REFER with Replaces (RFC 5589 §7.3).
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import type { InteractionTrace } from '#appliance/contract/work.ts';
import { Party } from '#appliance/telephony/calls/testing/party.ts';
import { printUri } from '#appliance/telephony/sip/index.ts';
import { Instance } from '#test/support/instance.ts';
import { Floor } from './support/floor.ts';

let instance: Instance;
let floor: Floor;
const parties: Party[] = [];

beforeAll(async () => {
  instance = await new Instance(10_000).start();
  floor = new Floor(instance);
});
afterAll(async () => {
  await floor?.clear();
  await Promise.all(parties.map((party) => party.stop()));
  await instance?.stop();
});

async function desk(username: 'bob' | 'carol', offset: number, tone: number) {
  const { extension, sipPassword } = instance.firstRun.users[username]!;
  const party = await new Party(extension!, instance.port(offset), tone).start();
  parties.push(party);
  const credentials = { username: extension!, password: sipPassword! };
  expect((await party.register(instance.sipPort, credentials)).status).toBe(200);
  return { party, credentials, extension: extension! };
}

const hears = (party: Party, tone: string) =>
  vi.waitFor(() => expect(party.mouth.hears(200)).toBe(tone), { timeout: 6000, interval: 50 });

it('hands the customer to the colleague who was asked; the books tell it as one attended transfer', async () => {
  const bob = await desk('bob', 690, 1000);
  const carol = await desk('carol', 691, 2200);
  const api = await floor.ready('bob');
  const sam = await instance.signIn('sam');
  const customer = await new Party('15557020', instance.port(692), 400).start();
  parties.push(customer);

  const dialog = await customer.talk('+15550101', instance.sipPort);
  await vi.waitFor(() => expect(bob.party.dialog).toBeDefined(), { timeout: 10_000 });
  const first = bob.party.dialog!;
  await hears(customer, '1000');
  const trace = await floor.newest(sam, ({ from, agentName }) => from.endsWith('15557020') && agentName === 'Bob');

  expect(await bob.party.hold('sendonly')).toMatch(/recvonly|inactive/);
  const second = await bob.party.talk(carol.extension, instance.sipPort, { credentials: bob.credentials });
  await hears(carol.party, '1000');

  const { callId, remoteTag, localTag, remoteTarget } = second.facts;
  const replaces = encodeURIComponent(`${callId};to-tag=${remoteTag};from-tag=${localTag}`);
  const target = remoteTarget.replace(/^<|>$/g, '').replace(/[;?].*$/, '');
  const answer = await first.request('REFER', {
    headers: [
      ['Refer-To', `<${target}?Replaces=${replaces}>`],
      ['Referred-By', `<${printUri({ scheme: 'sip', user: bob.extension, host: '127.0.0.1' })}>`],
    ],
  });
  expect(answer.status).toBe(202);
  await vi.waitFor(() => expect(first.terminated && second.terminated).toBe(true), { timeout: 5000 });
  const notified = bob.party.requests.filter(({ method }) => method === 'NOTIFY').map(({ bodyText }) => bodyText);
  expect(notified.at(-1)).toContain('200 OK');

  await hears(customer, '2200');
  await hears(carol.party, '400');
  expect(dialog.terminated).toBe(false);
  const handed = await sam.until<InteractionTrace>(
    `/interactions/${trace.id}`,
    ({ agentName, events }) => agentName === 'Carol' && events.some(({ type }) => type === 'transferred'),
  );
  expect(handed.events.find(({ type }) => type === 'transferred')!.data).toMatchObject({ how: 'attended' });

  dialog.bye();
  const ended = await sam.until<InteractionTrace>(
    `/interactions/${trace.id}`,
    ({ endReason }) => endReason === 'customer-hung-up',
  );
  expect(ended.segments.filter(({ endedAt, kind }) => endedAt === null && kind !== 'wrap-up')).toEqual([]);
  const { items } = await sam.get<{ items: { id: string; endReason: string | null }[] }>('/interactions?limit=10');
  expect(items.map(({ endReason }) => endReason)).toContain('transferred');
  await api.put('/me/presence', { state: 'offline' });
}, 90_000);

it('may not replace a call that is not its own', async () => {
  const [bob] = parties as [Party];
  const { extension, sipPassword } = instance.firstRun.users.bob!;
  const dialog = await bob.talk('+15550100', instance.sipPort, {
    credentials: { username: extension!, password: sipPassword! },
  });
  const answer = await dialog.request('REFER', {
    headers: [['Refer-To', '<sip:1003@127.0.0.1?Replaces=nobody%3Bto-tag%3D1%3Bfrom-tag%3D2>']],
  });
  expect([403, 481, 603]).toContain(answer.status);
  dialog.bye();
}, 30_000);
