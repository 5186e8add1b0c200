import { beforeEach, expect, it } from 'vitest';
import { silentLog } from '#appliance/platform/log/index.ts';
import type { VoiceDeps } from './deps.ts';
import { createQueueing, type QueueTicket } from './queueing.ts';
import type { VoiceCall } from './voice-call.ts';

let enqueued: string[];
let acknowledge: () => void;
let customer: { state: string; confirmed: () => Promise<void> };
let stages: string[];
let ticket: Promise<QueueTicket>;

beforeEach(() => {
  enqueued = [];
  stages = [];
  const acked = new Promise<void>((resolve) => {
    acknowledge = resolve;
  });
  customer = { state: 'up', confirmed: () => acked };
  const router = {
    enqueue: async ({ interactionId }: { interactionId: string }) => void enqueued.push(interactionId),
    position: () => undefined,
  };
  const call = {
    id: 'i',
    stage: 'flow',
    customer,
    facts: { from: '+1', customer: null },
    queueId: null,
    enter: (stage: string) => void stages.push(stage),
  };
  const queueing = createQueueing({ router, log: silentLog } as unknown as VoiceDeps);
  ticket = queueing.enqueue(call as unknown as VoiceCall, { queueId: 'q' });
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
