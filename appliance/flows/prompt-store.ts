import { uuidv7 } from '#appliance/kernel/ids.ts';
import {
  type CrudRow,
  type CrudStore,
  type Database,
  rowFromColumns,
  tableStore,
} from '#appliance/platform/postgres/index.ts';

export interface PromptRow extends CrudRow {
  name: string;
  language: string;
  text: string | null;
  source: 'upload' | 'speech' | 'builtin';
  media: string;
  durationS: number;
}

export type NewPrompt = Pick<PromptRow, 'name' | 'language' | 'text' | 'source' | 'media' | 'durationS'>;

export interface PromptStore extends CrudStore<PromptRow> {
  all(): Promise<PromptRow[]>;
  /** Those that are not there yet; what somebody changed stays. */
  addMissing(prompts: NewPrompt[]): Promise<number>;
}

export function promptStore(db: Database): PromptStore {
  const table = tableStore<PromptRow>(db, {
    table: 'prompt',
    columns: ['name', 'language', 'text', 'source', 'media', 'duration_s'],
    search: ['name', 'text'],
    order: 'name',
  });
  return {
    ...table,
    async all() {
      const rows = await db('prompt').select('*').orderBy(['name', 'language']);
      return rows.map((row) => rowFromColumns<PromptRow>(row));
    },
    async addMissing(prompts) {
      if (prompts.length === 0) return 0;
      const rows = prompts.map(({ durationS, ...prompt }) => ({ id: uuidv7(), ...prompt, duration_s: durationS }));
      const added = await db('prompt').insert(rows).onConflict(['name', 'language']).ignore().returning('id');
      return added.length;
    },
  };
}
