import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import type { Config } from '#appliance/platform/config/index.ts';
import type { Database } from '#appliance/platform/postgres/index.ts';
import { Problem } from '../supervisor/problem.ts';
import type { Manifest } from './manifest.ts';
import { describeFiles } from './manifest.ts';
import { countRows, postgresTool, runTool } from './tools.ts';

/** Besides the database: what the data folder cannot make again by itself. Paths inside the data folder. */
export const KEPT = [
  'files',
  'prompts',
  'spool',
  'keys',
  'ca.pem',
  'server.pem',
  'strongroom.yaml',
  'first-run.json',
  'setup.json',
  'audit-head.json',
];

/** Writes one file that holds everything, keys included. Takes no lock: calls go on. */
export async function backup(options: {
  config: Config;
  db: Database;
  to: string;
  version: string;
}): Promise<Manifest> {
  const { config, db, to, version } = options;
  if (existsSync(to)) throw new Problem(`${to} exists already: choose another name.`);
  // Beside the target, so that it has the room, and the finished file appears at once.
  mkdirSync(dirname(to), { recursive: true });
  const staging = mkdtempSync(join(dirname(to), '.strongroom-backup-'));
  try {
    const rows = await dump(db, config.postgresUrl, join(staging, 'database.dump'));
    // Files after the database: whatever a row in the dump names was there before it.
    for (const name of KEPT) {
      const from = join(config.dataDir, name);
      if (existsSync(from))
        cpSync(from, join(staging, name), { recursive: true, filter: (path) => !path.endsWith('/making') });
    }
    const { rows: server } = await db.raw('show server_version_num');
    const manifest: Manifest = {
      format: 1,
      product: 'strongroom',
      version,
      createdAt: new Date().toISOString(),
      postgresMajor: String(Math.floor(Number(server[0].server_version_num) / 10_000)),
      rows,
      files: await describeFiles(staging),
    };
    writeFileSync(join(staging, 'manifest.json'), JSON.stringify(manifest, null, 2), { mode: 0o600 });
    const making = `${to}.making`;
    writeFileSync(making, '', { mode: 0o600 });
    await runTool('tar', ['--create', `--file=${making}`, '--gzip', '--owner=0', '--group=0', '-C', staging, '.']);
    renameSync(making, to);
    return manifest;
  } finally {
    rmSync(staging, { recursive: true, force: true });
    rmSync(`${to}.making`, { force: true });
  }
}

/** pg_dump and the counts see the same snapshot. */
async function dump(db: Database, url: string, file: string): Promise<Record<string, number>> {
  return db.transaction(
    async (trx) => {
      const { rows } = await trx.raw('select pg_export_snapshot() as id');
      const counts = await countRows(trx);
      await runTool(postgresTool('pg_dump'), [
        '--format=custom',
        '--no-owner',
        `--snapshot=${rows[0].id}`,
        `--file=${file}`,
        url,
      ]);
      return counts;
    },
    { isolationLevel: 'repeatable read' },
  );
}

export function sizeOf(file: string): string {
  return `${(statSync(file).size / 1024 ** 2).toFixed(1)} MB`;
}

export function productVersion(): string {
  const file = new URL('../../package.json', import.meta.url);
  return (JSON.parse(readFileSync(file, 'utf8')) as { version: string }).version;
}
