import { statSync } from 'node:fs';
import { uuidv7 } from '#appliance/kernel/ids.ts';
import type { Database } from '#appliance/platform/postgres/index.ts';
import type { Manifest } from './manifest.ts';

/** A backup made by hand counts as well: the page of the box and its alarm read this. */
export async function recordBackup(
  db: Database,
  backup: { file: string; manifest: Manifest; startedAt: Date; verified: boolean | null; problems: string[] },
): Promise<void> {
  const { file, manifest, startedAt, verified, problems } = backup;
  await db('backup_run').insert({
    id: uuidv7(),
    state: 'done',
    asked_by: 'strongroom backup',
    verify: verified !== null,
    asked_at: startedAt,
    started_at: startedAt,
    finished_at: new Date(),
    stage: '',
    share: 1,
    file,
    bytes: statSync(file).size,
    row_count: rowsOf(manifest),
    verified,
    said: problems.slice(0, 10).join(' '),
  });
}

export const rowsOf = ({ rows }: Manifest): number => Object.values(rows).reduce((sum, count) => sum + count, 0);
