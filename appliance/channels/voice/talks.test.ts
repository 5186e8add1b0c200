import { expect, test, vi } from 'vitest';
import { ManualClock } from '#appliance/kernel/clock.ts';
import { silentLog } from '#appliance/platform/log/index.ts';
import type { Leg } from '#appliance/telephony/calls/index.ts';
import type { VoiceDeps } from './deps.ts';
import { createTalks } from './talks.ts';
import { VoiceCall } from './voice-call.ts';

const leg = (state: Leg['state']) =>
  ({ state, on: () => () => {}, saveTag: () => {}, hangup: vi.fn() }) as unknown as Leg & { hangup: () => void };

test('a customer who hangs up while the agent picks up leaves the agent free', async () => {
  const finished = vi.fn(async () => {});
  const talks = createTalks({ router: { finished }, log: silentLog } as unknown as VoiceDeps);
  const facts = { interactionId: 'i', direction: 'in', from: '+15550123', to: '+15550100' } as const;
  const call = new VoiceCall(
    { ...facts, customer: null, trunkId: null, language: 'en' },
    leg('ended'),
    new ManualClock(),
    'waiting',
  );
  const phone = leg('up');
  await talks.connect(call, 'ann', phone);
  expect(phone.hangup).toHaveBeenCalled();
  expect(finished).toHaveBeenCalledWith('i', 'ann', { wrapUp: false });
});

test('a customer whom the books have given to somebody else is let go here, and the agent is free', async () => {
  const said: string[] = [];
  const talks = createTalks({
    router: { finished: async (_: string, agent: string) => void said.push(`${agent} free`) },
    interactions: { event: async (_: string, type: string) => void said.push(type) },
    log: silentLog,
  } as unknown as VoiceDeps);
  const customer = leg('up');
  const facts = { interactionId: 'i', direction: 'in', from: '+15550123', to: '+15550100' } as const;
  const call = new VoiceCall(
    { ...facts, customer: null, trunkId: null, language: 'en' },
    customer,
    new ManualClock(),
    'talking',
  );
  const phone = leg('up');
  call.setAgent('ann', phone);
  await talks.refused(call, 'ben');
  expect(phone.hangup, 'it is about somebody else').not.toHaveBeenCalled();
  await talks.refused(call, 'ann');
  expect(phone.hangup).toHaveBeenCalled();
  expect(customer.hangup).toHaveBeenCalled();
  expect(said).toEqual(['assignment-refused', 'ann free']);
});
