import { spawnSync } from 'node:child_process';
import { appendFileSync, existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { loadConfig } from '#appliance/platform/config/index.ts';
import { createFiles } from '#appliance/platform/files/index.ts';
import { openKeyRing, openSecrets } from '#appliance/platform/secrets/index.ts';
import type { TestDataFolder } from '#test/support/data-folder.ts';
import { testDataFolder } from '#test/support/data-folder.ts';
import type { TestDatabase } from '#test/support/database.ts';
import { testDatabase } from '#test/support/database.ts';
import { backup } from './backup.ts';
import { restore } from './restore.ts';

let database: TestDatabase;
let folder: TestDataFolder;
beforeEach(async () => {
  database = await testDatabase({ empty: true });
  folder = await testDataFolder();
  await database.db.raw(
    "create table note (id int primary key, text text); insert into note select n, 'note ' || n from generate_series(1, 500) n",
  );
});
afterEach(async () => {
  await database.close();
  folder.remove();
});

function original() {
  const dataDir = join(dirname(folder.dataDir), 'original');
  mkdirSync(dataDir);
  return loadConfig({ STRONGROOM_POSTGRES_URL: database.url }, { dataDir });
}

test('what was backed up is there after the restore: rows, encrypted files, keys, configuration', async () => {
  const config = original();
  const files = createFiles({ dir: config.paths.files, keys: openKeyRing(config.paths.keys) });
  const recording = await files.put(Buffer.from('a recording'), 'recording');
  const sealed = openSecrets(config.paths.keys).seal('trunk password');
  writeFileSync(join(config.dataDir, 'strongroom.yaml'), 'country: FI\n');
  const to = join(dirname(folder.dataDir), 'backup.tar.gz');

  const manifest = await backup({ config, db: database.db, to, version: '1.2.3' });
  expect(manifest.rows).toEqual({ note: 500 });
  expect(statSync(to).mode & 0o777).toBe(0o600);
  await expect(backup({ config, db: database.db, to, version: '1' })).rejects.toThrow(/exists already/);

  const { problems } = await restore({ file: to, dataDir: folder.dataDir, env: folder.env });
  expect(problems).toEqual([]);
  const restored = loadConfig(folder.env);
  expect(restored.country).toBe('FI');
  expect(openSecrets(restored.paths.keys).open(sealed)).toBe('trunk password');
  const again = createFiles({ dir: restored.paths.files, keys: openKeyRing(restored.paths.keys) });
  expect((await again.readAll(recording)).toString()).toBe('a recording');
  await expect(restore({ file: to, dataDir: folder.dataDir, env: folder.env })).rejects.toThrow(/is not empty/);
});

test('a file of the backup that was changed is named, and nothing is restored from it', async () => {
  const config = original();
  openSecrets(config.paths.keys);
  const dir = dirname(folder.dataDir);
  const to = join(dir, 'backup.tar.gz');
  await backup({ config, db: database.db, to, version: '1' });
  mkdirSync(join(dir, 'x'));
  spawnSync('tar', ['-xzf', to, '-C', join(dir, 'x')]);
  appendFileSync(join(dir, 'x', 'database.dump'), 'x');
  spawnSync('tar', ['-czf', to, '-C', join(dir, 'x'), '.']);
  const { problems } = await restore({ file: to, dataDir: folder.dataDir, env: folder.env });
  expect(problems).toEqual(['database.dump is not what was backed up.']);
  expect(existsSync(join(folder.dataDir, 'postgres'))).toBe(false);
});

test('a file that is no backup is refused in a sentence', async () => {
  const file = join(dirname(folder.dataDir), 'holiday.jpg');
  writeFileSync(file, readFileSync(process.execPath).subarray(0, 1000));
  await expect(restore({ file, dataDir: folder.dataDir, env: folder.env })).rejects.toThrow(/tar failed/);
  await expect(restore({ file: `${file}.none`, dataDir: folder.dataDir, env: folder.env })).rejects.toThrow(
    /There is no file/,
  );
  vi.unstubAllEnvs();
});
