import { expect, it } from 'vitest';
import { queueState } from './queue-state.ts';

const now = Date.parse('2026-01-05T10:00:00Z');
const today = { serviceLevelThresholdS: 20 } as Parameters<typeof queueState>[0]['today'];

it.each([
  ['nobody waits and agents are there', 0, null, 3, 'calm'],
  ['somebody waits, not too long', 1, '2026-01-05T09:59:45Z', 3, 'waiting'],
  ['somebody waits longer than promised', 1, '2026-01-05T09:59:30Z', 3, 'late'],
  ['nobody is signed in', 0, null, 0, 'unstaffed'],
  ['late weighs more than unstaffed', 2, '2026-01-05T09:50:00Z', 0, 'late'],
] as const)('%s', (_, waiting, longestSince, agentsSignedIn, expected) => {
  expect(queueState({ waiting, longestSince, agentsSignedIn, today }, now)).toBe(expected);
});
