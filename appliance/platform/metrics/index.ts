import { readFile } from 'node:fs/promises';
import type { Redis } from 'ioredis';
import { AggregatorRegistry, Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import type { Log } from '../log/index.ts';
import { keyPrefix, openRedis } from '../redis/index.ts';

export interface Metrics {
  registry: Registry;
  counter<L extends string>(name: string, help: string, labels?: L[]): Counter<L>;
  /** `read` is asked whenever the figures are taken. */
  gauge<L extends string>(name: string, help: string, labels?: L[], read?: (gauge: Gauge<L>) => void): Gauge<L>;
  /** Durations in seconds. */
  histogram<L extends string>(name: string, help: string, labels?: L[], buckets?: number[]): Histogram<L>;
}

/** How often Node's own figures look at the event loop; each look wakes the process. */
const EVENT_LOOP_LOOK_MS = 100;
const SECONDS = [0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

/** The figures of one process: its own and Node's (event-loop delay, memory, garbage collection), labelled with role and instance. */
export function createMetrics(labels: { role: string; instance: string }): Metrics {
  const registry = new Registry();
  registry.setDefaultLabels(labels);
  collectDefaultMetrics({
    register: registry,
    prefix: 'strongroom_',
    eventLoopMonitoringPrecision: EVENT_LOOP_LOOK_MS,
  });
  const registers = [registry];
  return {
    registry,
    counter: (name, help, labelNames = []) => new Counter({ name, help, labelNames, registers }),
    gauge: (name, help, labelNames = [], read) =>
      new Gauge({
        name,
        help,
        labelNames,
        registers,
        ...(read
          ? {
              collect() {
                read(this);
              },
            }
          : {}),
      }),
    histogram: (name, help, labelNames = [], buckets = SECONDS) =>
      new Histogram({ name, help, labelNames, buckets, registers }),
  };
}

const PUBLISH_MS = 5000;

function key(redisUrl: string): string {
  return `${keyPrefix(redisUrl)}:metrics`;
}

/** Lays this process's figures where the web role finds them. Returns the function that ends it. */
export function publishMetrics(options: {
  metrics: Metrics;
  redisUrl: string;
  role: string;
  instance: string;
  log: Log;
}): () => void {
  const { metrics, redisUrl, role, instance, log } = options;
  const redis = openRedis(redisUrl, log, { enableOfflineQueue: false });
  const name = `${key(redisUrl)}:${role}:${instance}`;
  const timer = setInterval(async () => {
    const figures = await metrics.registry.getMetricsAsJSON();
    await redis.set(name, JSON.stringify(figures), 'PX', PUBLISH_MS * 3).catch(() => {});
  }, PUBLISH_MS);
  timer.unref();
  return () => {
    clearInterval(timer);
    redis.disconnect();
  };
}

/** The figures of every process, as Prometheus reads them. */
export async function readMetrics(redis: Redis, redisUrl: string): Promise<string> {
  const names: string[] = [];
  let cursor = '0';
  do {
    const [next, found] = await redis.scan(cursor, 'MATCH', `${key(redisUrl)}:*`, 'COUNT', 1000);
    cursor = next;
    names.push(...found);
  } while (cursor !== '0');
  const values = names.length > 0 ? await redis.mget([...new Set(names)]) : [];
  const figures = values.flatMap((value) => (value === null ? [] : [JSON.parse(value) as object[]]));
  // Role and instance are labels of every figure, so that nothing is summed over processes that should not be.
  return AggregatorRegistry.aggregate(figures as never).metrics();
}

/** Resident memory of another process, for services that do not report themselves; undefined when it is gone. */
export async function residentBytes(pid: number): Promise<number | undefined> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8').catch(() => '');
  const match = /^VmRSS:\s+(\d+) kB/m.exec(status);
  return match ? Number(match[1]) * 1024 : undefined;
}
