import { Redis } from 'ioredis';
import { inject } from 'vitest';

/** A Redis URL with a database number that nobody else in this run has; buses of different URLs do not hear each other. */
export async function testRedisUrl(): Promise<string> {
  const { socket } = inject('redis');
  const redis = new Redis({ path: socket });
  try {
    const number = await redis.incr('test:databases');
    if (number >= 4096) throw new Error('The test Redis has no database left');
    return `unix:${socket}?db=${number}`;
  } finally {
    redis.disconnect();
  }
}
