import type { Knex } from 'knex';

/** What callers hear: one row per name and language; the sound is a file named by its content. Owner: appliance/flows. */
export async function up(knex: Knex): Promise<void> {
  await knex.schema.createTable('prompt', (table) => {
    table.uuid('id').primary().defaultTo(knex.fn.uuid());
    table.text('name').notNullable();
    table.text('language').notNullable().comment("en, de, ... or '*' for sounds without words");
    table.text('text').comment('What is said; null for uploads that nobody wrote down');
    table.text('source').notNullable().checkIn(['upload', 'speech', 'builtin']);
    table.text('media').notNullable().comment('File name without .al in the prompt folder');
    table.decimal('duration_s', 10, 3).notNullable();
    table.integer('version').notNullable().defaultTo(1);
    table.timestamp('created_at').notNullable().defaultTo(knex.fn.now());
    table.timestamp('updated_at').notNullable().defaultTo(knex.fn.now());
    table.unique(['name', 'language']);
  });
}

export async function down(knex: Knex): Promise<void> {
  await knex.schema.dropTable('prompt');
}
