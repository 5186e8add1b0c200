import { beforeEach, describe, expect, it } from 'vitest';
import { ManualClock } from '#appliance/kernel/clock.ts';
import { Emitter } from '#appliance/kernel/emitter.ts';
import { memoryBus } from '#appliance/platform/bus/index.ts';
import { silentLog } from '#appliance/platform/log/index.ts';
import { DialFailed, type Leg, type LegEvents } from '#appliance/telephony/calls/index.ts';
import type { VoiceDeps } from './deps.ts';
import type { Mailbox } from './mailbox.ts';
import { createParking, type Parking } from './parking.ts';
import { createPickUps, type PickUps } from './pickups.ts';
import type { Talks } from './talks.ts';
import type { Transfers } from './transfers.ts';
import { VoiceCall } from './voice-call.ts';

class FakeLeg {
  readonly events = new Emitter<LegEvents>();
  state: Leg['state'] = 'up';
  music: string[] | undefined;
  tag: Record<string, unknown> = {};
  on = this.events.on.bind(this.events) as Leg['on'];
  saveTag(tag: Record<string, unknown>) {
    this.tag = tag;
  }
  async hold(music: string[]) {
    this.music = music;
  }
  async resume() {
    this.music = undefined;
  }
  async answer() {}
  hangup() {
    if (this.state === 'ended') return;
    this.state = 'ended';
    this.events.emit('ended', { cause: { by: 'party', q850: 16, text: '' }, at: new Date() });
  }
}
const leg = (fake: FakeLeg) => fake as unknown as Leg;

let clock: ManualClock;
let said: string[];
let parking: Parking;
let pickUps: PickUps;
let present: Set<string>;
let ring: { answer(leg: FakeLeg): void; fail(q850: number): void; cancelled: boolean } | undefined;
let calls: number;

beforeEach(() => {
  clock = new ManualClock();
  [said, present, ring, calls] = [[], new Set(['bob', 'carol']), undefined, 0];
  const deps = {
    clock,
    log: silentLog,
    bus: memoryBus(),
    agents: { get: (id: string) => ({ id, name: id, active: true, teamId: 't' }) },
    calls: {
      unbridge: async () => {},
      dial() {
        const { promise, resolve, reject } = Promise.withResolvers<Leg>();
        promise.catch(() => {});
        const one = {
          cancelled: false,
          answer: (fake: FakeLeg) => resolve(leg(fake)),
          fail: (q850: number) => reject(new DialFailed({ by: 'failure', q850, text: '' })),
        };
        ring = one;
        return {
          answered: promise,
          legs: [],
          cancel() {
            one.cancelled = true;
            one.fail(16);
          },
        };
      },
    },
    endpoints: {
      targets: (id: string) => (present.has(id) ? [{ kind: 'phone', phoneId: id }] : []),
      turns: (id: string) =>
        present.has(id) ? [{ targets: [{ kind: 'phone', phoneId: id }], afterMs: 0, forMs: null }] : [],
      agentOfExtension: () => 'bob',
    },
    interactions: {
      startSegment: (_: string, segment: { kind: string; agentId?: string }) =>
        void said.push([segment.kind, segment.agentId].filter(Boolean).join(' ')),
      event: async () => {},
    },
    router: {
      presence: (id: string) => (present.has(id) ? 'ready' : 'offline'),
      isBusy: () => false,
      engage: (id: string) => void said.push(`${id} works`),
      queue: () => ({ name: 'Sales' }),
      shareQueue: () => false,
    },
    sounds: { music: () => ['music'] },
  } as unknown as VoiceDeps;
  pickUps = createPickUps(deps);
  parking = createParking(deps, {
    talks: {
      agentOf: (call: VoiceCall) => call.agent,
      releaseAgent: async (call: VoiceCall, agent: { id: string }, { wrapUp }: { wrapUp: boolean }) => {
        call.agent = undefined;
        said.push(`${agent.id} is free${wrapUp ? ' after wrap-up' : ''}`);
      },
      connect: async (call: VoiceCall, id: string, phone: Leg) => {
        call.setAgent(id, phone);
        call.enter('talking');
      },
      failed: (_: VoiceCall, error: unknown) => said.push(String(error)),
    } as unknown as Talks,
    transfers: { back: async () => void said.push('back in the queue') } as unknown as Transfers,
    mailbox: { leave: async () => void said.push('mailbox') } as unknown as Mailbox,
    pickUps,
  });
});

const settle = async () => {
  for (let i = 0; i < 30; i++) await Promise.resolve();
};
function talk(queueId: string | null = 'q'): { call: VoiceCall; customer: FakeLeg } {
  const customer = new FakeLeg();
  const call = new VoiceCall(
    {
      interactionId: `i${++calls}`,
      direction: 'in',
      from: '+15550123',
      to: '+15550100',
      customer: null,
      trunkId: null,
      language: 'en',
    },
    leg(customer),
    clock,
    'talking',
  );
  call.queueId = queueId;
  call.setAgent('bob', leg(new FakeLeg()));
  return { call, customer };
}

