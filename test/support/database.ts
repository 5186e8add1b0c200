import { randomBytes } from 'node:crypto';
import { inject } from 'vitest';
import type { Database } from '#appliance/platform/postgres/index.ts';
import { openDatabase } from '#appliance/platform/postgres/index.ts';
import { clusterUrl } from '#provisioning/services/postgres.ts';

export interface TestDatabase {
  db: Database;
  url: string;
  /** Closes the pool and drops the database, also when others are still connected. */
  close(): Promise<void>;
}

/** A database of this test's own, cloned from the migrated template; `empty` leaves the schema out. */
export async function testDatabase(options: { empty?: boolean; poolMax?: number } = {}): Promise<TestDatabase> {
  const { socketDir, port, template, failure } = inject('postgres');
  if (failure && !options.empty) throw new Error(failure);
  const name = `test_${randomBytes(6).toString('hex')}`;
  await asAdmin(`create database ${name} template ${options.empty ? 'template0' : template}`);
  const url = clusterUrl({ socketDir, port, database: name });
  const db = openDatabase(url, { poolMax: options.poolMax ?? 5, applicationName: name });
  return {
    db,
    url,
    async close() {
      await db.destroy();
      await asAdmin(`drop database if exists ${name} with (force)`);
    },
  };

  async function asAdmin(sql: string): Promise<void> {
    const admin = openDatabase(clusterUrl({ socketDir, port, database: 'postgres' }), { poolMax: 1 });
    await admin.raw(sql).finally(() => admin.destroy());
  }
}
