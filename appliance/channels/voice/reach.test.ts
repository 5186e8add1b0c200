import { beforeEach, describe, expect, it } from 'vitest';
import type { Forwarding } from '#appliance/contract/calls.ts';
import { NO_FORWARDING } from '#appliance/contract/calls.ts';
import { ManualClock } from '#appliance/kernel/clock.ts';
import { Emitter } from '#appliance/kernel/emitter.ts';
import { memoryBus } from '#appliance/platform/bus/index.ts';
import { silentLog } from '#appliance/platform/log/index.ts';
import {
  DialFailed,
  type DialOptions,
  type DialTarget,
  type Leg,
  type LegEvents,
} from '#appliance/telephony/calls/index.ts';
import type { VoiceDeps } from './deps.ts';
import { createPickUps, type PickUps } from './pickups.ts';
import { createReach, type Reach, type ReachEnd } from './reach.ts';

class FakeLeg {
  readonly events = new Emitter<LegEvents>();
  state: Leg['state'] = 'up';
  phoneId: string | undefined;
  on = this.events.on.bind(this.events) as Leg['on'];
  async answer() {}
  hangup() {
    if (this.state === 'ended') return;
    this.state = 'ended';
    this.events.emit('ended', { cause: { by: 'party', q850: 16, text: '' }, at: new Date() });
  }
}
const leg = (fake: FakeLeg) => fake as unknown as Leg;

let clock: ManualClock;
let pickUps: PickUps;
let reach: Reach;
let caller: FakeLeg;
let rules: Record<string, Partial<Forwarding>>;
let busy: Set<string>;
let away: Set<string>;
let rung: string[];
let dialled: DialOptions[];
let told: string[];
let cancelled: string[];
let answers: Map<string, (leg: FakeLeg | number) => void>;

const nameOf = (target: DialTarget) =>
  target.kind === 'phone' ? target.phoneId : target.kind === 'number' ? target.number : target.extension;
const turn = async () => {
  for (let i = 0; i < 30; i++) await Promise.resolve();
};
/** Extension 1001 is agent a1 with phone 1001, and so on. */
const people = ['1001', '1002', '1003', '1004', '1005', '1006', '1007'];
const agentOf = (extension: string) => (people.includes(extension) ? `a${extension}` : undefined);

beforeEach(() => {
  clock = new ManualClock();
  caller = new FakeLeg();
  [rules, busy, away, rung, dialled, told, cancelled, answers] = [{}, new Set(), new Set(), [], [], [], [], new Map()];
  const deps = {
    clock,
    log: silentLog,
    bus: memoryBus(),
    agents: {
      get: (id: string) => ({
        id,
        name: id,
        extension: id.slice(1),
        teamId: 't',
        forwarding: { ...NO_FORWARDING, ...rules[id] },
      }),
    },
    calls: {
      dial(targets: DialTarget[], options: DialOptions) {
        const name = nameOf(targets[0]!);
        rung.push(name);
        dialled.push(options);
        const { promise, resolve, reject } = Promise.withResolvers<Leg>();
        promise.catch(() => {});
        const fail = (q850: number) => reject(new DialFailed({ by: 'party', q850, text: '' }));
        answers.set(name, (how) => (typeof how === 'number' ? fail(how) : resolve(leg(how))));
        if (options.ringTimeoutMs) clock.after(options.ringTimeoutMs, () => fail(19));
        return {
          answered: promise,
          legs: [],
          cancel: () => {
            cancelled.push(name);
            fail(16);
          },
        };
      },
    },
    dids: { find: (number: string) => (number === '+15550100' ? {} : undefined) },
    endpoints: {
      agentOfExtension: agentOf,
      agentOfPhone: () => undefined,
      turns: (id: string) =>
        away.has(id) ? [] : [{ targets: [{ kind: 'phone', phoneId: id.slice(1) }], afterMs: 0, forMs: null }],
      targets: (id: string) => [{ kind: 'phone', phoneId: `${id.slice(1)}b` }],
      party: (id: string) => ({ number: id.slice(1) }),
      callerId: () => ({ number: '+15550100' }),
    },
    interactions: {
      event: async (_: string, type: string, data: Record<string, unknown>) =>
        void told.push([type, data.why, data.to].filter((word) => word !== undefined).join(' ')),
    },
    router: { isBusy: (id: string) => busy.has(id), shareQueue: () => false, queue: () => undefined },
  } as unknown as VoiceDeps;
  pickUps = createPickUps(deps);
  reach = createReach(deps, { pickUps });
});

const call = (extension: string, voicemail = true): Promise<ReachEnd> =>
  reach({
    interactionId: 'i',
    to: { kind: 'extension', extension },
    from: { number: '1001' },
    near: leg(caller),
    ring: 'alert-internal',
    ringMs: 30_000,
    voicemail,
    tag: {},
  });
const to = (extension: string) => ({ to: 'extension' as const, extension });

