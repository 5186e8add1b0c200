import type { Knex } from 'knex';

/** Opening hours with their holidays, in the wall-clock time of their zone. Owner: appliance/flows. */
export async function up(knex: Knex): Promise<void> {
  await knex.schema.createTable('hours', (table) => {
    table.uuid('id').primary().defaultTo(knex.fn.uuid());
    table.text('name').notNullable().unique();
    table.text('time_zone').notNullable();
    table.jsonb('weekly').notNullable().defaultTo('[]');
    table.jsonb('holidays').notNullable().defaultTo('[]');
    table.integer('version').notNullable().defaultTo(1);
    table.timestamp('created_at').notNullable().defaultTo(knex.fn.now());
    table.timestamp('updated_at').notNullable().defaultTo(knex.fn.now());
  });
}

export async function down(knex: Knex): Promise<void> {
  await knex.schema.dropTable('hours');
}
