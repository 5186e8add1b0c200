import type { Knex } from 'knex';

/** Short notes between people at their desks. Owner: appliance/realtime. */
export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    create table desk_message (
      id uuid primary key,
      from_id uuid not null references app_user (id) on delete cascade,
      to_id uuid not null references app_user (id) on delete cascade,
      text text not null check (length(text) between 1 and 500),
      sent_at timestamptz not null,
      read_at timestamptz
    );
    create index desk_message_unread on desk_message (to_id, sent_at) where read_at is null;
  `);
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw('drop table desk_message');
}
