// /system: what the machine under the box has left, for the people who look after it.
import { X509Certificate } from 'node:crypto';
import { readFile, statfs } from 'node:fs/promises';
import { freemem, loadavg, totalmem, uptime } from 'node:os';
import type { Server } from '@hapi/hapi';
import { z } from 'zod';
import { route } from '#appliance/http/route.ts';
import { time } from '#appliance/http/schemas.ts';
import { AppError } from '#appliance/kernel/errors.ts';
import type { Config } from '#appliance/platform/config/index.ts';
import type { Heartbeat } from '#appliance/platform/health/index.ts';
import { ensureCertificates, localNames } from '#provisioning/certificates/index.ts';

const bytes = z.number().nonnegative();

const certificate = z.object({
  subject: z.string(),
  issuer: z.string(),
  names: z.string(),
  validFrom: time,
  validTo: time,
  own: z.boolean().meta({ description: "Made by the box's own authority, which can renew it" }),
});

type SystemConfig = Pick<Config, 'dataDir' | 'tlsCert' | 'tlsKey' | 'external' | 'host' | 'address'> & {
  paths: Pick<Config['paths'], 'caCert' | 'keys'>;
};

interface Deps {
  config: SystemConfig;
  heartbeats: () => Promise<Heartbeat[]>;
}

export function systemRoutes(server: Server, { config, heartbeats }: Deps): void {
  route(server, {
    method: 'GET',
    path: '/system',
    permission: 'audit:read',
    summary:
      'Disk, memory, load and the certificate of the machine that answers, and how late each of its processes is',
    response: z.object({
      disk: z.object({ totalBytes: bytes, freeBytes: bytes }).nullable(),
      memory: z.object({ totalBytes: bytes, freeBytes: bytes }),
      load: z.number(),
      upS: z.number(),
      certificate: certificate.nullable(),
      processes: z.array(
        z.object({
          role: z.string(),
          instance: z.string(),
          status: z.string(),
          eventLoopDelayMs: z.number().meta({ description: 'The longest that it kept anybody waiting in two seconds' }),
          at: time,
        }),
      ),
    }),
    handler: async () => ({
      disk: await diskOf(config.dataDir),
      memory: { totalBytes: totalmem(), freeBytes: freemem() },
      load: loadavg()[0] ?? 0,
      upS: uptime(),
      certificate: await certificateOf(config),
      processes: (await heartbeats().catch(() => [])).toSorted((a, b) => (a.role < b.role ? -1 : 1)),
    }),
  });

  route(server, {
    method: 'POST',
    path: '/system/certificate/renew',
    permission: 'system:write',
    summary: "Makes a new certificate with the box's own authority",
    description: 'Browsers and phones that know the authority notice nothing; new connections get it within seconds.',
    payload: z.object({}).strict(),
    response: certificate,
    audit: { action: 'certificate.renewed', entity: 'certificate', entityId: () => null },
    handler: async () => {
      const { external, paths, tlsCert, tlsKey, host, address } = config;
      if (external.certificate)
        throw new AppError('conflict', 'certificate-elsewhere', `${tlsCert} is renewed where it comes from.`);
      const files = { caCert: paths.caCert, keys: paths.keys, serverCert: tlsCert, serverKey: tlsKey };
      ensureCertificates(files, { names: localNames([host, address]), renew: true });
      return (await certificateOf(config))!;
    },
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

async function certificateOf({ tlsCert, external }: Pick<SystemConfig, 'tlsCert' | 'external'>) {
  try {
    const { subject, issuer, subjectAltName, validFromDate, validToDate } = new X509Certificate(
      await readFile(tlsCert),
    );
    return {
      subject: oneLine(subject),
      issuer: oneLine(issuer),
      names: subjectAltName ?? '',
      validFrom: validFromDate.toISOString(),
      validTo: validToDate.toISOString(),
      own: !external.certificate,
    };
  } catch {
    return null;
  }
}

const oneLine = (name: string): string => name.replaceAll('\n', ', ');
