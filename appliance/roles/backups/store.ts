import { AppError } from '#appliance/kernel/errors.ts';
import { uuidv7 } from '#appliance/kernel/ids.ts';
import { type Database, rowFromColumns } from '#appliance/platform/postgres/index.ts';

export interface BackupPlan {
  version: number;
  enabled: boolean;
  /** HH:MM in the zone of the box. */
  atTime: string;
  /** Null: the folder backups/ in the data folder. */
  folder: string | null;
  keep: number;
  verify: boolean;
  maxAgeH: number | null;
  createdAt: Date;
}

export interface BackupRun {
  id: string;
  state: 'waiting' | 'running' | 'done' | 'failed';
  /** Null: by the plan. */
  askedBy: string | null;
  verify: boolean;
  askedAt: Date;
  startedAt: Date | null;
  finishedAt: Date | null;
  stage: string;
  share: number;
  file: string;
  bytes: number | null;
  rowCount: number | null;
  verified: boolean | null;
  said: string;
  removedAt: Date | null;
}

export type BackupStore = ReturnType<typeof backupStore>;

const MOST_SHOWN = 60;
/** A run that says nothing for this long is dead: its process was killed. */
const UNDER_WAY = ['waiting', 'running'];

export function backupStore(db: Database) {
  const one = (row: Record<string, unknown>) => rowFromColumns<BackupRun>(row);
  return {
    async plan(): Promise<BackupPlan> {
      return rowFromColumns<BackupPlan>(await db('backup_plan').first());
    },
    /** Changes the given fields when `version` is still the stored one. */
    async savePlan(version: number | undefined, plan: Omit<BackupPlan, 'version' | 'createdAt'>): Promise<BackupPlan> {
      const { enabled, atTime, folder, keep, verify, maxAgeH } = plan;
      const [row] = await db('backup_plan')
        .where(version === undefined ? {} : { version })
        .update(
          {
            enabled,
            at_time: atTime,
            folder,
            keep,
            verify,
            max_age_h: maxAgeH,
            version: db.raw('version + 1'),
          },
          '*',
        );
      if (!row) throw new AppError('conflict', 'stale', 'The plan of the backups was changed meanwhile.');
      return rowFromColumns<BackupPlan>(row);
    },
    async runs(limit = MOST_SHOWN): Promise<BackupRun[]> {
      return (await db('backup_run').orderBy('asked_at', 'desc').limit(limit)).map(one);
    },
    async run(id: string): Promise<BackupRun | undefined> {
      const row = await db('backup_run').where({ id }).first();
      return row && one(row);
    },
    async underWay(): Promise<BackupRun | undefined> {
      const row = await db('backup_run').whereIn('state', UNDER_WAY).orderBy('asked_at').first();
      return row && one(row);
    },
    async lastPlannedAt(): Promise<Date | null> {
      const row = await db('backup_run').whereNull('asked_by').max({ at: 'asked_at' }).first();
      return row?.at ?? null;
    },
    /** When the newest good backup was begun: what came later is not in it. */
    async lastGoodAt(): Promise<Date | null> {
      const row = await db('backup_run')
        .where({ state: 'done', removed_at: null })
        .where((q) => void q.whereNull('verified').orWhere('verified', true))
        .max({ at: 'started_at' })
        .first();
      return row?.at ?? null;
    },
    async latest(): Promise<BackupRun | undefined> {
      const row = await db('backup_run').whereIn('state', ['done', 'failed']).orderBy('asked_at', 'desc').first();
      return row && one(row);
    },
    async ask(run: { askedBy: string | null; verify: boolean; askedAt: Date; file: string }): Promise<BackupRun> {
      const [row] = await db('backup_run').insert(
        { id: uuidv7(), asked_by: run.askedBy, verify: run.verify, asked_at: run.askedAt, file: run.file },
        '*',
      );
      return one(row);
    },
    async change(id: string, fields: Partial<BackupRun>): Promise<void> {
      const columns = Object.fromEntries(
        Object.entries(fields).map(([key, value]) => [
          key.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`),
          value,
        ]),
      );
      await db('backup_run').where({ id }).update(columns);
    },
  };
}
