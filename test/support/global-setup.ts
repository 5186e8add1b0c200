import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { TestProject } from 'vitest/node';
import { migrate, openDatabase } from '#appliance/platform/postgres/index.ts';
import type { Account, Child } from '#provisioning/services/child.ts';
import { unprivilegedAccount } from '#provisioning/services/child.ts';
import type { ClusterOptions } from '#provisioning/services/postgres.ts';
import { clusterUrl, findPostgres, initCluster, startCluster } from '#provisioning/services/postgres.ts';
import { redisSocket, startRedis } from '#provisioning/services/redis.ts';

declare module 'vitest' {
  interface ProvidedContext {
    postgres: { socketDir: string; port: number; template: string; failure: string | null };
    redis: { socket: string };
  }
}

const TEMPLATE = 'strongroom_template';
const PORT = 5432;
interface Template {
  dir: string;
  failure: string | null;
}

/** Nothing here outlives the run, so nothing needs to reach the disk. */
const UNSAFE_BUT_FAST = {
  fsync: 'off',
  synchronous_commit: 'off',
  full_page_writes: 'off',
  shared_buffers: '64MB',
  max_connections: '250',
  wal_level: 'minimal',
  max_wal_senders: '0',
};

/** One PostgreSQL and one Redis per run of vitest, on unix sockets in a folder of their own: runs never meet. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const dir = mkdtempSync(join(tmpdir(), 'strongroom-test-'));
  // PostgreSQL runs as another account when we are root; it must get through to its folder.
  chmodSync(dir, 0o755);
  let postgres: Child | undefined;
  let redis: Child | undefined;
  const stop = async () => {
    await Promise.all([postgres?.stop('SIGQUIT', 3000), redis?.stop('SIGKILL', 3000)]);
    rmSync(dir, { recursive: true, force: true });
  };
  try {
    const pgDir = join(dir, 'postgres');
    const account = unprivilegedAccount(['postgres', 'nobody']);
    const binDir = findPostgres();
    if (!binDir) throw new Error('PostgreSQL is not installed: npm test installs it, or apt-get install postgresql');
    const template = await migratedCluster(binDir, account);
    copyFolder(template.dir, pgDir);
    [postgres, redis] = await Promise.all([
      startCluster(cluster(pgDir, binDir, account)),
      startRedis({
        dir: join(dir, 'redis'),
        socketDir: join(dir, 'redis', 'run'),
        port: 0,
        settings: { appendonly: 'no', databases: '4096' },
        logFile: join(dir, 'redis.log'),
      }),
    ]);
    project.provide('postgres', {
      socketDir: join(pgDir, 'run'),
      port: PORT,
      template: TEMPLATE,
      failure: template.failure,
    });
    project.provide('redis', { socket: redisSocket(join(dir, 'redis', 'run')) });
    return stop;
  } catch (error) {
    await stop();
    throw error;
  }
}

function cluster(dir: string, binDir: string, account: Account | undefined) {
  return {
    dir,
    socketDir: join(dir, 'run'),
    binDir,
    account,
    port: PORT,
    listen: '',
    settings: UNSAFE_BUT_FAST,
    logFile: join(dir, 'postgres.log'),
  };
}

/** A stopped cluster that holds the migrated template; made once per set of migrations and kept for later runs. */
async function migratedCluster(binDir: string, account: Account | undefined): Promise<Template> {
  const cache = join(tmpdir(), `strongroom-test-clusters-${process.getuid?.() ?? 0}`);
  mkdirSync(cache, { recursive: true, mode: 0o755 });
  const empty = await kept(join(cache, `empty-${fingerprint(binDir, [])}`), async (dir) => {
    initCluster({ dir, binDir, account });
  });
  try {
    const name = fingerprint(binDir, migrations());
    const dir = await kept(join(cache, name), async (making) => {
      rmSync(making, { recursive: true });
      copyFolder(empty, making);
      await migrateTemplate(cluster(making, binDir, account));
    });
    forgetOld(cache, dir);
    return { dir, failure: null };
  } catch (error) {
    // Rooms that need no schema are tested all the same; testDatabase() says what is wrong.
    return { dir: empty, failure: `The migrations do not run: ${(error as Error).message.split('\n').at(-1)}` };
  }
}

async function migrateTemplate(options: ClusterOptions): Promise<void> {
  const postgres = await startCluster(options);
  try {
    const admin = openDatabase(clusterUrl({ socketDir: options.socketDir, port: PORT, database: 'postgres' }));
    await admin.raw(`create database ${TEMPLATE}`).finally(() => admin.destroy());
    const db = openDatabase(clusterUrl({ socketDir: options.socketDir, port: PORT, database: TEMPLATE }));
    await migrate(db).finally(() => db.destroy());
  } finally {
    await postgres.stop('SIGINT', 10_000);
  }
}

/** The folder, made by `make` under another name first, so that a half-made one is never used. */
async function kept(dir: string, make: (making: string) => Promise<void>): Promise<string> {
  if (existsSync(join(dir, 'data', 'PG_VERSION'))) return dir;
  const making = mkdtempSync(join(dirname(dir), 'making-'));
  chmodSync(making, 0o755);
  try {
    await make(making);
    renameSync(making, dir);
  } catch (error) {
    rmSync(making, { recursive: true, force: true });
    // Unless another run was quicker.
    if (!existsSync(join(dir, 'data', 'PG_VERSION'))) throw error;
  }
  return dir;
}

const MIGRATIONS = new URL('../../migrations/', import.meta.url);

function migrations(): string[] {
  return readdirSync(MIGRATIONS)
    .filter((name) => name.endsWith('.ts'))
    .sort();
}

function fingerprint(binDir: string, files: string[]): string {
  const hash = createHash('sha256').update(binDir).update(JSON.stringify(UNSAFE_BUT_FAST));
  for (const name of files) hash.update(name).update(readFileSync(new URL(name, MIGRATIONS)));
  return hash.digest('hex').slice(0, 20);
}

/** Keeps the newest clusters; a run that is copying an older one at this moment tries again. */
function forgetOld(cache: string, kept: string): void {
  const others = spawnSync('ls', ['-1dt', ...readdirSync(cache).map((name) => join(cache, name))], {
    encoding: 'utf8',
  });
  const folders = others.stdout.split('\n').filter((path) => path && path !== kept && !/making-|empty-/.test(path));
  for (const path of folders.slice(8)) rmSync(path, { recursive: true, force: true });
}

function copyFolder(from: string, to: string): void {
  const result = spawnSync('cp', ['-a', '--reflink=auto', from, to], { encoding: 'utf8' });
  if (result.status !== 0) throw new Error(`The test cluster could not be copied: ${result.stderr}`);
}
