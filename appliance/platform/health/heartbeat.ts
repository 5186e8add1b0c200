import { monitorEventLoopDelay } from 'node:perf_hooks';
import type { Redis } from 'ioredis';
import { messageOf } from '#appliance/kernel/errors.ts';
import type { Log } from '../log/index.ts';
import { keyPrefix, openRedis } from '../redis/index.ts';

export type HeartbeatStatus = 'starting' | 'ok' | 'degraded' | 'stopping';

/** What a role last said about itself. */
export interface Heartbeat {
  role: string;
  instance: string;
  status: HeartbeatStatus;
  detail: string;
  /** The longest that the process kept anybody waiting since the last beat. */
  eventLoopDelayMs: number;
  at: string;
}

export interface HealthReporter {
  report(status: HeartbeatStatus, detail?: string): void;
}

const BEAT_MS = 2000;
/** A watch of its own wakes the process so often also when there is nothing to do. */
const RESOLUTION_MS = 100;
/** One beat may be missed: what is dead or stands still is not called well for long. */
const LIFE_MS = 5000;
/** Slower than this is said to people: telephony cannot answer in time. */
const SLOW_MS = 500;

export function heartbeatKey(redisUrl: string, role: string, instance: string): string {
  return `${keyPrefix(redisUrl)}:health:${role}:${instance}`;
}

/** Says every two seconds that the process lives, how it is, and how late its event loop was; keys expire by themselves. */
export function startHeartbeat(options: {
  redisUrl: string;
  role: string;
  instance: string;
  log: Log;
}): HealthReporter & {
  stop(): Promise<void>;
} {
  const { redisUrl, role, instance, log } = options;
  const redis: Redis = openRedis(redisUrl, log, { enableOfflineQueue: false });
  const key = heartbeatKey(redisUrl, role, instance);
  const delays = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
  delays.enable();
  let status: HeartbeatStatus = 'starting';
  let detail = '';

  function beat(): void {
    const eventLoopDelayMs = Math.max(0, Math.round(delays.max / 1e6) - RESOLUTION_MS);
    delays.reset();
    if (eventLoopDelayMs > SLOW_MS) log.warn({ eventLoopDelayMs }, 'the event loop was held up');
    const heartbeat: Heartbeat = { role, instance, status, detail, eventLoopDelayMs, at: new Date().toISOString() };
    redis.set(key, JSON.stringify(heartbeat), 'PX', LIFE_MS).catch(() => {
      // openRedis says once that Redis is away.
    });
  }

  redis.once('ready', beat);
  const timer = setInterval(beat, BEAT_MS);
  timer.unref();
  return {
    report(next, text = '') {
      status = next;
      detail = text;
      beat();
    },
    async stop() {
      clearInterval(timer);
      delays.disable();
      if (redis.status === 'ready') {
        await redis
          .del(key)
          .catch((error) => log.debug({ error: messageOf(error) }, 'the heartbeat stays until it expires'));
      }
      redis.disconnect();
    },
  };
}
