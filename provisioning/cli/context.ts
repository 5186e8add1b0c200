import { resolve } from 'node:path';
import { messageOf } from '#appliance/kernel/errors.ts';
import type { Bus } from '#appliance/platform/bus/index.ts';
import { createBus, memoryBus } from '#appliance/platform/bus/index.ts';
import type { Config } from '#appliance/platform/config/index.ts';
import { loadConfig } from '#appliance/platform/config/index.ts';
import type { Log } from '#appliance/platform/log/index.ts';
import { createLog } from '#appliance/platform/log/index.ts';
import type { Database } from '#appliance/platform/postgres/index.ts';
import { isConnectionError, openDatabase } from '#appliance/platform/postgres/index.ts';
import type { Secrets } from '#appliance/platform/secrets/index.ts';
import { openSecrets } from '#appliance/platform/secrets/index.ts';
import { ChildrenFile, lockDataFolder } from '../supervisor/lock.ts';
import { Problem } from '../supervisor/problem.ts';
import { ensurePasswords, Services, serviceAccounts } from '../supervisor/services.ts';

/** What commands share; each thing is opened when it is first asked for, and closed at the end. */
export interface CliContext {
  config: Config;
  log: Log;
  /** The database; the private PostgreSQL is started for the command's time when Strongroom does not run. */
  db(): Promise<Database>;
  /** Reaches the running roles; when none runs, nobody hears. */
  bus(): Promise<Bus>;
  secrets(): Secrets;
  /** A path as the caller meant it. */
  path(name: string): string;
  print(text?: string): void;
  close(): Promise<void>;
}

export function openContext(): CliContext {
  const config = loadConfig();
  const log = createLog({ role: 'cli', level: 'silent' });
  const closers: (() => Promise<unknown> | undefined)[] = [];
  let db: Promise<Database> | undefined;
  let bus: Promise<Bus> | undefined;

  async function openDb(): Promise<Database> {
    const database = openDatabase(config.postgresUrl, { poolMax: 4, applicationName: 'strongroom cli' });
    closers.push(() => database.destroy());
    try {
      await database.raw('select 1');
    } catch (error) {
      if (!isConnectionError(error) || config.external.postgres) {
        throw new Problem(`The database cannot be reached: ${messageOf(error)}`);
      }
      closers.push(await startPostgres(config));
    }
    return database;
  }

  return {
    config,
    log,
    db: () => (db ??= openDb()),
    bus() {
      bus ??= createBus({ redisUrl: config.redisUrl, instance: 'cli', log }).catch(() => memoryBus());
      bus.then((opened) => closers.push(() => opened.close()));
      return bus;
    },
    secrets: () => openSecrets(config.paths.keys),
    path: (name) => resolve(process.env.STRONGROOM_SETUP_CWD ?? process.cwd(), name),
    print: (text = '') => process.stdout.write(`${text}\n`),
    async close() {
      for (const close of closers.reverse()) await close();
    },
  };
}

/** Runs the private PostgreSQL of a data folder that nobody else uses at this moment. Returns the function that ends it. */
export async function startPostgres(config: Config): Promise<() => Promise<void>> {
  const unlock = await lockDataFolder(config.dataDir).catch((error) => {
    throw error instanceof Problem
      ? error
      : new Problem(`There is no data folder ${config.dataDir}: npm start makes it.`);
  });
  const children = new ChildrenFile(config.paths.run);
  const services = new Services({
    config: ensurePasswords(config),
    accounts: serviceAccounts(),
    children,
    say: () => {},
  });
  await services.start({ postgresOnly: true });
  return async () => {
    await services.stop();
    children.clear();
    unlock();
  };
}
