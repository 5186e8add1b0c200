import type { Knex } from 'knex';

/** Queues and skills that count for an agent until the end of a day only. Owner: appliance/agents. */
export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    -- null: the box's
    alter table team add column time_zone text check (length(time_zone) between 1 and 64);

    -- Over the usual configuration while it lasts: amount is the queue's position or the skill's level, null takes it away.
    create table agent_today (
      id uuid primary key default gen_random_uuid(),
      agent_id uuid not null references agent (id) on delete cascade,
      queue_id uuid references queue (id) on delete cascade,
      skill_id uuid references skill (id) on delete cascade,
      amount smallint check (amount between 1 and case when queue_id is null then 10 else 1000 end),
      until timestamptz not null,
      by_id uuid references app_user (id) on delete set null,
      made_at timestamptz not null default now(),
      check ((queue_id is null) <> (skill_id is null)),
      unique (agent_id, queue_id),
      unique (agent_id, skill_id)
    );
  `);
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw('drop table agent_today; alter table team drop column time_zone');
}
