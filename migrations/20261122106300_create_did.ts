import type { Knex } from 'knex';

/** Numbers that callers dial, and where they lead. Owner: appliance/flows. */
export async function up(knex: Knex): Promise<void> {
  await knex.schema.createTable('did', (table) => {
    table.uuid('id').primary().defaultTo(knex.fn.uuid());
    table.text('number').notNullable().unique();
    table.text('name');
    table.uuid('flow_id').references('flow.id').onDelete('RESTRICT');
    table.uuid('queue_id').references('queue.id').onDelete('RESTRICT');
    table.text('language');
    table.integer('version').notNullable().defaultTo(1);
    table.timestamp('created_at').notNullable().defaultTo(knex.fn.now());
    table.timestamp('updated_at').notNullable().defaultTo(knex.fn.now());
  });
  await knex.raw(`alter table did add constraint did_number_e164 check (number ~ '^\\+[1-9][0-9]{1,14}$')`);
  await knex.raw('alter table did add constraint did_one_target check (num_nonnulls(flow_id, queue_id) = 1)');
}

export async function down(knex: Knex): Promise<void> {
  await knex.schema.dropTable('did');
}
