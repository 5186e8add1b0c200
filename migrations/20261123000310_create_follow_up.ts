import type { Knex } from 'knex';

/** What an agent has promised to see to, and when. Owner: appliance/interactions. */
export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    create table follow_up (
      id uuid primary key,
      interaction_id uuid not null references interaction (id) on delete cascade,
      agent_id uuid not null references app_user (id) on delete cascade,
      due_at timestamptz not null,
      note text not null default '' check (length(note) <= 1000),
      done_at timestamptz,
      created_at timestamptz not null default now(),
      unique (agent_id, interaction_id)
    );
    create index follow_up_interaction_id on follow_up (interaction_id);
    create index follow_up_open on follow_up (agent_id, due_at) where done_at is null;
  `);
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw('drop table follow_up');
}
