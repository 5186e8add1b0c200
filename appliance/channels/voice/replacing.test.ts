import { beforeEach, expect, it } from 'vitest';
import { AppError } from '#appliance/kernel/errors.ts';
import { silentLog } from '#appliance/platform/log/index.ts';
import type { Leg } from '#appliance/telephony/calls/index.ts';
import type { VoiceDeps } from './deps.ts';
import { createReplacing, type Replacing } from './replacing.ts';

let said: string[];
let refusal: AppError | undefined;
let replacing: Replacing;
const talked = { id: 'talked' } as Leg;
const rung = { id: 'rung' } as Leg;

/** A phone that asks; who sits at it is in its id. */
function phone(agentId: string | undefined): Leg {
  return {
    phoneId: agentId,
    answer: async () => void said.push('answered'),
    hangup: ({ sip }: { sip: number }) => void said.push(`refused ${sip}`),
  } as unknown as Leg;
}

beforeEach(() => {
  said = [];
  refusal = undefined;
  const deps = {
    endpoints: { agentOfPhone: (phoneId: string) => phoneId },
    registry: { all: () => [{ id: 'i', agent: { id: 'alice', leg: talked } }] },
    log: silentLog,
  };
  replacing = createReplacing(deps as unknown as VoiceDeps, {
    rejoining: { move: async (call, agentId) => void said.push(`${agentId} goes on in ${call.id}`) },
    pickUps: {
      byLeg: async (_leg, agentId) => {
        if (refusal) throw refusal;
        said.push(`${agentId} picks up`);
      },
    },
  });
});

it.each<[string, string | undefined, string[]]>([
  ['of their own goes on at another phone', 'alice', ['answered', 'alice goes on in i']],
  ['of a colleague stays where it is', 'bob', ['refused 403']],
  ['stays where it is when nobody sits at the phone', undefined, ['refused 403']],
])('an answered call %s', async (_name, who, expected) => {
  await replacing.take(phone(who), { leg: talked, early: false });
  expect(said).toEqual(expected);
});

it.each<[string, AppError | undefined, string[]]>([
  ['is picked up', undefined, ['bob picks up']],
  ['is not, by who shares nothing with them', new AppError('forbidden', 'not-your-team', ''), ['refused 403']],
  ['is not, when it rings no more', new AppError('not-found', 'nothing-rings', ''), ['refused 481']],
])('a call that rings at a colleague %s', async (_name, error, expected) => {
  refusal = error;
  await replacing.take(phone('bob'), { leg: rung, early: true });
  expect(said).toEqual(expected);
});
