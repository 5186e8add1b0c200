import { expect, it } from 'vitest';
import { changesFor, withToday } from './today.ts';

const usual = { queues: { sales: 1, support: 2 }, skills: { dutch: 9 } };

it('today takes away, adds and changes, and says no more than that', () => {
  const wanted = { queues: { support: 2, billing: 1 }, skills: { dutch: 4 } };
  const changes = changesFor(usual, wanted);
  expect(changes).toEqual({
    queues: [
      { queueId: 'sales', position: null },
      { queueId: 'billing', position: 1 },
    ],
    skills: [{ skillId: 'dutch', level: 4 }],
  });
  expect(withToday(usual, changes)).toEqual(wanted);
});

it('as usual is nothing to say', () =>
  expect(changesFor(usual, structuredClone(usual))).toEqual({ queues: [], skills: [] }));
