import { beforeEach, describe, expect, it } from 'vitest';
import { ManualClock } from '#appliance/kernel/clock.ts';
import { silentLog } from '#appliance/platform/log/index.ts';
import type { ChannelPort, Offer } from '#appliance/routing/index.ts';
import { DialFailed, type Leg } from '#appliance/telephony/calls/index.ts';
import { createCallbacks } from './callbacks.ts';
import type { VoiceDeps } from './deps.ts';
import type { Dialing } from './dialing.ts';

let clock: ManualClock;
let said: string[];
let before: number;
let port: ChannelPort;
let agentState: Leg['state'];

beforeEach(() => {
  clock = new ManualClock('2026-01-05T09:00:00Z');
  said = [];
  before = 0;
  agentState = 'up';
  const deps = {
    clock,
    log: silentLog,
    calls: {
      dial: () => ({
        answered: Promise.resolve({
          get state() {
            return agentState;
          },
          hangup: () => said.push('agent hung up'),
        } as unknown as Leg),
        legs: [],
        cancel() {},
      }),
    },
    endpoints: { turns: () => [{ targets: [{ kind: 'phone', phoneId: 'p' }], afterMs: 0, forMs: null }] },
    interactions: {
      get: (id: string) => ({ id, to: '+15550123' }),
      countEvents: async () => before,
      event: async (_: string, type: string, data: Record<string, unknown>) =>
        void said.push(`${type} ${data.attempt}`),
    },
    router: {
      queue: () => ({ id: 'q', active: true, callbackAttempts: 3, callbackIntervalS: 900 }),
      enqueue: async ({ notBefore, avoidAgentId }: { notBefore?: Date; avoidAgentId?: string }) =>
        void said.push(
          `waits ${notBefore ? `until ${notBefore.toISOString().slice(11, 16)}` : `for others than ${avoidAgentId}`}`,
        ),
      finished: async () => void said.push('agent free'),
    },
  } as unknown as VoiceDeps;
  const dialing = {
    ring: async () => {
      throw new DialFailed({ by: 'party', q850: 19, text: 'No answer' });
    },
    giveUp: async () => void said.push('closed'),
  } as unknown as Dialing;
  port = createCallbacks(deps, { dialing });
});

const offer = (): Offer => ({
  id: 'o',
  interactionId: 'i',
  agentId: 'ann',
  queueId: 'q',
  channel: 'callback',
  offeredAt: clock.now(),
  expiresAt: new Date(clock.now().getTime() + 20_000),
});
async function tryOnce(): Promise<void> {
  port.offer(offer(), { accepted: async () => true, failed: () => said.push('failed') });
  for (let i = 0; i < 40; i++) await Promise.resolve();
}

describe('a call-back whose customer does not answer', () => {
  it('is tried again after the interval of its queue, and closed after the last time', async () => {
    await tryOnce();
    expect(said.splice(0)).toEqual(['callback-tried 1', 'waits until 09:15', 'agent hung up', 'agent free']);
    clock.advance(900_000);
    await tryOnce();
    expect(said.splice(0)).toEqual(['callback-tried 2', 'waits until 09:30', 'agent hung up', 'agent free']);
    await tryOnce();
    expect(said).toEqual(['callback-tried 3', 'closed']);
  });

  it('counts what was tried before a restart', async () => {
    before = 2;
    await tryOnce();
    expect(said).toEqual(['callback-tried 3', 'closed']);
  });

  it('loses no try when the agent hangs up first: somebody else is asked', async () => {
    agentState = 'ended';
    await tryOnce();
    expect(said.splice(0)).toEqual(['waits for others than ann', 'agent hung up', 'agent free']);
    agentState = 'up';
    await tryOnce();
    expect(said[0]).toBe('callback-tried 1');
  });
});