describe('a parked customer', () => {
  it('hears music in a slot that everybody sees, and the agent is free without a wrap-up', async () => {
    const { call, customer } = talk();
    expect(await parking.park(call)).toMatchObject({ slot: '701' });
    expect(customer.music).toEqual(['music']);
    expect(said).toEqual(['parked', 'bob is free']);
    expect(parking.list()).toMatchObject([
      { slot: '701', parkedBy: { id: 'bob' }, queueName: 'Sales', from: '+15550123' },
    ]);
    expect(customer.tag).toMatchObject({ stage: 'parked', parked: { slot: '701', by: 'bob' } });
    expect((await parking.park(talk().call)).slot).toBe('702');
  });

  it('is picked up by a phone that dials the slot, once', async () => {
    const { call, customer } = talk();
    await parking.park(call);
    const phone = new FakeLeg();
    await parking.fromPhone('701', 'carol', leg(phone));
    expect(call).toMatchObject({ stage: 'talking', agent: { id: 'carol' }, parked: undefined });
    expect(customer.music).toBeUndefined();
    expect(said.slice(2)).toEqual(['agent carol', 'carol works']);
    await expect(parking.fromPhone('701', 'bob', leg(new FakeLeg()))).rejects.toThrow('Nobody is parked');
  });

  it('engages nobody when the customer hangs up while the phone that dialled the slot is answered', async () => {
    const { call, customer } = talk();
    await parking.park(call);
    const phone = new FakeLeg();
    phone.answer = async () => customer.hangup();
    await expect(parking.fromPhone('701', 'carol', leg(phone))).rejects.toThrow('Nobody is parked');
    expect(said).not.toContain('carol works');
  });

  it('is kept for whoever picks up on the screen while their phone rings, and stays when they do not', async () => {
    const { call } = talk();
    await parking.park(call);
    parking.fromScreen('701', 'carol');
    expect(() => parking.fromScreen('701', 'bob')).toThrow('just picking them up');
    ring!.fail(19);
    await settle();
    expect(call.stage).toBe('parked');
    parking.fromScreen('701', 'carol');
    ring!.answer(new FakeLeg());
    await settle();
    expect(call).toMatchObject({ stage: 'talking', agent: { id: 'carol' } });
  });

  it('comes back to whoever parked them, from where a colleague may still take them', async () => {
    const { call } = talk();
    await parking.park(call);
    clock.advance(119_999);
    expect(ring).toBeUndefined();
    clock.advance(1);
    await settle();
    const rung = ring!;
    await pickUps.byExtension('1002', 'carol', leg(new FakeLeg()));
    expect(call).toMatchObject({ stage: 'talking', agent: { id: 'carol' } });
    expect(rung.cancelled).toBe(true);
    await settle();
    expect(said.slice(2)).toEqual(['agent carol', 'carol works']);
  });

  it.each([
    ['the front of the queue', 'q', 'back in the queue'],
    ['the mailbox of a call without a queue', null, 'mailbox'],
  ])('goes to %s when who parked them is gone or does not answer', async (_, queueId, where) => {
    const gone = talk(queueId);
    await parking.park(gone.call);
    present.delete('bob');
    clock.advance(120_000);
    await settle();
    expect(said.at(-1)).toBe(where);
    expect(parking.list()).toEqual([]);

    present.add('bob');
    const silent = talk(queueId);
    await parking.park(silent.call);
    clock.advance(120_000);
    await settle();
    ring!.fail(19);
    await settle();
    expect(said.at(-1)).toBe(where);
  });

  it('leaves the slot by hanging up', async () => {
    const { call, customer } = talk();
    await parking.park(call);
    customer.hangup();
    expect(parking.list()).toEqual([]);
    clock.advance(300_000);
    await settle();
    expect(ring).toBeUndefined();
  });

  it('keeps slot and time over a restart', async () => {
    const { call } = talk();
    call.agent = undefined;
    const at = clock.now().getTime();
    call.parked = { slot: '705', by: 'bob', since: new Date(at - 100_000), backAt: new Date(at + 20_000) };
    call.enter('parked');
    await parking.adopt(call);
    expect(parking.list()).toMatchObject([{ slot: '705' }]);
    clock.advance(20_000);
    await settle();
    expect(ring).toBeDefined();
    // Somebody else is parked meanwhile, elsewhere.
    expect((await parking.park(talk().call)).slot).toBe('701');
  });

  it('finds no place when all slots are taken, and the conversation goes on', async () => {
    for (let n = 0; n < 9; n++) await parking.park(talk().call);
    const { call, customer } = talk();
    await expect(parking.park(call)).rejects.toThrow('All slots are taken');
    expect(call.stage).toBe('talking');
    expect(customer.music).toBeUndefined();
  });
});
