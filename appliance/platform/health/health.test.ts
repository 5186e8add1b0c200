import { createSocket } from 'node:dgram';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test, vi } from 'vitest';
import type { TestDatabase } from '#test/support/database.ts';
import { testDatabase } from '#test/support/database.ts';
import { testRedisUrl } from '#test/support/redis.ts';
import { silentLog } from '../log/index.ts';
import { openDatabase } from '../postgres/index.ts';
import { openRedis } from '../redis/index.ts';
import { readHealth, startHeartbeat } from './index.ts';

let database: TestDatabase;
let redisUrl: string;
const rtpengine = createSocket('udp4');
const ends: (() => unknown)[] = [];
let config: { rtpengine: string; redisUrl: string };

beforeAll(async () => {
  database = await testDatabase({ empty: true });
  rtpengine.on('message', (_, from) => rtpengine.send('health d6:result4:ponge', from.port, from.address));
  await new Promise<void>((resolve) => rtpengine.bind(0, '127.0.0.1', resolve));
});
afterAll(async () => {
  rtpengine.close();
  await database.close();
});
beforeEach(async () => {
  redisUrl = await testRedisUrl();
  config = { redisUrl, rtpengine: `127.0.0.1:${rtpengine.address().port}` };
});
afterEach(async () => {
  for (const end of ends.splice(0)) await end();
});

function connect() {
  const redis = openRedis(redisUrl, silentLog);
  ends.push(() => redis.disconnect());
  return redis;
}

function beats(...roles: string[]) {
  return roles.map((role) => {
    const heartbeat = startHeartbeat({ redisUrl, role, instance: 'box', log: silentLog });
    ends.push(() => heartbeat.stop());
    heartbeat.report('ok');
    return heartbeat;
  });
}

test('all is well when everything answers and every role beats', async () => {
  beats('voice', 'media', 'web', 'work');
  const redis = connect();
  await vi.waitFor(async () => {
    const health = await readHealth({ db: database.db, redis, config, version: '1.2.3' });
    expect(health).toMatchObject({
      status: 'ok',
      version: '1.2.3',
      components: { postgres: { status: 'ok' }, voice: { status: 'ok' } },
    });
  });
});

test('a role that stopped is down, one that struggles is degraded and says why', async () => {
  const [voice, media] = beats('voice', 'media', 'web', 'work');
  const redis = connect();
  await voice!.stop();
  media!.report('degraded', 'one worker of two');
  await vi.waitFor(async () => {
    const { status, components } = await readHealth({ db: database.db, redis, config, version: '1' });
    expect(status).toBe('down');
    expect(components.voice).toEqual({ status: 'down', detail: 'gives no sign of life' });
    expect(components.media).toEqual({ status: 'degraded', detail: 'box: degraded, one worker of two' });
  });
});

test('each service that is away is named', async () => {
  const db = openDatabase('postgresql://nobody@localhost/none?host=/nonexistent');
  const redis = openRedis('unix:/nonexistent/redis.sock', silentLog);
  ends.push(
    () => db.destroy(),
    () => redis.disconnect(),
  );
  const health = await readHealth({ db, redis, config: { redisUrl, rtpengine: '127.0.0.1:1' }, version: '1' });
  expect(Object.entries(health.components).map(([name, { status }]) => [name, status])).toEqual([
    ['postgres', 'down'],
    ['redis', 'down'],
    ['rtpengine', 'down'],
    ['voice', 'down'],
    ['media', 'down'],
    ['web', 'down'],
    ['work', 'down'],
  ]);
  expect(health.components.voice.detail).toContain('Redis is away');
});
