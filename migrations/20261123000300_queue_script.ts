import type { Knex } from 'knex';

/** What an agent reads while a call of the queue rings and goes on. Owner: appliance/routing. */
export async function up(knex: Knex): Promise<void> {
  await knex.raw(`alter table queue add column script text not null default '' check (length(script) <= 10000)`);
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw('alter table queue drop column script');
}
