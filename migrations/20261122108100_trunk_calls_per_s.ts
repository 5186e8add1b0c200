// Owner: telephony (trunks).
import type { Knex } from 'knex';

export async function up(knex: Knex): Promise<void> {
  await knex.raw('alter table trunk add column max_calls_per_s integer check (max_calls_per_s > 0)');
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw('alter table trunk drop column max_calls_per_s');
}
