// The background's part of backups: by the clock, one at a time, with what came of it kept for people.
import { mkdirSync, readdirSync, rmSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Clock } from '#appliance/kernel/clock.ts';
import { messageOf } from '#appliance/kernel/errors.ts';
import { uuidv7 } from '#appliance/kernel/ids.ts';
import type { Config } from '#appliance/platform/config/index.ts';
import type { Jobs } from '#appliance/platform/jobs/index.ts';
import type { Log } from '#appliance/platform/log/index.ts';
import { isDue, toRemove } from './plan.ts';
import type { BackupResult } from './run-cli.ts';
import type { BackupPlan, BackupStore } from './store.ts';

const RUN = 'backup.run';
const TICK = 'backup.tick';
const TICK_MS = 60_000;
const OPTIONS = { attempts: 1, backoffMs: 1000, concurrency: 1 };
const TELL_EVERY_MS = 500;
const LEFT_OVER_MS = 24 * 3600_000;

export interface BackupJob {
  id: string;
  /** `verify`: a backup that is there is tried once more. */
  what: 'make' | 'verify';
}

/** For a process that only asks. */
export function declareBackupJobs(jobs: Pick<Jobs, 'define'>): void {
  jobs.define(RUN, OPTIONS, () => Promise.reject(new Error('not run here')));
}

export const askForBackup = (jobs: Pick<Jobs, 'enqueue'>, job: BackupJob): Promise<string> =>
  jobs.enqueue(RUN, job, { id: uuidv7() });

export const folderOf = (plan: Pick<BackupPlan, 'folder'>, { dataDir }: Pick<Config, 'dataDir'>): string =>
  plan.folder ?? join(dataDir, 'backups');

/** `strongroom-20260105-030000.tar.gz`, in UTC. */
export function nameAt(at: Date): string {
  const digits = at.toISOString().replace(/\D/g, '');
  return `strongroom-${digits.slice(0, 8)}-${digits.slice(8, 14)}.tar.gz`;
}

interface Deps {
  jobs: Jobs;
  store: BackupStore;
  config: Pick<Config, 'dataDir'>;
  clock: Clock;
  log: Log;
  /** run-cli.ts. */
  run(args: string[], onprogress: (stage: string, share: number) => void): Promise<BackupResult>;
}

export function defineBackupJobs({ jobs, store, config, clock, log, run }: Deps): void {
  jobs.define<BackupJob>(RUN, OPTIONS, async ({ id, what }) => {
    const asked = await store.run(id);
    if (!asked) return;
    const { file } = asked;
    const startedAt = clock.now();
    await store.change(id, {
      state: 'running',
      stage: '',
      share: 0,
      said: '',
      finishedAt: null,
      // A second look does not make what is in it any younger.
      ...(what === 'make' && { startedAt }),
    });
    let told = { stage: '', at: 0 };
    const onprogress = (stage: string, share: number) => {
      const at = clock.now().getTime();
      if (stage === told.stage && at - told.at < TELL_EVERY_MS) return;
      told = { stage, at };
      store.change(id, { stage, share }).catch((error) => log.debug({ error: messageOf(error) }, 'progress not told'));
    };
    const scratch = ['--json', '--scratch', config.dataDir];
    try {
      if (what === 'make') {
        // A run that was killed half way and is run again by the queue.
        rmSync(file, { force: true });
        mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
        sweep([dirname(file), config.dataDir], clock.now());
      }
      const args =
        what === 'make' ? ['backup', file, ...(asked.verify ? ['--verify'] : [])] : ['restore', file, '--verify'];
      const result = await run([...args, ...scratch], onprogress);
      await store.change(id, {
        state: 'done',
        stage: '',
        share: 1,
        finishedAt: clock.now(),
        bytes: statSync(file).size,
        rowCount: result.rows,
        verified: result.verified,
        said: result.problems.slice(0, 5).join(' ').slice(0, 1000),
      });
      log.info({ file, verified: result.verified }, 'a backup is made');
    } catch (error) {
      const said = messageOf(error).slice(0, 1000);
      log.error({ file, error: said }, 'a backup failed');
      await store.change(id, {
        state: what === 'make' ? 'failed' : 'done',
        stage: '',
        finishedAt: clock.now(),
        said,
        ...(what === 'verify' && { verified: false }),
      });
      return;
    }
    if (what === 'make') await prune();
  });

  async function prune(): Promise<void> {
    for (const { id, file } of toRemove(await store.plan(), await store.runs(1000))) {
      rmSync(file, { force: true });
      await store.change(id, { removedAt: clock.now() });
      log.info({ file }, 'an old backup was removed');
    }
  }

  jobs.define(TICK, OPTIONS, async () => {
    const [plan, last, busy] = await Promise.all([store.plan(), store.lastPlannedAt(), store.underWay()]);
    const now = clock.now();
    if (busy || !isDue(plan, last, now)) return;
    const file = join(folderOf(plan, config), nameAt(now));
    const { id } = await store.ask({ askedBy: null, verify: plan.verify, askedAt: now, file });
    await askForBackup(jobs, { id, what: 'make' });
  });
}

/** What a run that was killed left lying: whole copies of everything. */
function sweep(folders: string[], now: Date): void {
  for (const folder of new Set(folders)) {
    let names: string[] = [];
    try {
      names = readdirSync(folder);
    } catch {
      // made by the run
    }
    for (const name of names) {
      if (!/^(\.strongroom-backup-|strongroom-verify-)|\.tar\.gz\.making$/.test(name)) continue;
      const path = join(folder, name);
      if (now.getTime() - statSync(path).mtimeMs > LEFT_OVER_MS) rmSync(path, { recursive: true, force: true });
    }
  }
}

export const scheduleBackupJobs = (jobs: Pick<Jobs, 'schedule'>): Promise<void> =>
  jobs.schedule(TICK, { everyMs: TICK_MS });
