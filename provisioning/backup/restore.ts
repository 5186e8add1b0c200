import { cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Config } from '#appliance/platform/config/index.ts';
import { loadConfig } from '#appliance/platform/config/index.ts';
import { openDatabase } from '#appliance/platform/postgres/index.ts';
import { makeDataFolder, makeSubfolders } from '../supervisor/data-folder.ts';
import { ChildrenFile, lockDataFolder } from '../supervisor/lock.ts';
import { Problem } from '../supervisor/problem.ts';
import { ensurePasswords, Services, serviceAccounts } from '../supervisor/services.ts';
import { KEPT } from './backup.ts';
import type { Manifest } from './manifest.ts';
import { differences } from './manifest.ts';
import { countRows, postgresTool, runTool } from './tools.ts';

export interface Restored {
  manifest: Manifest;
  /** Sentences about what is not as it was backed up; none when everything is. */
  problems: string[];
}

/** Makes a data folder from a backup and proves it: every file by its hash, every table by its rows. */
export async function restore(options: {
  file: string;
  dataDir: string;
  env: Record<string, string | undefined>;
}): Promise<Restored> {
  const { file, dataDir, env } = options;
  if (!existsSync(file)) throw new Problem(`There is no file ${file}.`);
  if (existsSync(dataDir) && readdirSync(dataDir).length > 0) {
    throw new Problem(`${dataDir} is not empty: restore into a new folder, or move this one away first.`);
  }
  const accounts = serviceAccounts();
  makeDataFolder(
    dataDir,
    Object.values(accounts).flatMap((one) => one ?? []),
  );
  const unlock = await lockDataFolder(dataDir);
  const staging = mkdtempSync(join(dirname(dataDir), '.strongroom-restore-'));
  try {
    await runTool('tar', ['--extract', `--file=${file}`, '--gzip', '--no-same-owner', '-C', staging]);
    const manifest = readManifest(staging);
    const problems = await differences(staging, manifest);
    if (problems.length > 0) return { manifest, problems };
    for (const name of KEPT) {
      if (existsSync(join(staging, name))) cpSync(join(staging, name), join(dataDir, name), { recursive: true });
    }
    const first = loadConfig(env, { dataDir });
    makeSubfolders(first.paths);
    const config = ensurePasswords(first, env);
    problems.push(...(await restoreDatabase(config, join(staging, 'database.dump'), manifest, accounts)));
    return { manifest, problems };
  } finally {
    rmSync(staging, { recursive: true, force: true });
    unlock();
  }
}

async function restoreDatabase(
  config: Config,
  dumpFile: string,
  manifest: Manifest,
  accounts: ReturnType<typeof serviceAccounts>,
): Promise<string[]> {
  const children = new ChildrenFile(config.paths.run);
  const services = new Services({ config, accounts, children, say: () => {} });
  await services.start({ postgresOnly: true });
  const db = openDatabase(config.postgresUrl, { poolMax: 2, applicationName: 'strongroom restore' });
  try {
    if (Object.keys(await countRows(db)).length > 0) {
      throw new Problem('The database of STRONGROOM_POSTGRES_URL is not empty: give an empty one.');
    }
    const args = ['--exit-on-error', '--no-owner', '--single-transaction', `--dbname=${config.postgresUrl}`, dumpFile];
    await runTool(postgresTool('pg_restore'), args);
    const found = await countRows(db);
    return Object.entries(manifest.rows)
      .filter(([table, rows]) => found[table] !== rows)
      .map(([table, rows]) => `Table ${table} has ${found[table] ?? 'no'} rows and had ${rows}.`);
  } finally {
    await db.destroy();
    await services.stop();
    children.clear();
  }
}

function readManifest(dir: string): Manifest {
  const file = join(dir, 'manifest.json');
  const manifest = existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as Manifest) : undefined;
  if (manifest?.product !== 'strongroom') throw new Problem('That file is not a backup of Strongroom.');
  if (manifest.format !== 1) throw new Problem('The backup is of a newer version: update Strongroom first.');
  return manifest;
}
