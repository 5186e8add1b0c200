import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Database } from '#appliance/platform/postgres/index.ts';
import { findPostgres } from '../services/postgres.ts';
import { Problem } from '../supervisor/problem.ts';

/** Runs a program to its end; what it says on standard error is the reason when it fails. */
export function runTool(command: string, args: string[]): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { stdio: ['ignore', 'ignore', 'pipe'] });
    let said = '';
    child.stderr.on('data', (data: Buffer) => {
      said = (said + data.toString()).slice(-4000);
    });
    child.once('error', reject);
    child.once('close', (code) => {
      if (code === 0) resolve();
      else reject(new Problem(`${command.split('/').at(-1)} failed: ${said.trim().split('\n').slice(-3).join(' ')}`));
    });
  });
}

/** pg_dump or pg_restore, of the newest installed version: Debian's wrapper would look for clusters of its own. */
export function postgresTool(name: 'pg_dump' | 'pg_restore'): string {
  const path = join(findPostgres() ?? '/usr/bin', name);
  if (!existsSync(path)) throw new Problem(`${name} is not installed: apt-get install postgresql-client`);
  return path;
}

export async function countRows(db: Pick<Database, 'raw'>): Promise<Record<string, number>> {
  const { rows: tables } = await db.raw(
    `select c.relname as name from pg_class c join pg_namespace n on n.oid = c.relnamespace
     where n.nspname = 'public' and c.relkind in ('r', 'p') and not c.relispartition order by 1`,
  );
  const counts: Record<string, number> = {};
  for (const { name } of tables as { name: string }[]) {
    const { rows } = await db.raw('select count(*) as n from ??', [name]);
    counts[name] = Number(rows[0].n);
  }
  return counts;
}
