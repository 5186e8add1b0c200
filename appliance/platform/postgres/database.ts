import type { Knex } from 'knex';
import knex from 'knex';
import pg from 'pg';

export type Database = Knex;

// int8 counts and numeric durations are numbers for us; both stay far below 2^53. A date without time stays text.
pg.types.setTypeParser(pg.types.builtins.INT8, Number);
pg.types.setTypeParser(pg.types.builtins.NUMERIC, Number);
pg.types.setTypeParser(pg.types.builtins.DATE, (text) => text);

/**
 * For the group commit: its statements meet a few rows each, by key. PostgreSQL, which takes every list of rows for a hundred,
 * would read small tables whole, plan so while they are small, and go on with that plan as they grow.
 */
const BY_KEY = [
  'enable_seqscan=off',
  'enable_hashjoin=off',
  'enable_mergejoin=off',
  'plan_cache_mode=force_generic_plan',
  'jit=off',
];

export interface DatabaseOptions {
  poolMax?: number;
  applicationName?: string;
  /** Statements find their rows by index and keep their plans. */
  byKey?: boolean;
  /**
   * A commit does not wait for the disk. Only for rows that mean nothing until another connection has committed what refers to
   * them: its commit, which waits, brings these to the disk as well, for they stand before it in the log.
   */
  commitsLater?: boolean;
}

/** Opens a pool. Nothing is connected before the first query, so a database that is away does not stop a start. */
export function openDatabase(url: string, options: DatabaseOptions = {}): Database {
  const settings = [...(options.byKey ? BY_KEY : []), ...(options.commitsLater ? ['synchronous_commit=off'] : [])];
  return knex({
    client: 'pg',
    connection: {
      connectionString: url,
      application_name: options.applicationName ?? 'strongroom',
      connectionTimeoutMillis: 5000,
      ...(settings.length ? { options: settings.map((setting) => `-c ${setting}`).join(' ') } : {}),
      keepAlive: true,
    },
    pool: { min: 0, max: options.poolMax ?? 10, idleTimeoutMillis: 60_000 },
    acquireConnectionTimeout: 10_000,
    // Every failure reaches its caller, who knows what to say; knex would print it on standard output as well.
    log: { warn: ignore, error: ignore, debug: ignore, deprecate: ignore },
  });
}

function ignore(): void {}
