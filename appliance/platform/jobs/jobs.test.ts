import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { testRedisUrl } from '#test/support/redis.ts';
import { silentLog } from '../log/index.ts';
import type { Jobs } from './index.ts';
import { createJobs } from './index.ts';

let redisUrl: string;
const open: Jobs[] = [];
beforeEach(async () => {
  redisUrl = await testRedisUrl();
});
afterEach(async () => {
  for (const jobs of open.splice(0)) await jobs.close(1000);
});

function process(): Jobs {
  const jobs = createJobs({ redisUrl, log: silentLog });
  open.push(jobs);
  return jobs;
}

const QUICK = { attempts: 3, backoffMs: 5, concurrency: 2 };

test('what one process enqueues another one runs', async () => {
  const done: string[] = [];
  const web = process();
  web.define('post-process', QUICK, async () => {});
  const work = process();
  work.define<{ recordingId: string }>('post-process', QUICK, async ({ recordingId }) => void done.push(recordingId));
  await work.start();
  await web.enqueue('post-process', { recordingId: 'r1' });
  await vi.waitFor(() => expect(done).toEqual(['r1']));
});

test('the same id is run once', async () => {
  const jobs = process();
  let runs = 0;
  let others = 0;
  jobs.define('once', QUICK, async () => void runs++);
  jobs.define('other', QUICK, async () => void others++);
  await jobs.start();
  for (let i = 0; i < 3; i++) await jobs.enqueue('once', {}, { id: 'interaction-7' });
  await vi.waitFor(() => expect(runs).toBe(1));
  await jobs.enqueue('once', {}, { id: 'interaction-7' });
  await jobs.enqueue('other', {});
  await vi.waitFor(() => expect(others).toBe(1));
  expect(runs).toBe(1);
});

test('a job that fails runs again; one that fails for good is listed and a person can retry it', async () => {
  const jobs = process();
  let works = false;
  let runs = 0;
  jobs.define('deliver', QUICK, async () => {
    runs++;
    if (!works) throw new Error('the mail server said no');
  });
  await jobs.start();
  await jobs.enqueue('deliver', { messageId: 'm1' }, { id: 'm1' });
  await vi.waitFor(async () => expect(await jobs.failedCount()).toBe(1), { timeout: 5000 });
  expect(runs).toBe(3);
  expect(await jobs.failed()).toMatchObject([
    { name: 'deliver', id: 'm1', payload: { messageId: 'm1' }, error: 'the mail server said no', attempts: 3 },
  ]);
  works = true;
  await jobs.retry('deliver', 'm1');
  await vi.waitFor(async () => expect(await jobs.failedCount()).toBe(0));
  await vi.waitFor(() => expect(runs).toBe(4));
  await expect(jobs.retry('deliver', 'm1')).rejects.toMatchObject({ kind: 'not-found' });
});

test('a schedule runs again and again, and a changed one replaces the former', async () => {
  const jobs = process();
  let runs = 0;
  jobs.define('sweep', QUICK, async () => void runs++);
  await jobs.start();
  await jobs.schedule('sweep', { everyMs: 3_600_000 });
  await jobs.schedule('sweep', { everyMs: 40 });
  await vi.waitFor(() => expect(runs).toBeGreaterThan(2), { timeout: 5000 });
});

test('a name that nobody declared is a mistake of the program', async () => {
  await expect(process().enqueue('nothing', {})).rejects.toThrow('no job named nothing');
});