describe('a call to somebody', () => {
  it('rings their phone with the ring of the house', async () => {
    const found = call('1002');
    await turn();
    const phone = new FakeLeg();
    answers.get('1002')!(phone);
    expect(await found).toMatchObject({ end: 'answered', leg: phone, agentId: 'a1002' });
    expect(dialled[0]!.headers).toContainEqual(['Alert-Info', '<http://127.0.0.1>;info=alert-internal']);
    expect(told).toEqual([]);
  });

  it('goes to the mailbox when nobody answers, and back to a transfer as what it was', async () => {
    const found = call('1002');
    await turn();
    clock.advance(20_000);
    expect(await found).toEqual({ end: 'voicemail', agentId: 'a1002' });
    const transfer = call('1002', false);
    await turn();
    clock.advance(30_000);
    expect(await transfer).toMatchObject({ end: 'failed', cause: { q850: 19 } });
  });

  it('follows the rules of each, and its mailbox is the one of whoever was called', async () => {
    rules = { a1002: { always: to('1003') }, a1003: { busy: to('1004') }, a1004: {} };
    busy.add('a1003');
    const found = call('1002');
    await turn();
    expect(rung).toEqual(['1004']);
    clock.advance(20_000);
    expect(await found).toEqual({ end: 'voicemail', agentId: 'a1002' });
    expect(told).toEqual(['forwarded always 1003', 'forwarded busy 1004', 'forwarded noAnswer voicemail']);
  });

  it.each([
    ['who is not there', 'notRegistered', () => away.add('a1002'), undefined],
    ['who is busy by their own phone', 'busy', () => {}, 17],
    ['who does not answer', 'noAnswer', () => {}, 19],
  ] as const)('of somebody %s goes on by its rule', async (_, rule, prepare, q850) => {
    prepare();
    rules = { a1002: { [rule]: to('1003') } };
    const found = call('1002');
    await turn();
    if (q850) answers.get('1002')!(q850);
    await turn();
    answers.get('1003')!(new FakeLeg());
    expect(await found).toMatchObject({ end: 'answered', agentId: 'a1003' });
  });

  it('never goes in circles, nor further than five times, and the caller is not lost for it', async () => {
    rules = { a1002: { always: to('1003') }, a1003: { always: to('1002') } };
    expect(await call('1002')).toEqual({ end: 'voicemail', agentId: 'a1002' });
    expect(told.at(-1)).toBe('forwarding-refused loop');
    rules = Object.fromEntries(people.map((one, index) => [`a${one}`, { always: to(String(1002 + index)) }]));
    expect(await call('1001')).toEqual({ end: 'voicemail', agentId: 'a1001' });
    expect(told.at(-1)).toBe('forwarding-refused too-many-hops');
    expect(rung).toEqual([]);
  });

  it('goes outside as forwarded, two at a time, and never to a number of ours', async () => {
    rules = { a1002: { always: { to: 'number', number: '+1 202 555 0143' } } };
    for (let n = 0; n < 2; n++) {
      const found = call('1002');
      await turn();
      const far = new FakeLeg();
      answers.get('+12025550143')!(far);
      expect(await found).toMatchObject({ end: 'answered', agentId: undefined, label: '+1 202 555 0143' });
      expect(dialled.at(-1)).toMatchObject({
        forwarded: { by: '1002', reason: 'unconditional' },
        from: { number: '+15550100' },
      });
    }
    expect(await call('1002')).toEqual({ end: 'voicemail', agentId: 'a1002' });
    expect(told.at(-1)).toBe('forwarding-refused too-many-outside');
    rules = { a1002: { always: { to: 'number', number: '+15550100' } } };
    expect(await call('1002')).toEqual({ end: 'voicemail', agentId: 'a1002' });
    expect(told.at(-1)).toBe('forwarding-refused number-not-allowed');
  });

  it('ends with the caller', async () => {
    const found = call('1002');
    await turn();
    caller.hangup();
    expect(await found).toMatchObject({ end: 'failed' });
  });
});

describe('a colleague', () => {
  it('picks up what rings at somebody of the team; the caller is theirs', async () => {
    const found = call('1002');
    await turn();
    expect(pickUps.list('a1003', false)).toMatchObject([{ agentId: 'a1002', interactionId: 'i', extension: '1002' }]);
    const theirs = new FakeLeg();
    await pickUps.byExtension('1002', 'a1003', leg(theirs));
    expect(await found).toMatchObject({ end: 'answered', leg: theirs, agentId: 'a1003' });
    expect(pickUps.list('a1003', false)).toEqual([]);
    await expect(pickUps.byExtension('1002', 'a1003', leg(new FakeLeg()))).rejects.toThrow('Nothing rings');
  });

  it('from the screen has the own phone rung, which stops when the other one answers first', async () => {
    const found = call('1002');
    await turn();
    await pickUps.fromScreen({ extension: '1002' }, 'a1003', false);
    expect(rung).toEqual(['1002', '1003b']);
    const first = new FakeLeg();
    answers.get('1002')!(first);
    expect(await found).toMatchObject({ leg: first, agentId: 'a1002' });
    expect(cancelled).toEqual(['1003b']);
  });
});
