import type { PoolClient } from 'pg';
import { AppError, messageOf } from '#appliance/kernel/errors.ts';
import type { Log } from '../log/index.ts';
import type { Database } from './database.ts';
import { isConnectionError, isTransientError } from './errors.ts';
import { pipeline } from './pipeline.ts';

export interface BatchOptions {
  log: Log;
  /** How long the first row of a flush may wait for company; 0 flushes at the end of the current turn. */
  maxWaitMs?: number;
  /** How long `close` waits for PostgreSQL before it gives up on what is left. */
  closeWithinMs?: number;
}

export interface StatementOptions<Row> {
  /** Rows with the same key run one after another instead of together: an UPDATE … FROM applies only one of two rows that meet the same target. */
  key?: (row: Row) => string;
  /** With `key`: two rows of one key in one flush become one, so that nothing is written twice. */
  merge?: (earlier: Row, later: Row) => Row;
  /** Nobody outside is told because of these rows: they wait a moment for the next flush instead of being one. */
  patient?: boolean;
}

export interface Batch {
  /**
   * Declares a statement once. `sql` gets all rows of one flush as `$1`, a JSON array for jsonb_to_recordset.
   * Write it so that running it twice is harmless (`on conflict (id) do nothing`): when the answer to COMMIT is lost, the flush is repeated.
   * Within a flush statements run in ascending `order`, rows in the order handed in. The promise resolves after COMMIT.
   */
  statement<Row extends object>(
    name: string,
    order: number,
    sql: string,
    options?: StatementOptions<Row>,
  ): (row: Row) => Promise<void>;
  /** Resolves when nothing is waiting. */
  flushed(): Promise<void>;
  /** Rows waiting or being written, for metrics and alarms. */
  pending(): number;
  /** How long the last flush took, from its first statement to its commit. */
  tookMs(): number;
  /** For so long rows wait and nothing was committed; 0 when nothing waits. */
  stuckMs(): number;
  close(): Promise<void>;
}

interface Statement {
  name: string;
  order: number;
  sql: string;
  key: ((row: never) => string) | undefined;
  merge: ((earlier: never, later: never) => object) | undefined;
}

interface Item {
  statement: Statement;
  row: object;
  resolve: () => void;
  reject: (error: unknown) => void;
}

/** Rows of one flush; more than this wait for the next one, so that one transaction stays short. */
const MAX_ROWS = 5000;
/** What a flush costs is its statements, hardly its rows: patient rows of so long share one. */
const PATIENCE_MS = 15;
const RETRY_MS = [50, 100, 250, 500, 1000];

