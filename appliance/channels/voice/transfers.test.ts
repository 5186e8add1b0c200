import { beforeEach, expect, it } from 'vitest';
import { ManualClock } from '#appliance/kernel/clock.ts';
import { silentLog } from '#appliance/platform/log/index.ts';
import { DialFailed, type Leg } from '#appliance/telephony/calls/index.ts';
import type { VoiceDeps } from './deps.ts';
import type { Mailbox } from './mailbox.ts';
import type { ReachEnd } from './reach.ts';
import type { Talks } from './talks.ts';
import { createTransfers, type Transfers } from './transfers.ts';
import { VoiceCall } from './voice-call.ts';
import type { WaitingRoom } from './waiting-room.ts';

let said: string[];
let transfers: Transfers;
let call: VoiceCall;
let found: ReachEnd;
let shown: string;

const fakeLeg = (name: string) =>
  ({
    state: 'up',
    on: () => () => {},
    saveTag: () => {},
    confirmed: async () => {},
    play: () => void said.push(`${name} hears ringing`),
    resume: async () => void said.push(`${name} is off hold`),
    hangup: () => void said.push(`${name} is hung up`),
  }) as unknown as Leg;

beforeEach(() => {
  said = [];
  found = { end: 'failed', cause: { by: 'party', q850: 17, sip: 486, text: 'Busy here' } };
  const clock = new ManualClock();
  const facts = { interactionId: 'i', direction: 'in', from: '+15550123', to: '+15550100' } as const;
  call = new VoiceCall(
    { ...facts, customer: null, trunkId: null, language: 'en' },
    fakeLeg('the customer'),
    clock,
    'held',
  );
  call.queueId = 'q';
  call.setAgent('ann', fakeLeg('ann'));
  const deps = {
    clock,
    log: silentLog,
    agents: { get: (id: string) => (id === 'nobody' ? undefined : { id, name: id, forwarding: null }) },
    calls: {
      unbridge: async () => void said.push('unbridged'),
      dial: () => {
        said.push('dialled');
        const answered = Promise.reject(new DialFailed({ by: 'party', q850: 1, sip: 404, text: 'Unallocated' }));
        answered.catch(() => {});
        return { answered, legs: [], cancel() {} };
      },
    },
    endpoints: {
      turns: (id: string) =>
        id === 'away' ? [] : [{ targets: [{ kind: 'phone', phoneId: id }], afterMs: 0, forMs: null }],
      callerId: () => ({ number: '+15550100' }),
    },
    interactions: {
      startSegment: (_: string, { kind }: { kind: string }) => void said.push(`segment ${kind}`),
      event: async (_: string, type: string, data: Record<string, unknown>) =>
        void said.push([type, data.why, data.q850, data.text].filter((word) => word !== undefined).join(' ')),
    },
    sounds: { ringback: ['ring'] },
  } as unknown as VoiceDeps;
  transfers = createTransfers(deps, {
    talks: {
      agentOf: () => call.agent,
      releaseAgent: async () => void said.push('ann is released'),
      failed: (_: VoiceCall, error: unknown) => said.push(String(error)),
    } as unknown as Talks,
    waitingRoom: { receive: async () => void said.push('waits') } as unknown as WaitingRoom,
    reach: async ({ from }) => {
      shown = from.number;
      said.push('somebody is sought');
      return found;
    },
    mailbox: { leave: async () => void said.push('mailbox') } as unknown as Mailbox,
  });
});

const settle = async () => {
  for (let i = 0; i < 40; i++) await Promise.resolve();
};

it('takes a customer off hold before anything rings, and brings them back with the reason when it is in vain', async () => {
  await transfers.blind(call, { kind: 'agent', agentId: 'ben' });
  await settle();
  expect(said).toEqual([
    'transferred',
    'segment dial',
    'the customer hears ringing',
    'unbridged',
    'the customer is off hold',
    'ann is released',
    'the customer hears ringing',
    'somebody is sought',
    'transfer-failed busy 17 Busy here',
    'waits',
  ]);
});

it('takes a customer off hold before they wait in another queue', async () => {
  await transfers.blind(call, { kind: 'queue', queueId: 'r' });
  expect(said).toEqual(['transferred', 'unbridged', 'the customer is off hold', 'waits', 'ann is released']);
});

it.each([
  [{ kind: 'number', number: '+1' }, 'failed', 'transfer-failed failed 1 Unallocated'],
  [{ kind: 'agent', agentId: 'ben' }, 'busy', 'transfer-failed busy 17 Busy here'],
  [{ kind: 'agent', agentId: 'nobody' }, 'failed', 'transfer-failed There is no such agent'],
] as const)('tells a flow, and the books, why %j was not reached', async (to, end, event) => {
  expect(await transfers.toOutside(call, to)).toBe(end);
  expect(said.at(-1)).toBe(event);
});

it('asks for somebody whose phones are away all the same: their rules or mailbox may know better', async () => {
  found = { end: 'voicemail', agentId: 'away' };
  expect(await transfers.toOutside(call, { kind: 'agent', agentId: 'away' }, { voicemail: true })).toBe('voicemail');
  expect(said.at(-1)).toBe('mailbox');
});

it('seeks nobody for a caller who has not acknowledged our answer, and never when they do not', async () => {
  const { promise: acknowledged, resolve: acknowledge } = Promise.withResolvers<void>();
  Object.assign(call.customer, { confirmed: () => acknowledged });
  const end = transfers.toOutside(call, { kind: 'agent', agentId: 'ben' });
  await settle();
  expect(said).toEqual([]);
  Object.assign(call.customer, { state: 'ended' });
  acknowledge();
  expect(await end).toBe('failed');
  expect(said).toEqual([]);
});

it.each([
  ['in', '+15550123'],
  ['out', '+15550100'],
] as const)('shows a colleague the number of the customer, also of a call that went %s', async (direction, number) => {
  call.facts.direction = direction;
  await transfers.blind(call, { kind: 'agent', agentId: 'ben' });
  await settle();
  expect(shown).toBe(number);
});
