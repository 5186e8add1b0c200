import { randomBytes } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { delay } from '#appliance/kernel/async.ts';
import { messageOf } from '#appliance/kernel/errors.ts';
import type { Config } from '#appliance/platform/config/index.ts';
import { loadConfig } from '#appliance/platform/config/index.ts';
import { openDatabase } from '#appliance/platform/postgres/index.ts';
import type { Account, Child } from '../services/child.ts';
import { unprivilegedAccount } from '../services/child.ts';
import { clusterUrl, clusterVersion, findPostgres, initCluster, startCluster } from '../services/postgres.ts';
import { startRedis } from '../services/redis.ts';
import { startRtpengine } from '../services/rtpengine.ts';
import type { ChildrenFile } from './lock.ts';
import { Problem } from './problem.ts';

/** The accounts that services run as when we are root. */
export interface Accounts {
  postgres: Account | undefined;
  redis: Account | undefined;
  rtpengine: Account | undefined;
}

export function serviceAccounts(): Accounts {
  return {
    postgres: unprivilegedAccount(['postgres', 'nobody']),
    redis: unprivilegedAccount(['redis', 'nobody']),
    rtpengine: unprivilegedAccount(['rtpengine', 'nobody']),
  };
}

/** Our own PostgreSQL, Redis and rtpengine, each only when none is configured; started again when one ends by itself. */
export class Services {
  readonly #config: Config;
  readonly #accounts: Accounts;
  readonly #children: ChildrenFile;
  readonly #say: (text: string) => void;
  readonly #running = new Map<string, Child>();
  #stopping = false;

  constructor(deps: { config: Config; accounts: Accounts; children: ChildrenFile; say: (text: string) => void }) {
    this.#config = deps.config;
    this.#accounts = deps.accounts;
    this.#children = deps.children;
    this.#say = deps.say;
  }

  /** Starts what is ours, all at once; `postgresOnly` for commands that work on the data alone. */
  async start({ postgresOnly = false } = {}): Promise<void> {
    const external = postgresOnly ? { ...this.#config.external, redis: true, rtpengine: true } : this.#config.external;
    await Promise.all([
      external.postgres ? undefined : this.#keep('postgres', () => this.#startPostgres()),
      external.redis ? undefined : this.#keep('redis', () => this.#startRedis()),
      external.rtpengine ? undefined : this.#keep('rtpengine', () => this.#startRtpengine()),
    ]);
  }

  /** In order: what others depend on ends last. */
  async stop(): Promise<void> {
    this.#stopping = true;
    await this.#running.get('rtpengine')?.stop('SIGTERM', 5000);
    await this.#running.get('redis')?.stop('SIGTERM', 10_000);
    // SIGINT is PostgreSQL's fast shutdown: it writes everything and ends.
    await this.#running.get('postgres')?.stop('SIGINT', 30_000);
  }

  kill(): void {
    for (const [name, child] of this.#running) child.kill(name === 'postgres' ? 'SIGQUIT' : 'SIGKILL');
  }

  async #keep(name: string, start: () => Promise<Child>): Promise<void> {
    const child = await start();
    this.#running.set(name, child);
    this.#children.add(name, child.pid);
    child.gone.then(async (how) => {
      this.#running.delete(name);
      for (let waitMs = 100; !this.#stopping; waitMs = Math.min(waitMs * 2, 10_000)) {
        this.#say(`${name} ${how}; starting it again`);
        await delay(waitMs);
        if (this.#stopping) return;
        try {
          await this.#keep(name, start);
          return;
        } catch (error) {
          this.#say(messageOf(error));
        }
      }
    });
  }

  async #startPostgres(): Promise<Child> {
    const { dataDir, paths, postgresPort } = this.#config;
    const binDir = findPostgres();
    if (!binDir) throw new Problem('PostgreSQL is not installed: apt-get install postgresql');
    const dir = join(dataDir, 'postgres');
    const account = this.#accounts.postgres;
    const made = clusterVersion(dir);
    const installed = binDir.split('/').at(-2);
    if (made && made !== installed && !existsSync(join(binDir, '../../', made, 'bin/postgres'))) {
      throw new Problem(
        `The data folder was made by PostgreSQL ${made}, but ${installed} is installed: apt-get install postgresql-${made}, or move the data with strongroom backup and restore.`,
      );
    }
    const programs = made && made !== installed ? join(binDir, '../../', made, 'bin') : binDir;
    initCluster({ dir, binDir: programs, account, password: password(paths.keys, 'postgres') });
    const socketDir = join(paths.run, 'pg');
    const child = await startCluster({
      dir,
      socketDir,
      binDir: programs,
      account,
      port: postgresPort,
      listen: '127.0.0.1',
      settings: { shared_buffers: '256MB', max_connections: '200', log_line_prefix: '%m [%p] %a ' },
      logFile: join(paths.log, 'postgres.log'),
    });
    const admin = openDatabase(clusterUrl({ socketDir, port: postgresPort, database: 'postgres' }), { poolMax: 1 });
    try {
      const { rows } = await admin.raw("select 1 from pg_database where datname = 'strongroom'");
      if (rows.length === 0) await admin.raw('create database strongroom');
    } finally {
      await admin.destroy();
    }
    return child;
  }

  #startRedis(): Promise<Child> {
    const { dataDir, paths, redisPort } = this.#config;
    return startRedis({
      dir: join(dataDir, 'redis'),
      socketDir: join(paths.run, 'redis'),
      account: this.#accounts.redis,
      port: redisPort,
      password: password(paths.keys, 'redis'),
      logFile: join(paths.log, 'redis.log'),
    });
  }

  #startRtpengine(): Promise<Child> {
    const { paths, rtpenginePort, edgePorts, address } = this.#config;
    return startRtpengine({
      ngPort: rtpenginePort,
      ports: edgePorts,
      address,
      account: this.#accounts.rtpengine,
      logFile: join(paths.log, 'rtpengine.log'),
    });
  }
}

/** Makes the passwords of the private services; a configuration loaded afterwards knows them. */
export function ensurePasswords(config: Config, env: Record<string, string | undefined> = process.env): Config {
  password(config.paths.keys, 'postgres');
  password(config.paths.keys, 'redis');
  return loadConfig(env, { dataDir: config.dataDir });
}

function password(keysDir: string, service: string): string {
  const file = join(keysDir, `${service}.password`);
  if (!existsSync(file)) writeFileSync(file, `${randomBytes(24).toString('hex')}\n`, { mode: 0o600 });
  return readFileSync(file, 'utf8').trim();
}