/** Group commit: everything handed in while a flush is under way becomes one transaction of multi-row statements. */
export function createBatch(db: Database, options: BatchOptions): Batch {
  const { log, maxWaitMs = 0, closeWithinMs = 5000 } = options;
  const names = new Set<string>();
  let waiting: Item[] = [];
  let writing: Item[] = [];
  let running = false;
  /** Somebody waits for a row in `waiting`. */
  let urgent = false;
  let patience: NodeJS.Timeout | undefined;
  let closed = false;
  const idle: (() => void)[] = [];
  let tookMs = 0;
  let sinceMs = 0;
  let wake: (() => void) | undefined;

  function enqueue(statement: Statement, row: object, patient: boolean): Promise<void> {
    if (closed) return Promise.reject(new AppError('unavailable', 'batch-closed', 'The store is closing.'));
    return new Promise((resolve, reject) => {
      waiting.push({ statement, row, resolve, reject });
      if (!patient) hurry();
      else patience ??= setTimeout(hurry, PATIENCE_MS);
    });
  }

  /** Everything that waits is written now, or with the end of the flush that is under way. */
  function hurry(): void {
    clearTimeout(patience);
    patience = undefined;
    urgent = true;
    if (running) return;
    running = true;
    sinceMs = performance.now();
    if (maxWaitMs > 0) setTimeout(run, maxWaitMs);
    else setImmediate(run);
  }

  async function run(): Promise<void> {
    let failures = 0;
    while (waiting.length > 0 && urgent) {
      clearTimeout(patience);
      patience = undefined;
      writing = waiting.slice(0, MAX_ROWS);
      waiting = waiting.slice(MAX_ROWS);
      urgent = waiting.length > 0;
      try {
        await flush(writing);
        if (failures > 0) log.info({ rows: writing.length }, 'PostgreSQL took the rows that waited');
        failures = 0;
        writing = [];
        sinceMs = performance.now();
      } catch (error) {
        // Only what PostgreSQL has not answered for comes back here; it keeps its place in front.
        waiting = [...writing, ...waiting];
        urgent = true;
        writing = [];
        if (closed && failures >= RETRY_MS.length) break;
        if (failures === 0)
          log.warn({ error: messageOf(error), rows: waiting.length }, 'PostgreSQL is away, rows wait');
        const waitMs = RETRY_MS[Math.min(failures++, RETRY_MS.length - 1)]!;
        await new Promise<void>((resolve) => {
          const timer = setTimeout(resolve, waitMs);
          wake = () => {
            clearTimeout(timer);
            resolve();
          };
        });
        wake = undefined;
      }
    }
    running = false;
    for (const resolve of idle.splice(0)) resolve();
  }

  /** Resolves when every row is committed or refused; throws, with `writing` cut down to the unanswered rows, when PostgreSQL is away. */
  async function flush(items: Item[]): Promise<void> {
    try {
      await transaction(items);
      for (const item of items) item.resolve();
      return;
    } catch (error) {
      if (isTransientError(error)) throw error;
      if (items.length === 1) {
        items[0]!.reject(error);
        return;
      }
      log.debug({ error: messageOf(error), rows: items.length }, 'a row was refused, the flush is repeated row by row');
    }
    const ordered = [...items].sort((a, b) => a.statement.order - b.statement.order);
    for (const [index, item] of ordered.entries()) {
      writing = ordered.slice(index);
      try {
        await transaction([item]);
        item.resolve();
      } catch (error) {
        if (isTransientError(error)) throw error;
        item.reject(error);
      }
    }
  }

  /** One round trip, whatever it writes. */
  async function transaction(items: Item[]): Promise<void> {
    const client: PoolClient = await db.client.acquireConnection();
    try {
      const steps = [...rounds(items)].map(({ statement, rows }) => ({
        name: `batch:${statement.name}`,
        text: statement.sql,
        values: [JSON.stringify(rows)],
      }));
      const fromMs = performance.now();
      await pipeline(client, steps);
      tookMs = performance.now() - fromMs;
    } catch (error) {
      // knex's pool asks a connection for this mark before it lends it out again.
      if (isConnectionError(error))
        (client as { __knex__disposed?: unknown }).__knex__disposed = new Error('connection lost');
      throw error;
    } finally {
      await db.client.releaseConnection(client);
    }
  }

  return {
    statement<Row extends object>(name: string, order: number, sql: string, more: StatementOptions<Row> = {}) {
      if (names.has(name)) throw new Error(`The statement ${name} is declared twice`);
      names.add(name);
      const { key, merge, patient = false } = more;
      const statement: Statement = { name, order, sql, key, merge };
      return (row: Row) => enqueue(statement, row, patient);
    },
    flushed() {
      if (waiting.length > 0) hurry();
      return running ? new Promise((resolve) => idle.push(resolve)) : Promise.resolve();
    },
    pending: () => waiting.length + writing.length,
    tookMs: () => (running ? tookMs : 0),
    stuckMs: () => (running ? performance.now() - sinceMs : 0),
    async close() {
      closed = true;
      const deadline = setTimeout(() => {
        const lost = waiting;
        waiting = [];
        if (lost.length > 0) log.error({ rows: lost.length }, 'closing while PostgreSQL is away: rows were not stored');
        for (const item of lost) {
          item.reject(new AppError('unavailable', 'database-away', 'The database did not return before the close.'));
        }
        wake?.();
      }, closeWithinMs);
      await this.flushed();
      clearTimeout(deadline);
    },
  };
}

/** The multi-row statements of one flush: by order, rows as handed in, rows of one key in rounds of their own. */
function* rounds(items: Item[]): Generator<{ statement: Statement; rows: object[] }> {
  const byStatement = new Map<Statement, object[]>();
  for (const { statement, row } of items) {
    const rows = byStatement.get(statement);
    if (rows) rows.push(row);
    else byStatement.set(statement, [row]);
  }
  const ordered = [...byStatement].sort(([a], [b]) => a.order - b.order);
  for (const [statement, rows] of ordered) {
    if (!statement.key) {
      yield { statement, rows };
      continue;
    }
    if (statement.merge) {
      yield { statement, rows: merged(rows, statement.key, statement.merge) };
      continue;
    }
    const seen = new Map<string, number>();
    const turns: object[][] = [];
    for (const row of rows) {
      const key = statement.key(row as never);
      const turn = seen.get(key) ?? 0;
      seen.set(key, turn + 1);
      turns[turn] ??= [];
      turns[turn].push(row);
    }
    for (const turn of turns) yield { statement, rows: turn };
  }
}

function merged(rows: object[], key: NonNullable<Statement['key']>, merge: NonNullable<Statement['merge']>): object[] {
  const byKey = new Map<string, object>();
  for (const row of rows) {
    const name = key(row as never);
    const earlier = byKey.get(name);
    byKey.set(name, earlier ? merge(earlier as never, row as never) : row);
  }
  return [...byKey.values()];
}
