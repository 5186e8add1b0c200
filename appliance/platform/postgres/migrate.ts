import { fileURLToPath } from 'node:url';
import type { Knex } from 'knex';
import type { Database } from './database.ts';

const DIRECTORY = fileURLToPath(new URL('../../../migrations', import.meta.url));

function config(directory: string): Knex.MigratorConfig {
  return {
    directory,
    extension: 'ts',
    loadExtensions: ['.ts'],
    tableName: 'schema_migration',
    // Blocks of numbers belong to domains; a new one in a low block must also run on a database that has higher ones.
    disableMigrationsListValidation: true,
    sortDirsSeparately: false,
  };
}

/** Brings the database to the schema of this version; returns the names of the migrations that ran. Two callers at once are safe. */
export async function migrate(db: Database, directory: string = DIRECTORY): Promise<string[]> {
  // knex's own lock is a row that stays locked when the process dies; a session's advisory lock goes with its session.
  const connection = await db.client.acquireConnection();
  try {
    await connection.query('select pg_advisory_lock(7001)');
    await db.migrate.forceFreeMigrationsLock(config(directory));
    const [, names] = (await db.migrate.latest(config(directory))) as [number, string[]];
    return names;
  } finally {
    await connection.query('select pg_advisory_unlock(7001)').catch(() => {});
    await db.client.releaseConnection(connection);
  }
}

/** Names of migrations that this version has and the database has not. */
export async function migrationsPending(db: Database, directory: string = DIRECTORY): Promise<string[]> {
  const [, pending] = (await db.migrate.list(config(directory))) as [unknown[], { file: string }[]];
  return pending.map((migration) => migration.file);
}
