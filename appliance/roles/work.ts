// The role `work`: what may take its time. Recordings become files, old sounds are swept away.
import { createPrompts, flowStore } from '#appliance/flows/index.ts';
import { createInteractions } from '#appliance/interactions/index.ts';
import { systemClock } from '#appliance/kernel/clock.ts';
import { messageOf } from '#appliance/kernel/errors.ts';
import { createBus } from '#appliance/platform/bus/index.ts';
import { createFiles } from '#appliance/platform/files/index.ts';
import { readHealth } from '#appliance/platform/health/index.ts';
import { createJobs } from '#appliance/platform/jobs/index.ts';
import { createBatch, openDatabase } from '#appliance/platform/postgres/index.ts';
import { openRedis } from '#appliance/platform/redis/index.ts';
import { openKeyRing } from '#appliance/platform/secrets/index.ts';
import { createAlarms, createWatch } from '#appliance/realtime/index.ts';
import {
  createKeeping,
  createProcessor,
  defineRecordingJobs,
  scheduleRecordingJobs,
} from '#appliance/recordings/index.ts';
import { createAudit } from '#appliance/security/index.ts';
import { backupStore, backupsWatched, defineBackupJobs, runCli, scheduleBackupJobs } from './backups/index.ts';
import { diskWatched, readDisks, webWatched } from './box-watch.ts';
import type { StartRole } from './context.ts';
import { rawRecordings } from './raw-recordings.ts';

const SWEEP_MS = 6 * 3_600_000;
const DISK_WATCH_MS = 5000;
const BACKUP_WATCH_MS = 30_000;
/** Two looks in a row: a restart is no alarm. */
const WEB_WATCH_MS = 10_000;

export const start: StartRole = async ({ config, log, instance }) => {
  const clock = systemClock;
  const db = openDatabase(config.postgresUrl, { poolMax: 6, applicationName: 'strongroom work' });
  const batch = createBatch(db, { log });
  const bus = await createBus({ redisUrl: config.redisUrl, instance, log, listens: false });
  const jobs = createJobs({ redisUrl: config.redisUrl, log });
  const interactions = createInteractions({ db, batch, bus, clock, log });
  const prompts = createPrompts({ db, dir: config.paths.prompts, log });

  const alarms = createAlarms({ db, bus, clock });
  const files = createFiles({ dir: config.paths.files, keys: openKeyRing(config.paths.keys) });
  const processor = createProcessor({
    db,
    clock,
    log,
    bus,
    jobs,
    spool: config.paths.spool,
    files,
    raw: rawRecordings,
    alarms,
    event: (interactionId, type, data) => void interactions.event(interactionId, type, data),
    async isOver(interactionId) {
      const live = await interactions.live();
      return !live.some((row) => row.id === interactionId && row.endedAt === null);
    },
  });
  const keeping = createKeeping({
    ...{ db, clock, log, bus, files },
    event: (interactionId, type, data) => void interactions.event(interactionId, type, data),
  });
  const audit = createAudit({ db, clock, log });
  defineRecordingJobs(jobs, processor, async () => {
    const { deleted } = await keeping.sweep((entry, trx) => audit.record(entry, trx));
    if (deleted > 0) log.info({ deleted }, 'recordings were deleted as their rules say');
  });
  jobs.define('flows.sweep', { attempts: 1, backoffMs: 1000, concurrency: 1 }, async () => {
    await flowStore(db).sweepRuns(clock.now());
    const removed = await prompts.sweep();
    if (removed > 0) log.info({ removed }, 'sounds that nothing uses were removed');
  });

  const backups = backupStore(db);
  defineBackupJobs({ jobs, store: backups, config, clock, log, run: runCli });
  const backupWatch = createWatch({
    async look() {
      const [plan, lastGoodAt, latest] = await Promise.all([backups.plan(), backups.lastGoodAt(), backups.latest()]);
      return backupsWatched(plan, { lastGoodAt, latest }, clock.now());
    },
    everyMs: BACKUP_WATCH_MS,
    alarms,
    clock,
    log,
  });
  backupWatch.start();
  const disks = createWatch({
    look: async () => (await readDisks(config)).map(diskWatched),
    everyMs: DISK_WATCH_MS,
    alarms,
    clock,
    log,
  });
  disks.start();
  // web watches all parts of the box; somebody else has to see that it is gone itself.
  const redis = openRedis(config.redisUrl, log, { enableOfflineQueue: false });
  const web = createWatch({
    look: async () => webWatched(await readHealth({ db, redis, config, version: '' })),
    everyMs: WEB_WATCH_MS,
    alarms,
    clock,
    log,
  });
  web.start();
  await jobs.start();
  await Promise.all([
    jobs.schedule('flows.sweep', { everyMs: SWEEP_MS }),
    scheduleRecordingJobs(jobs),
    scheduleBackupJobs(jobs),
  ]);
  // What a power cut left is dealt with now, not in a minute.
  await processor.scan().then(
    ({ enqueued }) => enqueued.length > 0 && log.info({ recordings: enqueued.length }, 'raw recordings were waiting'),
    (error) => log.warn({ error: messageOf(error) }, 'the spool was not scanned'),
  );

  return {
    async stop() {
      disks.stop();
      web.stop();
      redis.disconnect();
      backupWatch.stop();
      await jobs.close();
      await batch.close();
      await bus.close();
      await db.destroy();
    },
  };
};
