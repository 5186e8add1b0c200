import { afterAll, beforeAll, expect, test } from 'vitest';
import { uuidv7 } from '#appliance/kernel/ids.ts';
import type { TestDatabase } from '#test/support/database.ts';
import { testDatabase } from '#test/support/database.ts';
import { silentLog } from '../log/index.ts';
import { createBatch } from './batch.ts';
import { openDatabase } from './database.ts';

let database: TestDatabase;
beforeAll(async () => {
  database = await testDatabase({ empty: true });
  await database.db.raw(`create table parent (id uuid primary key, name text not null check (name <> ''), n int not null default 0, tx xid8 not null default pg_current_xact_id());
    create table child (id uuid primary key, parent_id uuid not null references parent)`);
});
afterAll(() => database.close());

const INSERT_PARENT =
  'insert into parent (id, name) select id, name from jsonb_to_recordset($1::jsonb) as r(id uuid, name text) on conflict (id) do nothing';
const INSERT_CHILD =
  'insert into child (id, parent_id) select id, "parentId" from jsonb_to_recordset($1::jsonb) as r(id uuid, "parentId" uuid)';

function statements(batch: ReturnType<typeof createBatch>) {
  return {
    child: batch.statement<{ id: string; parentId: string }>('child', 20, INSERT_CHILD),
    parent: batch.statement<{ id: string; name: string }>('parent', 10, INSERT_PARENT),
    rename: batch.statement<{ id: string; name: string }>(
      'rename',
      15,
      'update parent p set name = r.name, n = p.n + 1 from jsonb_to_recordset($1::jsonb) as r(id uuid, name text) where p.id = r.id',
      { key: (row) => row.id },
    ),
  };
}

test('rows handed in together become one transaction, parents before children', async () => {
  const batch = createBatch(database.db, { log: silentLog });
  const { parent, child } = statements(batch);
  const ids = Array.from({ length: 100 }, () => uuidv7());
  await Promise.all(ids.flatMap((id) => [child({ id: uuidv7(), parentId: id }), parent({ id, name: 'a' })]));
  const rows = await database.db('parent').whereIn('id', ids).select('tx');
  expect(rows).toHaveLength(100);
  expect(new Set(rows.map((row) => row.tx)).size).toBe(1);
  await batch.close();
});

test('a row that PostgreSQL refuses fails alone', async () => {
  const batch = createBatch(database.db, { log: silentLog });
  const { parent, child } = statements(batch);
  const [good, bad, other] = [uuidv7(), uuidv7(), uuidv7()];
  const results = await Promise.allSettled([
    parent({ id: good, name: 'good' }),
    parent({ id: bad, name: '' }),
    child({ id: uuidv7(), parentId: bad }),
    parent({ id: other, name: 'with a zero byte \u0000' }),
    child({ id: uuidv7(), parentId: good }),
  ]);
  expect(results.map((result) => result.status)).toEqual([
    'fulfilled',
    'rejected',
    'rejected',
    'rejected',
    'fulfilled',
  ]);
  expect(await database.db('parent').where({ id: good })).toHaveLength(1);
  await batch.close();
});

test('two updates of one row in one flush are both applied, in order', async () => {
  const batch = createBatch(database.db, { log: silentLog });
  const { parent, rename } = statements(batch);
  const id = uuidv7();
  await Promise.all([rename({ id, name: 'second' }), rename({ id, name: 'third' }), parent({ id, name: 'first' })]);
  expect(await database.db('parent').where({ id }).first('name', 'n')).toEqual({ name: 'third', n: 2 });
  await batch.close();
});

test('rows wait while the connections are cut and are stored afterwards, each once', async () => {
  const name = `cut_${uuidv7().slice(-8)}`;
  const db = openDatabase(database.url, { applicationName: name });
  const batch = createBatch(db, { log: silentLog });
  const { parent } = statements(batch);
  const ids = Array.from({ length: 300 }, () => uuidv7());
  const stored: Promise<void>[] = [];
  for (const [index, id] of ids.entries()) {
    stored.push(parent({ id, name: 'x' }));
    if (index % 30 === 0) {
      await database.db.raw('select pg_terminate_backend(pid) from pg_stat_activity where application_name = ?', [
        name,
      ]);
    }
  }
  await Promise.all(stored);
  expect(await database.db('parent').whereIn('id', ids)).toHaveLength(300);
  await batch.close();
  await db.destroy();
});

test('closing while the database is away says that rows were not stored', async () => {
  const db = openDatabase('postgresql://strongroom@localhost/none?host=/nonexistent');
  const batch = createBatch(db, { log: silentLog, closeWithinMs: 100 });
  const { parent } = statements(batch);
  const row = expect(parent({ id: uuidv7(), name: 'x' })).rejects.toMatchObject({ code: 'database-away' });
  await batch.close();
  await row;
  await expect(parent({ id: uuidv7(), name: 'x' })).rejects.toMatchObject({ code: 'batch-closed' });
  await db.destroy();
});

test('patient rows wait for one that is not, in the order handed in, and not for long', async () => {
  const batch = createBatch(database.db, { log: silentLog });
  const parent = batch.statement<{ id: string; name: string }>('parent', 10, INSERT_PARENT, { patient: true });
  const child = batch.statement<{ id: string; parentId: string }>('child', 20, INSERT_CHILD);
  const [first, second, third] = [uuidv7(), uuidv7(), uuidv7()];
  const txs = (...ids: string[]) => database.db('parent').whereIn('id', ids).pluck('tx');
  const waiting = [parent({ id: first, name: 'a' }), parent({ id: second, name: 'b' })];
  await child({ id: uuidv7(), parentId: first });
  await Promise.all(waiting);
  expect(new Set(await txs(first, second)).size).toBe(1);
  await parent({ id: third, name: 'alone' });
  expect(await txs(third)).toHaveLength(1);
  void parent({ id: uuidv7(), name: 'at the close' });
  await batch.close();
  expect(await database.db('parent').where({ name: 'at the close' }).count()).toEqual([{ count: 1 }]);
});
