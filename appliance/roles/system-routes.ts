// /system: what the machine under the box has left, for the people who look after it.
import { X509Certificate } from 'node:crypto';
import { readFile, statfs } from 'node:fs/promises';
import { freemem, loadavg, totalmem, uptime } from 'node:os';
import type { Server } from '@hapi/hapi';
import { z } from 'zod';
import { route } from '#appliance/http/route.ts';
import { time } from '#appliance/http/schemas.ts';
import type { Config } from '#appliance/platform/config/index.ts';

const bytes = z.number().nonnegative();

export function systemRoutes(server: Server, { config }: { config: Pick<Config, 'dataDir' | 'tlsCert'> }): void {
  route(server, {
    method: 'GET',
    path: '/system',
    permission: 'audit:read',
    summary: 'Disk, memory, load and the certificate of the machine that answers',
    response: z.object({
      disk: z.object({ totalBytes: bytes, freeBytes: bytes }).nullable(),
      memory: z.object({ totalBytes: bytes, freeBytes: bytes }),
      load: z.number(),
      upS: z.number(),
      certificate: z
        .object({ subject: z.string(), issuer: z.string(), names: z.string(), validFrom: time, validTo: time })
        .nullable(),
    }),
    handler: async () => ({
      disk: await diskOf(config.dataDir),
      memory: { totalBytes: totalmem(), freeBytes: freemem() },
      load: loadavg()[0] ?? 0,
      upS: uptime(),
      certificate: await certificateOf(config.tlsCert),
    }),
  });
}

/** What unprivileged processes may still write. */
async function diskOf(folder: string): Promise<{ totalBytes: number; freeBytes: number } | null> {
  try {
    const { bsize, blocks, bavail } = await statfs(folder);
    return { totalBytes: bsize * blocks, freeBytes: bsize * bavail };
  } catch {
    return null;
  }
}

async function certificateOf(file: string) {
  try {
    const { subject, issuer, subjectAltName, validFromDate, validToDate } = new X509Certificate(await readFile(file));
    return {
      subject: oneLine(subject),
      issuer: oneLine(issuer),
      names: subjectAltName ?? '',
      validFrom: validFromDate.toISOString(),
      validTo: validToDate.toISOString(),
    };
  } catch {
    return null;
  }
}

const oneLine = (name: string): string => name.replaceAll('\n', ', ');
