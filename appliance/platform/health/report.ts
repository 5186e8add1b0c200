import { createSocket } from 'node:dgram';
import type { Redis } from 'ioredis';
import { within } from '#appliance/kernel/async.ts';
import { messageOf } from '#appliance/kernel/errors.ts';
import type { Config } from '../config/index.ts';
import type { Database } from '../postgres/index.ts';
import { keyPrefix } from '../redis/index.ts';
import type { Heartbeat } from './heartbeat.ts';

export interface Component {
  status: 'ok' | 'degraded' | 'down';
  detail: string;
}

export interface HealthReport {
  status: 'ok' | 'degraded' | 'down';
  version: string;
  components: Record<'postgres' | 'redis' | 'rtpengine' | 'voice' | 'media' | 'web' | 'work', Component>;
}

const PATIENCE_MS = 2000;
const ROLES = ['voice', 'media', 'web', 'work'] as const;

/** Asks every part now. `down` as soon as one part does not answer: HTTP 503. */
export async function readHealth(deps: {
  db: Database;
  redis: Redis;
  config: Pick<Config, 'rtpengine' | 'redisUrl'>;
  version: string;
}): Promise<HealthReport> {
  const { db, redis, config, version } = deps;
  const [postgres, redisAnswer, rtpengine, beats] = await Promise.all([
    ask(async () => void (await db.raw('select 1'))),
    ask(async () => void (await redis.ping())),
    ask(() => pingRtpengine(config.rtpengine)),
    within(PATIENCE_MS, readHeartbeats(redis, config.redisUrl), 'no answer').catch(() => [] as Heartbeat[]),
  ]);
  const roles = Object.fromEntries(ROLES.map((role) => [role, roleComponent(role, beats, redisAnswer)]));
  const components = { postgres, redis: redisAnswer, rtpengine, ...roles } as HealthReport['components'];
  const statuses = Object.values(components).map((component) => component.status);
  const status = statuses.includes('down') ? 'down' : statuses.includes('degraded') ? 'degraded' : 'ok';
  return { status, version, components };
}

export async function readHeartbeats(redis: Redis, redisUrl: string): Promise<Heartbeat[]> {
  const keys: string[] = [];
  let cursor = '0';
  do {
    const [next, found] = await redis.scan(cursor, 'MATCH', `${keyPrefix(redisUrl)}:health:*`, 'COUNT', 1000);
    cursor = next;
    keys.push(...found);
  } while (cursor !== '0');
  if (keys.length === 0) return [];
  const values = await redis.mget([...new Set(keys)]);
  return values.flatMap((value) => (value === null ? [] : [JSON.parse(value) as Heartbeat]));
}

function roleComponent(role: string, beats: Heartbeat[], redis: Component): Component {
  const mine = beats.filter((beat) => beat.role === role);
  if (mine.length === 0) {
    // Without Redis nobody can say; that is Redis's failure, shown there.
    return { status: 'down', detail: redis.status === 'ok' ? 'gives no sign of life' : 'unknown: Redis is away' };
  }
  const well = mine.filter((beat) => beat.status === 'ok');
  const slowest = Math.max(...mine.map((beat) => beat.eventLoopDelayMs));
  const unwell = mine.find((beat) => beat.status !== 'ok');
  const detail = unwell
    ? `${unwell.instance}: ${unwell.status}${unwell.detail ? `, ${unwell.detail}` : ''}`
    : `${mine.length === 1 ? 'running' : `${mine.length} running`}, event loop ${slowest} ms late`;
  if (well.length === mine.length) return { status: 'ok', detail };
  const alive = well.length > 0 || mine.some((beat) => beat.status === 'degraded');
  return { status: alive ? 'degraded' : 'down', detail };
}

async function ask(question: () => Promise<void>): Promise<Component> {
  const from = performance.now();
  try {
    await within(PATIENCE_MS, question(), `no answer within ${PATIENCE_MS / 1000} s`);
    return { status: 'ok', detail: `answers in ${Math.ceil(performance.now() - from)} ms` };
  } catch (error) {
    return { status: 'down', detail: messageOf(error) || 'not reachable' };
  }
}

/** rtpengine's ng protocol: a cookie, a space, a bencoded dictionary. */
export function pingRtpengine(hostPort: string): Promise<void> {
  const colon = hostPort.lastIndexOf(':');
  const socket = createSocket(hostPort.startsWith('[') ? 'udp6' : 'udp4');
  return new Promise<void>((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error('no answer to ping')), PATIENCE_MS - 200);
    socket.once('error', reject);
    socket.once('message', (message) => {
      clearTimeout(timer);
      if (message.includes('pong')) resolve();
      else reject(new Error('an answer that is not pong'));
    });
    const host = hostPort.slice(0, colon).replace(/^\[|\]$/g, '');
    socket.send('health d7:command4:pinge', Number(hostPort.slice(colon + 1)), host);
  }).finally(() => socket.close());
}
