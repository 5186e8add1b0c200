import { delay } from '#appliance/kernel/async.ts';
import { messageOf } from '#appliance/kernel/errors.ts';
import type { Config } from '#appliance/platform/config/index.ts';
import { startHeartbeat } from '#appliance/platform/health/index.ts';
import type { Log } from '#appliance/platform/log/index.ts';
import { createMetrics, publishMetrics } from '#appliance/platform/metrics/index.ts';
import { migrationsPending, openDatabase } from '#appliance/platform/postgres/index.ts';
import type { Role, RunningRole, StartRole } from './context.ts';
import { openNotifier } from './notify.ts';

/** systemd's TimeoutStopSec is a little longer. */
const STOP_WITHIN_MS = 20_000;
const LOADERS: Record<Role, () => Promise<{ start: StartRole }>> = {
  media: () => import('./media.ts'),
  voice: () => import('./voice.ts'),
  work: () => import('./work.ts'),
  web: () => import('./web.ts'),
};

/** Starts the roles in this process and keeps them until a signal; a bug ends the process, and whoever started it starts it again. */
export async function runRoles(roles: readonly Role[], config: Config, log: Log): Promise<void> {
  const notifier = openNotifier();
  const ends: (() => Promise<void>)[] = [];
  let stopping: Promise<void> | undefined;

  const stop = (why: string): Promise<void> => {
    stopping ??= (async () => {
      log.info({ why }, 'stopping');
      notifier.stopping();
      const deadline = setTimeout(() => {
        log.error('stopping took too long');
        process.exit(1);
      }, STOP_WITHIN_MS);
      for (const end of ends.reverse()) {
        await end().catch((error) => log.error({ err: error }, 'a part did not stop cleanly'));
      }
      clearTimeout(deadline);
      notifier.close();
      log.info('stopped');
      process.exit(process.exitCode ?? 0);
    })();
    return stopping;
  };
  process.on('SIGTERM', () => void stop('SIGTERM'));
  process.on('SIGINT', () => void stop('SIGINT'));
  process.on('disconnect', () => void stop('the supervisor is gone'));
  // After an unexpected error nothing in memory can be trusted; the database can.
  for (const event of ['uncaughtException', 'unhandledRejection'] as const) {
    process.on(event, (error: unknown) => {
      log.fatal({ err: error }, event);
      process.exit(70);
    });
  }

  for (const role of roles) {
    if (stopping) return;
    ends.push(await startRole(role, config, log, () => stopping !== undefined));
  }
  if (stopping) return;
  notifier.ready();
  log.info({ pid: process.pid }, 'ready');
}

async function startRole(role: Role, config: Config, log: Log, cancelled: () => boolean): Promise<() => Promise<void>> {
  const { redisUrl, instance } = config;
  const health = startHeartbeat({ redisUrl, role, instance, log });
  const metrics = createMetrics({ role, instance });
  const unpublish = publishMetrics({ metrics, redisUrl, role, instance, log });
  // The switch needs no database: calls go on while PostgreSQL is away, also over a restart of media.
  if (role !== 'media') {
    await databaseReady(config, log, cancelled, (detail) => health.report('starting', detail));
  }
  let running: RunningRole | undefined;
  if (!cancelled()) {
    const { start } = await LOADERS[role]();
    running = await start({ config, log: log.child({ role }), role, instance, health, metrics });
    health.report('ok');
  }
  return async () => {
    health.report('stopping');
    await running?.stop();
    unpublish();
    await health.stop();
  };
}

/** Waits until PostgreSQL answers and has the tables of this version. */
async function databaseReady(
  config: Config,
  log: Log,
  cancelled: () => boolean,
  waiting: (detail: string) => void,
): Promise<void> {
  const db = openDatabase(config.postgresUrl, { poolMax: 1, applicationName: 'strongroom start' });
  let said = '';
  try {
    while (!cancelled()) {
      let why: string;
      try {
        const pending = await migrationsPending(db);
        if (pending.length === 0) return;
        why = `the database lacks ${pending.length} migrations: run strongroom migrate`;
      } catch (error) {
        why = `waiting for PostgreSQL: ${messageOf(error)}`;
      }
      if (why !== said) log.warn(why);
      said = why;
      waiting(why);
      await delay(500);
    }
  } finally {
    await db.destroy();
  }
}
