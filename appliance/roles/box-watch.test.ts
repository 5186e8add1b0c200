import { describe, expect, it } from 'vitest';
import type { Component } from '#appliance/platform/health/index.ts';
import { diskWatched, partsWatched, readDisks, webWatched } from './box-watch.ts';

const ok: Component = { status: 'ok', detail: '' };
const all = { postgres: ok, redis: ok, rtpengine: ok, voice: ok, media: ok, web: ok, work: ok };
const troubles = (components: Partial<typeof all>) =>
  partsWatched({ components: { ...all, ...components } })
    .filter(({ trouble }) => trouble)
    .map(({ kind, trouble }) => `${kind} ${trouble?.severity}`);

describe('a part of the box', () => {
  it('that is away or unwell is an alarm of its own kind', () => {
    expect(troubles({})).toEqual([]);
    const down: Component = { status: 'down', detail: 'no answer' };
    expect(troubles({ postgres: down, rtpengine: down })).toEqual(['postgres.down critical', 'edge.down critical']);
    expect(troubles({ media: down, voice: { status: 'degraded', detail: 'slow' } })).toEqual([
      'voice.degraded warning',
      'media.down critical',
    ]);
  });

  it('that watches the others is watched by another: web, and only that it is gone', () => {
    const down: Component = { status: 'down', detail: 'gives no sign of life' };
    const seen = (components: Partial<typeof all>) =>
      webWatched({ components: { ...all, ...components } }).map(({ kind, trouble }) => [kind, trouble?.severity]);
    expect(seen({ web: down, voice: down })).toEqual([['web.down', 'critical']]);
    expect(seen({ voice: down })).toEqual([['web.down', undefined]]);
    expect(seen({ web: down, redis: down })).toEqual([]);
  });

  it('is not suspected because Redis is away', () => {
    const away: Component = { status: 'down', detail: 'unknown: Redis is away' };
    expect(troubles({ redis: away, voice: away, media: away, web: away, work: away })).toEqual(['redis.down critical']);
  });
});

describe('a disk', () => {
  const GIB = 2 ** 30;
  it.each([
    ['half full', 100 * GIB, 50 * GIB, undefined],
    ['nearly full', 100 * GIB, 9 * GIB, 'warning'],
    ['full', 100 * GIB, 1 * GIB, 'critical'],
    ['large: a small share is much', 10_000 * GIB, 500 * GIB, undefined],
    ['small and empty', 1 * GIB, 0.9 * GIB, undefined],
    ['without a size', 0, 0, undefined],
  ])('that is %s', (_, totalBytes, freeBytes, severity) => {
    expect(diskWatched({ path: '/data', totalBytes, freeBytes }).trouble?.severity).toBe(severity);
  });

  it('is counted once, however many folders are on it', async () => {
    const here = import.meta.dirname;
    const disks = await readDisks({ dataDir: here, paths: { spool: here, files: here, log: `${here}/none` } as never });
    expect(disks).toHaveLength(1);
    expect(disks[0]!.totalBytes).toBeGreaterThan(disks[0]!.freeBytes);
  });
});
