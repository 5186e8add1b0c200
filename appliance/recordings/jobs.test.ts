import { expect, it } from 'vitest';
import { patiently } from './jobs.ts';

it('a recording waits for a database that is away, and fails for its own reasons only', async () => {
  const away = Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED' });
  let calls = 0;
  const task = (until: number, error: Error) => async () => {
    if (++calls < until) throw error;
    return 'done';
  };
  expect(await patiently(task(4, away), { everyMs: 1 })).toBe('done');
  calls = 0;
  await expect(patiently(task(9, away), { tries: 3, everyMs: 1 })).rejects.toThrow('ECONNREFUSED');
  expect(calls).toBe(3);
  calls = 0;
  await expect(patiently(task(2, new Error('no recording')), { everyMs: 1 })).rejects.toThrow('no recording');
  expect(calls).toBe(1);
});
