import type { Knex } from 'knex';

/**
 * Flows, their published versions and the runs in progress. Owner: appliance/flows.
 * Versions never change: calls in progress and old traces point at them.
 */
export async function up(knex: Knex): Promise<void> {
  await knex.schema.createTable('flow', (table) => {
    table.uuid('id').primary().defaultTo(knex.fn.uuid());
    table.text('name').notNullable();
    table.text('description');
    table.jsonb('draft').notNullable();
    table.uuid('published_version_id');
    table.integer('version').notNullable().defaultTo(1);
    table.timestamp('created_at').notNullable().defaultTo(knex.fn.now());
    table.timestamp('updated_at').notNullable().defaultTo(knex.fn.now());
  });
  await knex.raw('create unique index flow_name_unique on flow (lower(name))');

  await knex.schema.createTable('flow_version', (table) => {
    table.uuid('id').primary().defaultTo(knex.fn.uuid());
    table.uuid('flow_id').notNullable().references('flow.id').onDelete('CASCADE');
    table.integer('number').notNullable().checkPositive();
    table.jsonb('document').notNullable();
    table.text('note');
    table.uuid('published_by');
    table.timestamp('published_at').notNullable().defaultTo(knex.fn.now());
    table.unique(['flow_id', 'number']);
  });
  await knex.schema.alterTable('flow', (table) => {
    table.foreign('published_version_id').references('flow_version.id').deferrable('deferred');
  });

  await knex.schema.createTable('flow_run', (table) => {
    table.uuid('id').primary();
    table.uuid('interaction_id').notNullable();
    table.uuid('flow_version_id').notNullable();
    table.text('step').notNullable();
    table.integer('steps').notNullable().comment('Taken so far; the budget against endless loops');
    table.text('language').notNullable();
    table.jsonb('variables').notNullable();
    table.text('secure_from').comment('First secure step whose digits were in memory only: where to begin again');
    table.boolean('answered').notNullable().defaultTo(false);
    table.text('outcome').comment('null while it runs');
    table.timestamp('started_at').notNullable();
    table.timestamp('updated_at').notNullable();
    table.index(['interaction_id']);
  });
  await knex.raw('create index flow_run_running on flow_run (updated_at) where outcome is null');

  await knex.schema.createTable('flow_host', (table) => {
    table.uuid('id').primary().defaultTo(knex.fn.uuid());
    table.text('host').notNullable().unique().comment('The only hosts that http steps may reach');
    table.boolean('plain_http').notNullable().defaultTo(false);
    table.text('note');
    table.text('headers_sealed').comment('Headers added to each request, for example Authorization');
    table.integer('version').notNullable().defaultTo(1);
    table.timestamp('created_at').notNullable().defaultTo(knex.fn.now());
    table.timestamp('updated_at').notNullable().defaultTo(knex.fn.now());
  });
}

export async function down(knex: Knex): Promise<void> {
  await knex.schema.dropTable('flow_host');
  await knex.schema.dropTable('flow_run');
  await knex.schema.alterTable('flow', (table) => table.dropForeign('published_version_id'));
  await knex.schema.dropTable('flow_version');
  await knex.schema.dropTable('flow');
}
