import { spawnSync } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { existsSync, readFileSync, statfsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { messageOf } from '#appliance/kernel/errors.ts';
import { readHealth } from '#appliance/platform/health/index.ts';
import type { Database } from '#appliance/platform/postgres/index.ts';
import { migrationsPending, openDatabase } from '#appliance/platform/postgres/index.ts';
import { openRedis } from '#appliance/platform/redis/index.ts';
import { backupStore, backupsWatched } from '#appliance/roles/backups/index.ts';
import { productVersion } from '../backup/backup.ts';
import { findPostgres } from '../services/postgres.ts';
import { holderOf } from '../supervisor/ports.ts';
import { bold, dim, green, red } from '../supervisor/screen.ts';
import type { Command } from './command.ts';
import type { CliContext } from './context.ts';

interface Finding {
  what: string;
  well: boolean;
  detail: string;
  remedy?: string;
}

export const doctor: Command = {
  name: 'doctor',
  summary: 'Check everything and say what to do about what is wrong',
  async run({ context }) {
    const findings = [...machine(), ...dataFolder(context), ...certificate(context), ...(await running(context))];
    for (const { what, well, detail, remedy } of findings) {
      context.print(`${well ? green('✓') : red('✗')} ${bold(what.padEnd(12))} ${detail}`);
      if (!well && remedy) context.print(`  ${' '.repeat(12)} ${dim('→')} ${remedy}`);
    }
    const wrong = findings.filter((finding) => !finding.well).length;
    context.print(wrong === 0 ? '\nEverything is well.' : `\n${wrong} of ${findings.length} need attention.`);
    return wrong === 0 ? 0 : 1;
  },
};

function machine(): Finding[] {
  const program = (name: string, packageName: string, args: string[] = ['--version']): Finding => {
    const result = spawnSync(name, args, { encoding: 'utf8' });
    const version = `${result.stdout ?? ''}${result.stderr ?? ''}`.trim().split('\n')[0]?.slice(0, 70) ?? '';
    const well = result.error === undefined;
    return {
      what: packageName,
      well,
      detail: well ? version : 'not installed',
      remedy: `apt-get install ${packageName}`,
    };
  };
  const bin = findPostgres();
  return [
    {
      what: 'Node',
      well: Number(process.versions.node.split('.')[0]) >= 26,
      detail: process.version,
      remedy: 'npm ci',
    },
    bin
      ? program(join(bin, 'postgres'), 'postgresql')
      : { what: 'postgresql', well: false, detail: 'not installed', remedy: 'apt-get install postgresql' },
    program('redis-server', 'redis-server'),
    program('rtpengine', 'rtpengine-daemon'),
    program('ffmpeg', 'ffmpeg', ['-version']),
    program('espeak-ng', 'espeak-ng'),
    program('openssl', 'openssl', ['version']),
  ];
}

function dataFolder({ config }: CliContext): Finding[] {
  const { dataDir, paths } = config;
  if (!existsSync(dataDir))
    return [{ what: 'Data folder', well: false, detail: `${dataDir} is not there`, remedy: 'npm start makes it' }];
  const disk = statfsSync(dataDir);
  const freeGb = (disk.bavail * disk.bsize) / 1024 ** 3;
  const share = Number(disk.bavail) / Number(disk.blocks);
  const boxKey = join(paths.keys, 'box.key');
  const isPrivate =
    existsSync(boxKey) && (statSync(boxKey).mode & 0o077) === 0 && (statSync(paths.keys).mode & 0o077) === 0;
  return [
    { what: 'Data folder', well: true, detail: dataDir },
    {
      what: 'Disk',
      well: freeGb > 2 && share > 0.05,
      detail: `${freeGb.toFixed(1)} GB free (${Math.round(share * 100)} %)`,
      remedy: 'make room, or move the data folder with strongroom backup and restore',
    },
    {
      what: 'Keys',
      well: isPrivate,
      detail: isPrivate ? 'readable by their owner alone' : existsSync(boxKey) ? 'readable by others' : 'missing',
      remedy: existsSync(boxKey)
        ? `chmod -R go= ${paths.keys}`
        : 'npm start makes them; on a restored box, restore them from the backup',
    },
  ];
}

function certificate({ config }: CliContext): Finding[] {
  const what = 'Certificate';
  if (!existsSync(config.tlsCert))
    return [{ what, well: false, detail: `${config.tlsCert} is not there`, remedy: 'npm start makes it' }];
  try {
    const cert = new X509Certificate(readFileSync(config.tlsCert));
    const days = Math.floor((new Date(cert.validTo).getTime() - Date.now()) / 86_400_000);
    const remedy = config.external.certificate ? 'replace the file of tls_cert' : 'restart: it is renewed at the start';
    return [{ what, well: days > 14, detail: `valid for ${days} days, for ${config.host}`, remedy }];
  } catch (error) {
    return [{ what, well: false, detail: messageOf(error), remedy: 'remove the file and start again' }];
  }
}

async function running({ config, log }: CliContext): Promise<Finding[]> {
  const db = openDatabase(config.postgresUrl, { poolMax: 1 });
  const redis = openRedis(config.redisUrl, log);
  try {
    const health = await readHealth({ db, redis, config, version: productVersion() });
    const names = {
      postgres: 'PostgreSQL',
      redis: 'Redis',
      rtpengine: 'rtpengine',
      voice: 'voice',
      media: 'media',
      web: 'web',
      work: 'work',
    };
    const findings = Object.entries(health.components).map(([name, { status, detail }]): Finding => {
      const isRole = ['voice', 'media', 'web', 'work'].includes(name);
      const remedy = isRole
        ? existsSync(join(config.paths.log, `${name}.log`))
          ? `npm start, or look into ${join(config.paths.log, `${name}.log`)}`
          : 'npm start'
        : 'npm start runs it, or set its URL';
      return { what: names[name as keyof typeof names], well: status === 'ok', detail: `${status}: ${detail}`, remedy };
    });
    if (health.components.postgres.status === 'ok') {
      const pending = await migrationsPending(db);
      findings.push({
        what: 'Tables',
        well: pending.length === 0,
        detail: pending.length === 0 ? 'up to date' : `${pending.length} migrations have not run`,
        remedy: 'strongroom migrate',
      });
      if (pending.length === 0) findings.push(await backups(db));
    } else {
      const holder = holderOf('tcp', config.httpsPort);
      if (holder)
        findings.push({
          what: 'Port',
          well: false,
          detail: `${config.httpsPort} is taken by ${holder}`,
          remedy: 'stop that, or set STRONGROOM_HTTPS_PORT',
        });
    }
    return findings;
  } finally {
    redis.disconnect();
    await db.destroy();
  }
}

/** By the box's own rule: how old the last good one may be. */
async function backups(db: Database): Promise<Finding> {
  const store = backupStore(db);
  const [plan, lastGoodAt, latest] = await Promise.all([store.plan(), store.lastGoodAt(), store.latest()]);
  const troubles = backupsWatched(plan, { lastGoodAt, latest }, new Date()).flatMap(({ trouble }) => trouble ?? []);
  const detail = troubles[0]?.text ?? (lastGoodAt ? `the last good one is of ${lastGoodAt.toISOString()}` : 'none yet');
  return { what: 'Backup', well: troubles.length === 0, detail, remedy: 'strongroom backup --verify' };
}
