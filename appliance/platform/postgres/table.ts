import type { Knex } from 'knex';
import { AppError } from '#appliance/kernel/errors.ts';
import { uuidv7 } from '#appliance/kernel/ids.ts';
import type { Database } from './database.ts';
import { asAppError } from './errors.ts';

/** What every configuration table has. */
export interface CrudRow {
  id: string;
  version: number;
  createdAt: Date;
  updatedAt: Date;
}

export interface CrudStore<Row extends CrudRow> {
  list(page: {
    limit: number;
    cursor?: string | undefined;
    q?: string | undefined;
  }): Promise<{ items: Row[]; next: string | null }>;
  get(id: string): Promise<Row | undefined>;
  /** `id` may be given; otherwise it is made. */
  create(fields: Partial<Row>): Promise<Row>;
  /** Changes the given fields when `version` is still the stored one: else AppError conflict/stale; not-found when it is gone. */
  update(id: string, version: number, fields: Partial<Row>): Promise<Row>;
  remove(id: string, version: number): Promise<Row>;
  /** The same store inside the caller's transaction, so that an audit entry commits with the change. */
  within(trx: Knex.Transaction): CrudStore<Row>;
  transaction<T>(work: (trx: Knex.Transaction) => Promise<T>): Promise<T>;
}

export interface TableStoreOptions {
  table: string;
  /** Writable columns by their SQL names; in rows they are camelCase: `service_level_s` is `serviceLevelS`. */
  columns: readonly string[];
  /** Those of `columns` that are jsonb. */
  json?: readonly string[];
  /** Text columns that `q` looks into. */
  search?: readonly string[];
  /** A not-null column to list by; ties break by id. */
  order?: string;
  /** Read but never returned or written by this store is whatever is not in `columns`; these are returned as well. */
  readOnly?: readonly string[];
}

const OWN = ['id', 'version', 'created_at', 'updated_at'];

/** Create, read, update with versions and delete for one table of configuration. */
export function tableStore<Row extends CrudRow>(
  db: Database | Knex.Transaction,
  options: TableStoreOptions,
): CrudStore<Row> {
  const { table, columns, order = 'id' } = options;
  const json = new Set(options.json ?? []);
  const returned = [...OWN, ...columns, ...(options.readOnly ?? [])];

  function toColumns(fields: Partial<Row>): Record<string, unknown> {
    const values: Record<string, unknown> = {};
    for (const column of columns) {
      const value = (fields as Record<string, unknown>)[camelCase(column)];
      if (value === undefined) continue;
      values[column] = json.has(column) && value !== null ? JSON.stringify(value) : value;
    }
    return values;
  }

  async function refuse(id: string): Promise<never> {
    const found = await db(table).where({ id }).first('version');
    if (!found) throw new AppError('not-found', 'not-found', `There is no such ${words(table)}.`);
    throw new AppError('conflict', 'stale', `The ${words(table)} was changed meanwhile.`, { version: found.version });
  }

  return {
    async list({ limit, cursor, q }) {
      const query = db(table)
        .select(returned)
        .orderBy([order, 'id'])
        .limit(limit + 1);
      const after = cursor === undefined ? undefined : decodeCursor(cursor);
      if (after) query.whereRaw('(??, ??) > (?, ?)', [order, 'id', after.value, after.id]);
      if (q && options.search?.length) {
        const pattern = `%${q.replace(/[\\%_]/g, '\\$&')}%`;
        query.where((any) => {
          for (const column of options.search ?? []) any.orWhere(column, 'ilike', pattern);
        });
      }
      const rows = (await query.catch((error) => Promise.reject(asAppError(error)))) as Record<string, unknown>[];
      const page = rows.slice(0, limit);
      const last = page.at(-1);
      return {
        items: page.map((row) => rowFromColumns<Row>(row)),
        next: rows.length > limit && last ? encodeCursor(last[order], String(last.id)) : null,
      };
    },
    async get(id) {
      const row = await db(table).where({ id }).first(returned);
      return row && rowFromColumns<Row>(row);
    },
    async create(fields) {
      try {
        const [row] = await db(table).insert({ id: fields.id ?? uuidv7(), ...toColumns(fields) }, returned);
        return rowFromColumns<Row>(row);
      } catch (error) {
        throw asAppError(error);
      }
    },
    async update(id, version, fields) {
      try {
        const [row] = await db(table)
          .where({ id, version })
          .update({ ...toColumns(fields), version: version + 1, updated_at: db.fn.now() }, returned);
        return row ? rowFromColumns<Row>(row) : await refuse(id);
      } catch (error) {
        throw asAppError(error);
      }
    },
    async remove(id, version) {
      try {
        const [row] = await db(table).where({ id, version }).delete(returned);
        return row ? rowFromColumns<Row>(row) : await refuse(id);
      } catch (error) {
        throw asAppError(error);
      }
    },
    within: (trx) => tableStore<Row>(trx, options),
    transaction: (work) => db.transaction(work),
  };
}

export function camelCase(column: string): string {
  return column.replace(/_([a-z0-9])/g, (_, letter: string) => letter.toUpperCase());
}

export function snakeCase(field: string): string {
  return field.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}

export function rowFromColumns<Row>(columns: Record<string, unknown>): Row {
  return Object.fromEntries(Object.entries(columns).map(([name, value]) => [camelCase(name), value])) as Row;
}

function words(table: string): string {
  return table.replaceAll('_', ' ');
}

function encodeCursor(value: unknown, id: string): string {
  const text = value instanceof Date ? value.toISOString() : value;
  return Buffer.from(JSON.stringify([text, id])).toString('base64url');
}

function decodeCursor(cursor: string): { value: string | number; id: string } {
  try {
    const [value, id] = JSON.parse(Buffer.from(cursor, 'base64url').toString()) as unknown[];
    if ((typeof value === 'string' || typeof value === 'number') && typeof id === 'string') return { value, id };
  } catch {
    // falls through to the refusal
  }
  throw new AppError('invalid', 'invalid-cursor', 'The cursor is not one that a list returned.');
}
