import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import { type TestDatabase, testDatabase } from '#test/support/database.ts';
import { createMediaClient } from '../media/index.ts';
import { type TestSwitch, testSwitch } from '../media/testing/switch.ts';
import { createTrunkStore } from '../trunks/index.ts';
import type { IncomingCall } from './api.ts';
import { type Box, openBox } from './testing/box.ts';
import { Party } from './testing/party.ts';

// A death of voice: sockets and timers vanish, nothing is sent; the database and the switch stay.
const PORT = 16_080;
const quiet = { info() {}, warn() {}, error() {} };
let database: TestDatabase;
let rig: TestSwitch;
let box: Box;
let customer: Party;
let agent: Party;
let agentPhone: string;

beforeAll(async () => {
  database = await testDatabase();
  rig = await testSwitch(22_600, { legs: 20 });
  await createTrunkStore(database.db).create({
    name: 'lab',
    kind: 'address',
    host: '127.0.0.1',
    port: 16_081,
    addresses: ['127.0.0.0/8'],
    optionsIntervalS: 0,
  });
  await open();
  customer = await new Party('12125550100', 16_081, 400).start();
  agent = await new Party('agent001', 16_082, 1000).start();
  agentPhone = (
    await box.phones.create({
      label: 'a',
      kind: 'fixed',
      extension: '1001',
      username: 'agent001',
      fixedHost: '127.0.0.1',
      fixedPort: 16_082,
    })
  ).phone.id;
});

afterAll(async () => {
  await box?.stop();
  await Promise.all([customer, agent].map((party) => party?.stop()));
  await rig?.close();
  await database?.close();
});

afterEach(async () => {
  for (const leg of box.calls.legs.values()) leg.hangup();
  await until(() => box.calls.legs.size === 0);
  await vi.waitFor(async () => expect(await rows()).toEqual([]));
  for (const party of [customer, agent]) {
    party.behaviour = 'answer';
    for (const list of [party.invites, party.cancels, party.requests, party.ends, party.messages]) list.length = 0;
    party.mouth.clear();
  }
});

const until = (check: () => unknown) => vi.waitFor(() => expect(check()).toBeTruthy(), { timeout: 4000, interval: 10 });
const hears = (party: Party, tone: string) =>
  vi.waitFor(() => expect(party.mouth.hears(200)).toBe(tone), { timeout: 4000, interval: 20 });
const rows = () => database.db('call_leg').select('id', 'state', 'tag').orderBy('id');

async function open(): Promise<void> {
  const media = createMediaClient({ socketPath: `${rig.dir}/media.sock`, log: quiet });
  await media.start();
  box = await openBox({ db: database.db, media, port: PORT });
  const { die } = box;
  box.die = async () => {
    await media.stop();
    await die();
  };
  const { stop } = box;
  box.stop = async () => {
    await stop();
    await media.stop();
  };
}

async function restart(): Promise<void> {
  await box.die();
  await open();
}

async function callIn(): Promise<IncomingCall> {
  const coming = box.next();
  const talking = customer.talk('+15550100', PORT);
  const call = await coming;
  await call.leg.answer();
  await talking;
  return call;
}

