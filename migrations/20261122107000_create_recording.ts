import type { Knex } from 'knex';

/** What is to be recorded, and what was. Owner: appliance/recordings. */
export async function up(knex: Knex): Promise<void> {
  await knex.schema.createTable('recording_rule', (table) => {
    table.uuid('id').primary().defaultTo(knex.fn.uuid());
    table.text('name').notNullable().unique();
    table.uuid('queue_id');
    table.uuid('trunk_id');
    table.uuid('agent_id');
    table.text('mode').notNullable().checkIn(['always', 'never', 'percent']);
    table.decimal('percent', 5, 2).notNullable().defaultTo(100);
    table.text('announcement').comment('Prompt that tells the caller, null for none');
    table.integer('position').notNullable().defaultTo(0).comment('Among equally specific rules the lowest wins');
    table.boolean('active').notNullable().defaultTo(true);
    table.integer('version').notNullable().defaultTo(1);
    table.timestamp('created_at').notNullable().defaultTo(knex.fn.now());
    table.timestamp('updated_at').notNullable().defaultTo(knex.fn.now());
  });
  await knex.raw('alter table recording_rule add constraint recording_rule_percent check (percent between 0 and 100)');

  await knex.schema.createTable('recording', (table) => {
    table.uuid('id').primary();
    table.uuid('interaction_id').notNullable();
    table.uuid('rule_id');
    table.text('instance').comment('The voice process that has the call');
    table.text('state').notNullable().checkIn(['recording', 'processing', 'ready', 'failed', 'deleted']);
    table.timestamp('started_at').notNullable();
    table.timestamp('ended_at');
    table.decimal('duration_s', 12, 3).comment('Of the finished file');
    table.text('file_hash');
    table.bigInteger('file_size');
    table.text('file_key_id');
    table.text('content_type');
    table
      .jsonb('layout')
      .notNullable()
      .defaultTo('[]')
      .comment('Who was on which stream: [{stream, leg, side, party}]');
    table.jsonb('pauses').notNullable().defaultTo('[]').comment('[{from, to, reason}]');
    table.binary('peaks').comment('Left then right, one byte per slice, 0-255');
    table.integer('peaks_per_side');
    table.decimal('silence_left', 5, 4).comment('Share of the time without sound, 0-1');
    table.decimal('silence_right', 5, 4);
    table.boolean('silent');
    table.decimal('length_off_s', 12, 3).comment('Finished file less the call as signalled');
    table.text('error');
    table.timestamp('created_at').notNullable().defaultTo(knex.fn.now());
    table.timestamp('updated_at').notNullable().defaultTo(knex.fn.now());
    table.index(['interaction_id']);
    table.index(['started_at']);
  });
  await knex.raw(`create index recording_open on recording (updated_at) where state in ('recording', 'processing')`);
  await knex.raw(
    `alter table recording add constraint recording_ready_has_file check (state <> 'ready' or (file_hash is not null and duration_s is not null))`,
  );
}

export async function down(knex: Knex): Promise<void> {
  await knex.schema.dropTable('recording');
  await knex.schema.dropTable('recording_rule');
}
