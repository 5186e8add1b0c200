import type { Job } from 'bull';
import Queue from 'bull';
import type { Redis } from 'ioredis';
import { AppError, messageOf } from '#appliance/kernel/errors.ts';
import { uuidv7 } from '#appliance/kernel/ids.ts';
import type { Log } from '../log/index.ts';
import { keyPrefix, openRedis } from '../redis/index.ts';

export interface JobOptions {
  /** Runs before the job counts as failed and waits for a person. */
  attempts: number;
  /** The first pause; each further one is twice as long. */
  backoffMs: number;
  /** How many of this name one process runs at once. */
  concurrency: number;
  /** A run that takes longer than this without answering is taken over by another process; default 60 s. */
  lockMs?: number;
}

export interface FailedJob {
  name: string;
  id: string;
  payload: unknown;
  error: string;
  attempts: number;
  failedAt: Date;
}

/** Named work in the background. A job runs at least once: handlers are idempotent, payloads are ids and never rows. */
export interface Jobs {
  /** Declares a job. A process that only enqueues declares it too, and does not call `start`. */
  define<Payload extends object>(name: string, options: JobOptions, handler: (payload: Payload) => Promise<void>): void;
  /** Resolves when Redis has it. The same `id` again, while the first waits, runs, failed or ran within the last day, does nothing. */
  enqueue(name: string, payload: object, options?: { id?: string; delayMs?: number }): Promise<string>;
  /** Runs the job again and again; a name has one schedule, also when many processes declare it. */
  schedule(name: string, every: { everyMs: number } | { cron: string; timeZone: string }): Promise<void>;
  start(): Promise<void>;
  /** What ended in failure, newest first. */
  failed(limit?: number): Promise<FailedJob[]>;
  failedCount(): Promise<number>;
  /** Runs a failed job again from its first attempt. */
  retry(name: string, id: string): Promise<void>;
  discard(name: string, id: string): Promise<void>;
  /** Lets what runs finish, at most `withinMs`. */
  close(withinMs?: number): Promise<void>;
}

interface Definition {
  queue: Queue.Queue;
  options: JobOptions;
  handler: (payload: never) => Promise<void>;
}

const DAY_S = 86_400;

export function createJobs({ redisUrl, log }: { redisUrl: string; log: Log }): Jobs {
  const connections: Redis[] = [];
  const connect = () => {
    const redis = openRedis(redisUrl, log);
    connections.push(redis);
    return redis;
  };
  const shared = connect();
  const subscriber = connect();
  const definitions = new Map<string, Definition>();
  // Redis Cluster keeps keys of one queue together only when part of the prefix stands in braces.
  const prefix = `{${keyPrefix(redisUrl)}:jobs}`;

  function definition(name: string): Definition {
    const found = definitions.get(name);
    if (!found) throw new Error(`There is no job named ${name}`);
    return found;
  }

  async function failedJob(name: string, id: string): Promise<Job> {
    const job = definitions.has(name) ? await definition(name).queue.getJob(id) : null;
    if (!job || !(await job.isFailed())) throw new AppError('not-found', 'not-found', 'There is no such failed job.');
    return job;
  }

  return {
    define(name, options, handler) {
      if (definitions.has(name)) throw new Error(`The job ${name} is declared twice`);
      const lockMs = options.lockMs ?? 60_000;
      const queue = new Queue(name, {
        prefix,
        createClient: (type) => (type === 'client' ? shared : type === 'subscriber' ? subscriber : connect()),
        settings: {
          lockDuration: lockMs,
          stalledInterval: Math.min(30_000, lockMs),
          maxStalledCount: options.attempts,
        },
        defaultJobOptions: {
          attempts: options.attempts,
          backoff: { type: 'exponential', delay: options.backoffMs },
          removeOnComplete: { age: DAY_S, count: 10_000 },
        },
      });
      queue.setMaxListeners(0);
      queue.on('error', (error) => log.debug({ error: messageOf(error), job: name }, 'job queue'));
      queue.on('failed', (job: Job, error: Error) => {
        const last = job.attemptsMade >= options.attempts;
        log[last ? 'error' : 'warn'](
          { job: name, id: job.id, attempt: job.attemptsMade, error: messageOf(error) },
          last ? 'a job failed for good' : 'a job failed and will run again',
        );
      });
      definitions.set(name, { queue, options, handler: handler as Definition['handler'] });
    },
    async enqueue(name, payload, options = {}) {
      const id = options.id ?? uuidv7();
      await definition(name).queue.add(payload, { jobId: id, ...(options.delayMs ? { delay: options.delayMs } : {}) });
      return id;
    },
    async schedule(name, every) {
      const { queue } = definition(name);
      const repeat = 'everyMs' in every ? { every: every.everyMs } : { cron: every.cron, tz: every.timeZone };
      const wanted = 'everyMs' in every ? String(every.everyMs) : every.cron;
      for (const other of await queue.getRepeatableJobs()) {
        const current = other.every ? String(other.every) : other.cron;
        if (current !== wanted) await queue.removeRepeatableByKey(other.key);
      }
      await queue.add({}, { repeat });
    },
    async start() {
      for (const { queue, options, handler } of definitions.values()) {
        // The promise of `process` ends with the queue.
        queue.process(options.concurrency, (job) => handler(job.data as never)).catch(() => {});
      }
      await Promise.all([...definitions.values()].map(({ queue }) => queue.isReady()));
    },
    async failed(limit = 100) {
      const lists = await Promise.all(
        [...definitions].map(async ([name, { queue }]) => {
          const jobs = await queue.getFailed(0, limit - 1);
          return jobs.flatMap((job) => (job ? [viewOf(name, job)] : []));
        }),
      );
      return lists
        .flat()
        .sort((a, b) => b.failedAt.getTime() - a.failedAt.getTime())
        .slice(0, limit);
    },
    async failedCount() {
      const counts = await Promise.all([...definitions.values()].map(({ queue }) => queue.getFailedCount()));
      return counts.reduce((sum, count) => sum + count, 0);
    },
    async retry(name, id) {
      await (await failedJob(name, id)).retry();
    },
    async discard(name, id) {
      await (await failedJob(name, id)).remove();
    },
    async close(withinMs = 10_000) {
      const closing = Promise.all([...definitions.values()].map(({ queue }) => queue.close().catch(() => {})));
      let timer: NodeJS.Timeout | undefined;
      await Promise.race([
        closing,
        new Promise((resolve) => {
          timer = setTimeout(resolve, withinMs);
        }),
      ]);
      clearTimeout(timer);
      for (const redis of connections) redis.disconnect();
    },
  };
}

function viewOf(name: string, job: Job): FailedJob {
  return {
    name,
    id: String(job.id),
    payload: job.data,
    error: job.failedReason ?? '',
    attempts: job.attemptsMade,
    failedAt: new Date(job.finishedOn ?? job.timestamp),
  };
}
