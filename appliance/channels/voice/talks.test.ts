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