describe('after a death of voice', () => {
  test('a bridged call is known again, has gone on talking, and can be held, bridged and hung up', async () => {
    const { leg } = await callIn();
    leg.saveTag({ interaction: 'i1' });
    const other = await box.calls.dial([{ kind: 'phone', phoneId: agentPhone }], {
      from: { number: '1' },
      near: leg,
      tag: { offer: 'o1' },
    }).answered;
    await box.calls.bridge(leg, other);
    await hears(customer, '1000');
    await vi.waitFor(async () =>
      expect(await rows()).toMatchObject([{ tag: { interaction: 'i1' } }, { tag: { offer: 'o1' } }]),
    );
    await restart();
    expect(
      [...box.calls.legs.values()].map(({ id, state, tag, direction, answeredAt, from }) => ({
        id,
        state,
        tag,
        direction,
        answered: answeredAt instanceof Date,
        from,
      })),
    ).toEqual([
      {
        id: leg.id,
        state: 'up',
        tag: { interaction: 'i1' },
        direction: 'in',
        answered: true,
        from: { number: '12125550100' },
      },
      { id: other.id, state: 'up', tag: { offer: 'o1' }, direction: 'out', answered: true, from: { number: '1' } },
    ]);
    const [again, agentLeg] = [box.calls.get(leg.id)!, box.calls.get(other.id)!];
    expect(again.peer).toBe(agentLeg);
    customer.mouth.clear();
    await hears(customer, '1000');
    await again.hold(['music']);
    await hears(customer, '2200');
    await again.resume();
    await Promise.all([hears(customer, '1000'), hears(agent, '400')]);
    agentLeg.hangup({ q850: 16 });
    await until(() => agent.ends.length === 1);
    again.hangup();
    await until(() => customer.ends.length === 1);
    await vi.waitFor(async () => expect(await rows()).toEqual([]));
  });

  test('the party can hang up, hold and send keys as before', async () => {
    const { leg } = await callIn();
    await restart();
    const again = box.calls.get(leg.id)!;
    expect(await customer.hold('sendonly')).toBe('recvonly');
    expect(await customer.hold('sendrecv')).toBe('sendrecv');
    const over = new Promise((resolve) => again.on('ended', resolve));
    customer.dialog!.bye();
    expect(await over).toMatchObject({ cause: { by: 'party' }, stats: { leg: leg.id } });
  });

  test('who was on hold is still on hold', async () => {
    const { leg } = await callIn();
    await leg.hold(['music']);
    await vi.waitFor(async () => expect((await database.db('call_leg').first('facts')).facts.hold).toEqual(['music']));
    await restart();
    expect(box.calls.get(leg.id)!.onHold).toBe(true);
    customer.mouth.clear();
    await hears(customer, '2200');
  });

  test('a phone that was ringing stops', async () => {
    agent.behaviour = 'ring';
    const ringing = box.calls.dial([{ kind: 'phone', phoneId: agentPhone }], { from: { number: '1' } });
    await until(() => ringing.legs[0]?.state === 'ringing');
    await vi.waitFor(async () => expect(await rows()).toHaveLength(1));
    await restart();
    await until(() => agent.cancels.length === 1);
    expect(box.calls.legs.size).toBe(0);
    await vi.waitFor(async () => expect(await rows()).toEqual([]));
    expect((await rig.media.list()).legs).toEqual([]);
  });

  test('a phone that answers in the gap is hung up', async () => {
    agent.behaviour = 'ring';
    const ringing = box.calls.dial([{ kind: 'phone', phoneId: agentPhone }], { from: { number: '1' } });
    await until(() => ringing.legs[0]?.state === 'ringing');
    await vi.waitFor(async () => expect(await rows()).toHaveLength(1));
    await box.die();
    agent.pickUp();
    await open();
    await until(() => agent.ends.length === 1);
  });

  test('a party whose media is gone is told good-bye, and its row is closed', async () => {
    const { leg } = await callIn();
    await rig.media.deleteLeg(leg.id);
    await restart();
    await until(() => customer.ends.length === 1);
    expect(box.calls.legs.size).toBe(0);
    await vi.waitFor(async () => expect(await rows()).toEqual([]));
  });

  test('ports of the switch that no row speaks of are closed', async () => {
    await rig.media.createLeg({ leg: '019ab000-0000-7000-8000-000000000001', codec: 'PCMA' });
    await restart();
    expect((await rig.media.list()).legs).toEqual([]);
  });

  test('a call that was not answered yet is over, and its caller may try again', async () => {
    const coming = box.next();
    const invite = customer.call('+15550100', PORT);
    (await coming).leg.ring();
    await restart();
    expect(box.calls.legs.size).toBe(0);
    invite.cancel();
    const { leg } = await callIn();
    expect(leg.state).toBe('up');
  });
});

describe('after a death of the switch', () => {
  test('talk, hold and bridges go on, and new ones can be made', async () => {
    const { leg } = await callIn();
    const other = await box.calls.dial([{ kind: 'phone', phoneId: agentPhone }], { from: { number: '1' }, near: leg })
      .answered;
    await box.calls.bridge(leg, other);
    await hears(customer, '1000');
    await until(() => rig.holder.standbyReady);
    process.kill(rig.holder.activePid!, 'SIGKILL');
    customer.mouth.clear();
    agent.mouth.clear();
    await Promise.all([hears(customer, '1000'), hears(agent, '400')]);
    await leg.hold(['music']);
    await hears(customer, '2200');
    await leg.resume();
    await Promise.all([hears(customer, '1000'), hears(agent, '400')]);
    expect(customer.requests).toEqual([]);
  });
});
