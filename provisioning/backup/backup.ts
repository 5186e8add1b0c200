import {
  cpSync,
  existsSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
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

/** How far it is: what is done now, and the share of the whole. */
export type Progress = (stage: 'database' | 'files' | 'sums' | 'pack' | 'verify', share: number) => void;

/** Writes one file that holds everything, keys included. Takes no lock: calls go on. */
export async function backup(options: {
  config: Config;
  db: Database;
  to: string;
  version: string;
  onprogress?: Progress;
}): Promise<Manifest> {
  const { config, db, to, version, onprogress = () => {} } = options;
  if (existsSync(to)) throw new Problem(`${to} exists already: choose another name.`);
  // Beside the target, so that it has the room, and the finished file appears at once.
  mkdirSync(dirname(to), { recursive: true });
  const staging = mkdtempSync(join(dirname(to), '.strongroom-backup-'));
  try {
    onprogress('database', 0);
    const rows = await dump(db, config.postgresUrl, join(staging, 'database.dump'));
    // Files after the database: whatever a row in the dump names was there before it.
    onprogress('files', 0.2);
    for (const name of KEPT) {
      const from = join(config.dataDir, name);
      if (!existsSync(from)) continue;
      // Files that never change are only named a second time where the disk is the same: they may be most of it.
      if (name === 'files') linkAll(from, join(staging, name));
      else cpSync(from, join(staging, name), { recursive: true, filter: (path) => !path.endsWith('/making') });
    }
    onprogress('sums', 0.3);
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
    const whole = Object.values(manifest.files).reduce((sum, { bytes }) => sum + bytes, 1);
    const watch = setInterval(() => onprogress('pack', 0.5 + 0.5 * Math.min(1, statSync(making).size / whole)), 500);
    try {
      await runTool('tar', ['--create', `--file=${making}`, '--gzip', '--owner=0', '--group=0', '-C', staging, '.']);
    } finally {
      clearInterval(watch);
    }
    renameSync(making, to);
    onprogress('pack', 1);
    return manifest;
  } finally {
    rmSync(staging, { recursive: true, force: true });
    rmSync(`${to}.making`, { force: true });
  }
}

function linkAll(from: string, to: string): void {
  mkdirSync(to, { recursive: true });
  for (const entry of readdirSync(from, { withFileTypes: true })) {
    const [source, target] = [join(from, entry.name), join(to, entry.name)];
    if (entry.isDirectory()) {
      if (entry.name !== 'making') linkAll(source, target);
    } else if (entry.isFile()) {
      try {
        linkSync(source, target);
      } catch (error) {
        const { code } = error as NodeJS.ErrnoException;
        // Swept away in between: no row names it any more.
        if (code === 'ENOENT') continue;
        cpSync(source, target);
      }
    }
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
