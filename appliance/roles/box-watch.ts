// What the box notices about itself, as alarms: parts that are away (web looks, and work at web), disks that fill up (work looks).
import { stat, statfs } from 'node:fs/promises';
import { join } from 'node:path';
import type { Config } from '#appliance/platform/config/index.ts';
import type { HealthReport } from '#appliance/platform/health/index.ts';
import type { Watched } from '#appliance/realtime/index.ts';

const NAMES: Record<keyof HealthReport['components'], string> = {
  postgres: 'PostgreSQL',
  redis: 'Redis',
  rtpengine: 'The edge for browsers and encrypted calls (rtpengine)',
  voice: 'Telephony (voice)',
  media: 'The audio switch (media)',
  web: 'The web service (web)',
  work: 'Background work (work)',
};
const KIND = { rtpengine: 'edge' } as Record<string, string>;

/** Every part of the box: `postgres.down`, `edge.down`, `media.degraded`. Pure. */
export function partsWatched({ components }: Pick<HealthReport, 'components'>): Watched[] {
  const blind = components.redis.status !== 'ok';
  return Object.entries(components).flatMap(([name, { status, detail }]) => {
    // Roles speak through Redis: without it nobody knows, and that is Redis's alarm.
    if (blind && !['postgres', 'redis', 'rtpengine'].includes(name)) return [];
    const part = KIND[name] ?? name;
    const title = NAMES[name as keyof typeof NAMES];
    return [
      {
        kind: `${part}.down`,
        trouble:
          status === 'down' ? ({ severity: 'critical', text: `${title} is away: ${detail}` } as const) : undefined,
      },
      {
        kind: `${part}.degraded`,
        trouble:
          status === 'degraded'
            ? ({ severity: 'warning', text: `${title} is not well: ${detail}` } as const)
            : undefined,
      },
    ];
  });
}

/** Of these what web cannot say itself: that it is gone. Pure. */
export function webWatched(health: Pick<HealthReport, 'components'>): Watched[] {
  return partsWatched(health).filter(({ kind }) => kind === 'web.down');
}

export interface DiskSpace {
  path: string;
  totalBytes: number;
  freeBytes: number;
}

const GIB = 2 ** 30;
/** An hour of 300 recorded calls is some 20 GB. */
const LOW = { share: 0.1, bytes: 20 * GIB };
const CRITICAL = { share: 0.03, bytes: 2 * GIB };

/** Nearly full: little in share and in size, so that neither a small nor a large disk cries without need. Pure. */
export function diskWatched({ path, totalBytes, freeBytes }: DiskSpace): Watched {
  const below = ({ share, bytes }: typeof LOW) => freeBytes < share * totalBytes && freeBytes < bytes;
  const severity = below(CRITICAL) ? 'critical' : below(LOW) ? 'warning' : undefined;
  const percent = totalBytes > 0 ? Math.floor((100 * freeBytes) / totalBytes) : 0;
  return {
    kind: 'disk.low',
    subject: path,
    trouble: severity && {
      severity,
      text: `The disk of ${path} is nearly full: ${percent} % (${sized(freeBytes)}) are free.`,
    },
  };
}

/** The file systems the data folder lives on, each once, under the first path that lies on it. */
export async function readDisks({ dataDir, paths }: Pick<Config, 'dataDir' | 'paths'>): Promise<DiskSpace[]> {
  const disks = new Map<number, DiskSpace>();
  for (const path of [dataDir, join(dataDir, 'postgres'), paths.spool, paths.files, paths.log]) {
    try {
      const { dev } = await stat(path);
      if (disks.has(dev)) continue;
      const { bsize, blocks, bavail } = await statfs(path);
      disks.set(dev, { path, totalBytes: blocks * bsize, freeBytes: bavail * bsize });
    } catch {
      // not made yet
    }
  }
  return [...disks.values()];
}

function sized(bytes: number): string {
  return bytes < GIB ? `${Math.round(bytes / 2 ** 20)} MB` : `${(bytes / GIB).toFixed(1)} GB`;
}
