import { migrate } from '#appliance/platform/postgres/index.ts';
import type { Command } from './command.ts';

export const migrateCommand: Command = {
  name: 'migrate',
  summary: 'Bring the database to the tables of this version',
  async run({ context }) {
    const names = await migrate(await context.db());
    for (const name of names) context.print(name);
    context.print(names.length === 0 ? 'The database is up to date.' : `${names.length} migrations ran.`);
    return 0;
  },
};
