// /backups: what is kept of the box, when it was made and whether it was proved. Restoring is for the command line: it needs a box that stands still.
import { constants } from 'node:fs';
import { access, rm, stat } from 'node:fs/promises';
import { isAbsolute, join, normalize } from 'node:path';
import type { Server } from '@hapi/hapi';
import { z } from 'zod';
import { versionOf } from '#appliance/http/crud.ts';
import { route } from '#appliance/http/route.ts';
import { idParams, time, uuid } from '#appliance/http/schemas.ts';
import type { Clock } from '#appliance/kernel/clock.ts';
import { AppError } from '#appliance/kernel/errors.ts';
import type { Config } from '#appliance/platform/config/index.ts';
import type { Jobs } from '#appliance/platform/jobs/index.ts';
import { askForBackup, folderOf, nameAt } from './jobs.ts';
import { nextSlot } from './plan.ts';
import type { BackupRun, BackupStore } from './store.ts';

const fields = z
  .object({
    enabled: z.boolean(),
    atTime: z
      .string()
      .regex(/^([01]\d|2[0-3]):[0-5]\d$/, 'a time such as 03:00')
      .meta({ description: 'Of each day, in the zone of the box' }),
    folder: z
      .string()
      .trim()
      .max(500)
      // biome-ignore lint/suspicious/noControlCharactersInRegex: a path has none
      .refine((path) => isAbsolute(path) && normalize(path) === path && !/[\u0000-\u001f]/.test(path), 'a whole path')
      .nullable()
      .meta({ description: 'Must be there. Null: the folder backups/ in the data folder' }),
    keep: z.number().int().min(1).max(365),
    verify: z.boolean().meta({ description: 'Restore each one into a scratch folder and compare' }),
    maxAgeH: z
      .number()
      .int()
      .min(1)
      .max(8760)
      .nullable()
      .meta({ description: 'Older than this is an alarm; null: never' }),
  })
  .strict();
const plan = fields.extend({ version: z.number().int() }).strip();

const run = z.object({
  id: uuid,
  state: z.enum(['waiting', 'running', 'done', 'failed']),
  askedBy: z.string().nullable().meta({ description: 'Null: by the plan' }),
  verify: z.boolean(),
  askedAt: time,
  startedAt: time.nullable(),
  finishedAt: time.nullable(),
  stage: z.string().meta({ description: 'database, files, sums, pack, verify' }),
  share: z.number(),
  file: z.string(),
  bytes: z.number().nullable(),
  rowCount: z.number().nullable(),
  verified: z.boolean().nullable().meta({ description: 'Null: not tried' }),
  said: z.string(),
  there: z.boolean().meta({ description: 'Whether the file lies where it was written' }),
});

interface Deps {
  store: BackupStore;
  jobs: Pick<Jobs, 'enqueue'>;
  config: Pick<Config, 'dataDir'>;
  clock: Clock;
}

