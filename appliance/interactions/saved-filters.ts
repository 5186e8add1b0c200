import { AppError } from '#appliance/kernel/errors.ts';
import { uuidv7 } from '#appliance/kernel/ids.ts';
import type { Database } from '#appliance/platform/postgres/index.ts';

export interface SavedFilter {
  id: string;
  name: string;
  query: string;
}

const MOST_PER_USER = 100;

/** All SQL of saved filters. */
export function createSavedFilters(db: Database) {
  return {
    of: (userId: string): Promise<SavedFilter[]> =>
      db('saved_filter').where({ user_id: userId }).orderBy('name').select('id', 'name', 'query'),

    async save(userId: string, { name, query }: Omit<SavedFilter, 'id'>): Promise<SavedFilter> {
      const [kept] = await db('saved_filter').where({ user_id: userId }).whereNot({ name }).count({ count: '*' });
      if (Number(kept?.['count']) >= MOST_PER_USER)
        throw new AppError('conflict', 'filters-full', `You have ${MOST_PER_USER} saved filters; forget one first.`);
      const [row] = await db('saved_filter')
        .insert({ id: uuidv7(), user_id: userId, name, query })
        .onConflict(['user_id', 'name'])
        .merge(['query'])
        .returning(['id', 'name', 'query']);
      return row;
    },

    async remove(userId: string, id: string): Promise<void> {
      const gone = await db('saved_filter').where({ user_id: userId, id }).delete();
      if (gone === 0) throw new AppError('not-found', 'filter-unknown', 'There is no such filter');
    },
  };
}
