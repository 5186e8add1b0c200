import { afterAll, beforeAll, expect, test } from 'vitest';
import type { TestDatabase } from '#test/support/database.ts';
import { testDatabase } from '#test/support/database.ts';
import type { CrudRow } from './table.ts';
import { tableStore } from './table.ts';

interface Shelf extends CrudRow {
  name: string;
  rules: { kind: string }[];
  widthS: number | null;
  houseId: string | null;
}

let database: TestDatabase;
let shelves: ReturnType<typeof tableStore<Shelf>>;
beforeAll(async () => {
  database = await testDatabase({ empty: true });
  const OWN =
    'version integer not null default 1, created_at timestamptz not null default now(), updated_at timestamptz not null default now()';
  await database.db.raw(`create table house (id uuid primary key, ${OWN});
    create table shelf (id uuid primary key, name text not null unique check (name <> ''), rules jsonb not null default '[]', width_s numeric,
      house_id uuid references house, hidden text not null default 'h', ${OWN})`);
  shelves = tableStore<Shelf>(database.db, {
    table: 'shelf',
    columns: ['name', 'rules', 'width_s', 'house_id'],
    json: ['rules'],
    search: ['name'],
    order: 'name',
  });
});
afterAll(() => database.close());

test('a row is written and read in camelCase, jsonb as values, numeric as numbers, other columns unseen', async () => {
  const made = await shelves.create({ name: 'first', rules: [{ kind: 'a' }], widthS: 1.5 });
  expect(await shelves.get(made.id)).toEqual({
    id: made.id,
    version: 1,
    createdAt: expect.any(Date),
    updatedAt: expect.any(Date),
    name: 'first',
    rules: [{ kind: 'a' }],
    widthS: 1.5,
    houseId: null,
  });
});

test('a change needs the version that is stored', async () => {
  const made = await shelves.create({ name: 'versions' });
  const changed = await shelves.update(made.id, 1, { name: 'versions 2' });
  expect(changed).toMatchObject({ name: 'versions 2', version: 2, rules: [] });
  await expect(shelves.update(made.id, 1, { name: 'late' })).rejects.toMatchObject({ kind: 'conflict', code: 'stale' });
  await expect(shelves.remove(made.id, 1)).rejects.toMatchObject({ code: 'stale' });
  await shelves.remove(made.id, 2);
  await expect(shelves.update(made.id, 2, {})).rejects.toMatchObject({ kind: 'not-found' });
});

test('of two changes at once one is stale', async () => {
  const made = await shelves.create({ name: 'race' });
  const results = await Promise.allSettled([1, 2, 3].map((n) => shelves.update(made.id, 1, { name: `race ${n}` })));
  expect(results.filter((result) => result.status === 'fulfilled')).toHaveLength(1);
});

test.each([
  [{ name: 'taken' }, 'conflict', 'already-exists'],
  [{ name: '' }, 'invalid', 'invalid-value'],
  [{ name: 'lost', houseId: '00000000-0000-7000-8000-000000000000' }, 'invalid', 'unknown-reference'],
])('what the database refuses becomes a sentence: %j', async (fields, kind, code) => {
  await shelves.create({ name: 'taken' }).catch(() => {});
  await expect(shelves.create(fields)).rejects.toMatchObject({ kind, code });
});

test('a row that is still referred to is in use', async () => {
  const houses = tableStore(database.db, { table: 'house', columns: [] });
  const house = await houses.create({});
  await shelves.create({ name: 'in the house', houseId: house.id });
  await expect(houses.remove(house.id, 1)).rejects.toMatchObject({ kind: 'conflict', code: 'in-use' });
});

test('a list comes in pages that neither miss nor repeat, and a search takes % as a sign', async () => {
  for (let i = 0; i < 7; i++) await shelves.create({ name: `page ${i}` });
  const seen: string[] = [];
  let cursor: string | undefined;
  do {
    const page = await shelves.list({ limit: 3, cursor, q: 'PAGE' });
    seen.push(...page.items.map((row) => row.name));
    cursor = page.next ?? undefined;
  } while (cursor);
  expect(seen).toEqual(['page 0', 'page 1', 'page 2', 'page 3', 'page 4', 'page 5', 'page 6']);
  expect((await shelves.list({ limit: 3, q: '%' })).items).toEqual([]);
  await expect(shelves.list({ limit: 3, cursor: 'nonsense' })).rejects.toMatchObject({ code: 'invalid-cursor' });
});

test('inside a transaction that fails nothing remains', async () => {
  await expect(
    shelves.transaction(async (trx) => {
      await shelves.within(trx).create({ name: 'undone' });
      throw new Error('no');
    }),
  ).rejects.toThrow('no');
  expect((await shelves.list({ limit: 1, q: 'undone' })).items).toEqual([]);
});
