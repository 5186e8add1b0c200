import type { Knex } from 'knex';
import type { Database } from './database.ts';
import { asAppError } from './errors.ts';
import type { CrudRow, CrudStore } from './table.ts';

/** Rows of other tables that belong to a row of configuration and are read and written with it. */
export interface Parts<Row> {
  read(db: Database | Knex.Transaction, ids: string[]): Promise<Map<string, Partial<Row>>>;
  /** Writes what `fields` names; what it leaves out stays. */
  write(db: Knex.Transaction, id: string, fields: Partial<Row>): Promise<void>;
}

/** A store of configuration whose rows carry parts from other tables. */
export function withParts<Row extends CrudRow>(
  db: Database | Knex.Transaction,
  base: CrudStore<Row>,
  parts: Parts<Row>,
  insideTransaction = false,
): CrudStore<Row> {
  async function full(rows: Row[]): Promise<Row[]> {
    if (rows.length === 0) return rows;
    const found = await parts.read(
      db,
      rows.map(({ id }) => id),
    );
    return rows.map((row) => ({ ...row, ...found.get(row.id) }));
  }
  const one = async (row: Row): Promise<Row> => (await full([row]))[0]!;

  async function writing(work: (store: CrudStore<Row>, trx: Knex.Transaction) => Promise<Row>): Promise<Row> {
    try {
      if (insideTransaction) return await one(await work(base, db as Knex.Transaction));
      return await base.transaction(async (trx) => {
        const row = await work(base.within(trx), trx);
        return { ...row, ...(await parts.read(trx, [row.id])).get(row.id) };
      });
    } catch (error) {
      throw asAppError(error);
    }
  }

  return {
    async list(page) {
      const { items, next } = await base.list(page);
      return { items: await full(items), next };
    },
    async get(id) {
      const row = await base.get(id);
      return row && one(row);
    },
    create: (fields) =>
      writing(async (store, trx) => {
        const row = await store.create(fields);
        await parts.write(trx, row.id, fields);
        return row;
      }),
    update: (id, version, fields) =>
      writing(async (store, trx) => {
        const row = await store.update(id, version, fields);
        await parts.write(trx, id, fields);
        return row;
      }),
    remove: async (id, version) => {
      const row = await one(await base.get(id).then((found) => found ?? ({ id } as Row)));
      return { ...row, ...(await base.remove(id, version)) };
    },
    within: (trx) => withParts(trx, base.within(trx), parts, true),
    transaction: (work) => base.transaction(work),
  };
}
