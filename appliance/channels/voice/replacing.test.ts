import { expect, it } from 'vitest';
import { AppError } from '#appliance/kernel/errors.ts';
import { silentLog } from '#appliance/platform/log/index.ts';
import type { Leg } from '#appliance/telephony/calls/index.ts';
import type { VoiceDeps } from './deps.ts';
import { createReplacing } from './replacing.ts';

function house(pickUp: () => Promise<void> = async () => {}) {
  const said: string[] = [];
  const rung = {} as Leg;
  const talking = {} as Leg;
  const call = { agent: { id: 'ann', leg: talking } };
  const deps = {
    endpoints: { agentOfPhone: (phone: string) => ({ p1: 'ann', p2: 'ben' })[phone] },
    registry: { all: () => [call] },
    log: silentLog,
  } as unknown as VoiceDeps;
  const replacing = createReplacing(deps, {
    rejoining: { move: async (_, agentId) => void said.push(`${agentId} goes on there`) },
    pickUps: {
      byLeg: async (_, agentId) => {
        await pickUp();
        said.push(`${agentId} picks up`);
      },
    },
  });
  const phone = (phoneId?: string) =>
    ({
      phoneId,
      answer: async () => {},
      hangup: (cause: { sip: number }) => said.push(`told ${cause.sip}`),
    }) as unknown as Leg;
  return { said, rung, talking, replacing, phone };
}

it.each([
  ['the key of a colleague who is rung', 'p2', true, undefined, 'ben picks up'],
  ['one that rings no more', 'p2', true, new AppError('not-found', 'nothing-rings', ''), 'told 481'],
  ['one of another team', 'p2', true, new AppError('forbidden', 'not-your-team', ''), 'told 403'],
  ['an own call from another phone', 'p1', false, undefined, 'ann goes on there'],
  ['a colleague’s call', 'p2', false, undefined, 'told 403'],
  ['a call, from a phone of nobody', undefined, true, undefined, 'told 403'],
] as const)('INVITE with Replaces for %s', async (_, phoneId, early, error, wanted) => {
  const { said, rung, talking, replacing, phone } = house(async () => {
    if (error) throw error;
  });
  await replacing.take(phone(phoneId), { leg: early ? rung : talking, early });
  expect(said).toEqual([wanted]);
});
