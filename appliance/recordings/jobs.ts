import { delay } from '#appliance/kernel/async.ts';
import type { Jobs } from '#appliance/platform/jobs/index.ts';
import { isConnectionError } from '#appliance/platform/postgres/index.ts';
import type { Processor } from './processor.ts';
import { PROCESS_JOB } from './types.ts';

export const SCAN_JOB = 'recordings.scan';
const SCAN_EVERY_MS = 60_000;
export const RETENTION_JOB = 'recordings.retention';
const RETENTION_EVERY_MS = 3_600_000;

/** For the process that finishes recordings. */
export function defineRecordingJobs(
  jobs: Pick<Jobs, 'define'>,
  processor: Processor,
  sweep: () => Promise<unknown>,
): void {
  // Five tries over half an hour, then the list of failed jobs. Two at once leave room for calls on a small box.
  jobs.define<{ recordingId: string }>(
    PROCESS_JOB,
    { attempts: 5, backoffMs: 60_000, concurrency: 2, lockMs: 10 * 60_000 },
    ({ recordingId }) => patiently(() => processor.process(recordingId)),
  );
  jobs.define(RETENTION_JOB, { attempts: 3, backoffMs: 60_000, concurrency: 1, lockMs: 30 * 60_000 }, async () => {
    await sweep();
  });
  jobs.define(SCAN_JOB, { attempts: 1, backoffMs: 1000, concurrency: 1 }, async () => void (await processor.scan()));
}

export async function scheduleRecordingJobs(jobs: Pick<Jobs, 'schedule'>): Promise<void> {
  await jobs.schedule(SCAN_JOB, { everyMs: SCAN_EVERY_MS });
  await jobs.schedule(RETENTION_JOB, { everyMs: RETENTION_EVERY_MS });
}

/** For a process that only hands recordings over. */
export function declareRecordingJobs(jobs: Pick<Jobs, 'define'>): void {
  jobs.define(PROCESS_JOB, { attempts: 5, backoffMs: 60_000, concurrency: 2, lockMs: 10 * 60_000 }, () =>
    Promise.reject(new Error('not run here')),
  );
}

/** A database that is away for a moment is no failure of a recording: it goes on when that is back, not a minute later. */
export async function patiently<T>(task: () => Promise<T>, { tries = 30, everyMs = 2000 } = {}): Promise<T> {
  for (let left = tries; ; left--) {
    try {
      return await task();
    } catch (error) {
      if (left <= 1 || !isConnectionError(error)) throw error;
      await delay(everyMs);
    }
  }
}