export function backupRoutes(server: Server, { store, jobs, config, clock }: Deps): void {
  route(server, {
    method: 'GET',
    path: '/backups',
    permission: 'backups:read',
    summary: 'The plan of the backups, and the latest ones, newest first',
    response: z.object({
      plan,
      folder: z.string(),
      sameDisk: z.boolean().meta({ description: 'The backups lie on the disk that they are of' }),
      nextAt: time.nullable(),
      lastGoodAt: time.nullable(),
      dataDir: z.string(),
      items: z.array(run),
    }),
    handler: async () => {
      const [now, runs, lastGoodAt] = await Promise.all([store.plan(), store.runs(), store.lastGoodAt()]);
      const folder = folderOf(now, config);
      return {
        plan: now,
        folder,
        sameDisk: await sameDisk(folder, config.dataDir),
        nextAt: now.enabled ? nextSlot(now, clock.now()) : null,
        lastGoodAt,
        dataDir: config.dataDir,
        items: await Promise.all(runs.filter(({ removedAt }) => removedAt === null).map(shown)),
      };
    },
  });

  route(server, {
    method: 'PUT',
    path: '/backups/plan',
    permission: 'backups:write',
    summary: 'Changes when backups are made, where they lie, how many are kept',
    payload: fields,
    response: plan,
    conditional: true,
    audit: {
      action: 'backup-plan.updated',
      entity: 'backup-plan',
      entityId: () => null,
      details: ({ payload }) => payload,
    },
    handler: async ({ payload, request }) => {
      if (payload.folder !== null) await checkFolder(payload.folder);
      return store.savePlan(versionOf(request.headers['if-match']), payload);
    },
  });

  route(server, {
    method: 'POST',
    path: '/backups',
    permission: 'backups:write',
    summary: 'Makes a backup now; calls go on',
    payload: z.object({}).strict(),
    response: run,
    status: 202,
    audit: { action: 'backup.asked', entity: 'backup', entityId: (_incoming, made) => (made as BackupRun).id },
    handler: async ({ actor }) => {
      await refuseTwo();
      const now = clock.now();
      const current = await store.plan();
      const file = join(folderOf(current, config), nameAt(now));
      const asked = await store.ask({ askedBy: actor.username, verify: current.verify, askedAt: now, file });
      await askForBackup(jobs, { id: asked.id, what: 'make' });
      return shown(asked);
    },
  });

  route(server, {
    method: 'POST',
    path: '/backups/{id}/verify',
    permission: 'backups:write',
    summary: 'Restores a backup into a scratch folder and compares every file and every row',
    params: idParams,
    payload: z.object({}).strict(),
    status: 202,
    audit: { action: 'backup.verified', entity: 'backup' },
    handler: async ({ params, h }) => {
      const found = await finished(params.id);
      await refuseTwo();
      await store.change(found.id, { state: 'waiting', said: '', verify: true });
      await askForBackup(jobs, { id: found.id, what: 'verify' });
      return h.response().code(202);
    },
  });

  route(server, {
    method: 'DELETE',
    path: '/backups/{id}',
    permission: 'backups:write',
    summary: 'Removes a backup and its file',
    params: idParams,
    status: 204,
    audit: { action: 'backup.removed', entity: 'backup' },
    handler: async ({ params }) => {
      const found = await finished(params.id);
      await rm(found.file, { force: true });
      await store.change(found.id, { removedAt: clock.now() });
    },
  });

  async function finished(id: string): Promise<BackupRun> {
    const found = await store.run(id);
    if (!found || found.removedAt !== null) throw new AppError('not-found', 'not-found', `There is no backup ${id}`);
    if (found.state === 'waiting' || found.state === 'running')
      throw new AppError('conflict', 'backup-running', 'That backup is being made at this moment.');
    return found;
  }

  async function refuseTwo(): Promise<void> {
    if (await store.underWay()) throw new AppError('conflict', 'backup-running', 'A backup is being made already.');
  }
}

async function shown(one: BackupRun) {
  const there = await stat(one.file).then(
    () => true,
    () => false,
  );
  return {
    ...one,
    bytes: one.bytes === null ? null : Number(one.bytes),
    rowCount: one.rowCount === null ? null : Number(one.rowCount),
    there,
  };
}

/** The box writes into folders that somebody who looks after the machine has made, and makes none. */
async function checkFolder(folder: string): Promise<void> {
  try {
    if (!(await stat(folder)).isDirectory()) throw new Error('no folder');
    await access(folder, constants.W_OK);
  } catch {
    throw new AppError(
      'invalid',
      'backup-folder',
      `${folder} is no folder that the box may write into: make it first.`,
      {
        issues: [{ path: ['folder'], message: 'no folder that the box may write into' }],
      },
    );
  }
}

async function sameDisk(folder: string, dataDir: string): Promise<boolean> {
  try {
    return (await stat(folder)).dev === (await stat(dataDir)).dev;
  } catch {
    // The folder in the data folder is made by the first backup.
    return folder.startsWith(dataDir);
  }
}
