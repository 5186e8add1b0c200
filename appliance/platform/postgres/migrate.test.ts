import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { TestDatabase } from '#test/support/database.ts';
import { testDatabase } from '#test/support/database.ts';
import { openDatabase } from './database.ts';
import { migrate, migrationsPending } from './migrate.ts';

let database: TestDatabase;
let dir: string;
beforeEach(async () => {
  database = await testDatabase({ empty: true });
  dir = mkdtempSync(join(tmpdir(), 'strongroom-migrations-'));
});
afterEach(async () => {
  await database.close();
  rmSync(dir, { recursive: true });
});

function write(name: string, sql: string): void {
  writeFileSync(
    join(dir, `${name}.ts`),
    `export async function up(db: any) { await db.raw(${JSON.stringify(sql)}); }\nexport async function down() {}\n`,
  );
}

test('several processes that migrate at once run each migration once', async () => {
  write('20260101000000_create_a', 'create table a (id int)');
  write('20260102000000_create_b', 'create table b (id int)');
  const pools = [database.db, openDatabase(database.url), openDatabase(database.url)];
  const ran = await Promise.all(pools.map((db) => migrate(db, dir)));
  expect(ran.flat()).toHaveLength(2);
  expect(await migrationsPending(database.db, dir)).toEqual([]);
  await Promise.all(pools.slice(1).map((db) => db.destroy()));
});

test('a migration of a lower block runs on a database that has higher ones', async () => {
  write('20260102000000_create_b', 'create table b (id int)');
  await migrate(database.db, dir);
  write('20260101000000_create_a', 'create table a (id int)');
  expect(await migrationsPending(database.db, dir)).toEqual(['20260101000000_create_a.ts']);
  expect(await migrate(database.db, dir)).toEqual(['20260101000000_create_a.ts']);
});

test('a process that died in the middle of migrating does not lock the next one out', async () => {
  write('20260101000000_create_a', 'create table a (id int)');
  await migrate(database.db, dir);
  await database.db('schema_migration_lock').update({ is_locked: 1 });
  write('20260102000000_create_b', 'create table b (id int)');
  expect(await migrate(database.db, dir)).toHaveLength(1);
});
