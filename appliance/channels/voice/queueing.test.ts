import { beforeEach, expect, it } from 'vitest';
import { ManualClock } from '#appliance/kernel/clock.ts';
import { silentLog } from '#appliance/platform/log/index.ts';
import type { Leg } from '#appliance/telephony/calls/index.ts';
import type { VoiceDeps } from './deps.ts';
import { createQueueing, type QueueTicket } from './queueing.ts';
import { VoiceCall } from './voice-call.ts';

let enqueued: string[];
let acknowledge: () => void;
let customer: { state: string; confirmed: () => Promise<void>; on: () => () => void; saveTag: () => void };
let stages: string[];
let ticket: Promise<QueueTicket>;

beforeEach(() => {
  enqueued = [];
  stages = [];
  const acked = new Promise<void>((resolve) => {
    acknowledge = resolve;
  });
  customer = { state: 'up', confirmed: () => acked, on: () => () => {}, saveTag: () => {} };
  const router = {
    enqueue: async ({ interactionId }: { interactionId: string }) => void enqueued.push(interactionId),
    position: () => undefined,
  };
  const facts = { interactionId: 'i', direction: 'in', from: '+1', to: '+2' } as const;
  const call = new VoiceCall(
    { ...facts, customer: null, trunkId: null, language: 'en' },
    customer as unknown as Leg,
    new ManualClock(),
    'flow',
  );
  call.events.on('changed', () => void stages.push(call.stage));
  const queueing = createQueueing({ router, log: silentLog } as unknown as VoiceDeps);
  ticket = queueing.enqueue(call, { queueId: 'q' });
});

it('a caller waits for agents from the moment they acknowledge our answer', async () => {
  await Promise.resolve();
  expect([enqueued, stages]).toEqual([[], []]);
  acknowledge();
  await ticket;
  expect([enqueued, stages]).toEqual([['i'], ['waiting']]);
});

it('who never does is offered to nobody', async () => {
  customer.state = 'ended';
  acknowledge();
  expect(await (await ticket).outcome).toEqual({ end: 'left', to: 'gone' });
  expect([enqueued, stages]).toEqual([[], []]);
});
