import type { RedisOptions } from 'ioredis';
import { Redis } from 'ioredis';
import type { Log } from '../log/index.ts';

/** `redis://host:port/db`, `rediss://…`, or a unix socket as `unix:/path/redis.sock?db=1`. */
export function redisOptions(url: string): RedisOptions {
  if (url.startsWith('/') || url.startsWith('unix:')) {
    const [path = '', query = ''] = url.replace(/^unix:(\/\/)?/, '').split('?');
    const search = new URLSearchParams(query);
    const password = search.get('password');
    return { path, db: Number(search.get('db') ?? 0), ...(password ? { password } : {}) };
  }
  const parsed = new URL(url);
  if (parsed.protocol !== 'redis:' && parsed.protocol !== 'rediss:') {
    throw new Error(`A Redis URL begins with redis://, rediss:// or unix:, not ${parsed.protocol}`);
  }
  return {
    host: parsed.hostname.replace(/^\[|\]$/g, ''),
    port: Number(parsed.port || 6379),
    db: Number(parsed.pathname.slice(1) || 0),
    ...(parsed.username ? { username: decodeURIComponent(parsed.username) } : {}),
    ...(parsed.password ? { password: decodeURIComponent(parsed.password) } : {}),
    ...(parsed.protocol === 'rediss:' ? { tls: {} } : {}),
  };
}

/** A connection that returns by itself for ever, at most two seconds after Redis does. */
export function openRedis(url: string, log: Log, extra: RedisOptions = {}): Redis {
  const redis = new Redis({
    maxRetriesPerRequest: null,
    enableReadyCheck: false,
    retryStrategy: (times) => Math.min(50 * times, 2000),
    ...redisOptions(url),
    ...extra,
  });
  let quiet = false;
  redis.on('error', (error: Error) => {
    if (!quiet) log.warn({ error: error.message }, 'Redis is away');
    quiet = true;
  });
  redis.on('ready', () => {
    if (quiet) log.info('Redis is back');
    quiet = false;
  });
  return redis;
}

/** First part of every key and channel; pub/sub ignores the database number, so it is part of the name. */
export function keyPrefix(url: string): string {
  const db = redisOptions(url).db ?? 0;
  return db === 0 ? 'strongroom' : `strongroom.${db}`;
}
