import type { Knex } from 'knex';

/** The ACD: queues, who serves them, what waits in them, and the offers made. Owner: appliance/routing. */
export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    create table queue (
      id uuid primary key default gen_random_uuid(),
      name text not null unique check (length(name) between 1 and 100),
      description text not null default '',
      active boolean not null default true,
      strategy text not null default 'longest-idle'
        check (strategy in ('longest-idle', 'fewest-handled', 'round-robin', 'most-skilled', 'ring-all')),
      -- 0 (lowest) to 10; one point is worth ageing_s seconds of waiting, null: points never age
      priority smallint not null default 5 check (priority between 0 and 10),
      ageing_s numeric default 60 check (ageing_s > 0),
      answer_within_s numeric not null default 20 check (answer_within_s > 0),
      short_abandon_s numeric not null default 5 check (short_abandon_s >= 0),
      service_level_target numeric not null default 0.8 check (service_level_target between 0 and 1),
      service_level_formula text not null default 'without-abandons'
        check (service_level_formula in ('handled', 'without-abandons', 'positive', 'negative', 'without-short')),
      offer_timeout_s numeric not null default 20 check (offer_timeout_s between 1 and 600),
      rona_limit smallint not null default 1 check (rona_limit between 1 and 20),
      last_agent_wait_s numeric not null default 0 check (last_agent_wait_s >= 0),
      max_waiting integer check (max_waiting >= 0),
      max_wait_s numeric check (max_wait_s > 0),
      -- [{when: waited|no-agents|full|max-wait|closed, afterS?, exit: QueueExit}]
      overflow jsonb not null default '[]',
      hours_id uuid,
      -- none: no wrap-up; timed: wrap_up_s, extendable; until-done: ends when the agent says so
      wrap_up text not null default 'timed' check (wrap_up in ('none', 'timed', 'until-done')),
      wrap_up_s numeric not null default 30 check (wrap_up_s between 1 and 3600),
      wrap_up_extension_s numeric not null default 120 check (wrap_up_extension_s between 0 and 3600),
      after_wrap_up text not null default 'ready' check (after_wrap_up in ('ready', 'not-ready')),
      disposition_required boolean not null default false,
      -- {music?, firstAfterS?, everyS?, position?, estimatedWait?, escape?: [{digit, exit}]}
      announcements jsonb not null default '{}',
      recording_rule_id uuid,
      version integer not null default 1,
      created_at timestamptz not null default now(),
      updated_at timestamptz not null default now()
    );

    create table queue_skill (
      queue_id uuid not null references queue (id) on delete cascade,
      skill_id uuid not null references skill (id) on delete restrict,
      min_level smallint not null check (min_level between 1 and 10),
      primary key (queue_id, skill_id)
    );

    -- After after_s in the queue the skill's minimum becomes min_level; null drops the skill.
    create table queue_relaxation (
      queue_id uuid not null,
      skill_id uuid not null,
      after_s numeric not null check (after_s > 0),
      min_level smallint check (min_level between 1 and 10),
      primary key (queue_id, skill_id, after_s),
      foreign key (queue_id, skill_id) references queue_skill (queue_id, skill_id) on delete cascade
    );

    -- position: the agent's order of his queues, lower first
    create table queue_agent (
      queue_id uuid not null references queue (id) on delete cascade,
      agent_id uuid not null references agent (id) on delete cascade,
      position integer not null default 1 check (position between 1 and 1000),
      primary key (queue_id, agent_id)
    );
    create index queue_agent_agent_id on queue_agent (agent_id);

    create table queue_entry (
      id uuid primary key,
      interaction_id uuid not null references interaction (id) on delete cascade,
      queue_id uuid not null references queue (id) on delete restrict,
      channel text not null,
      state text not null default 'waiting' check (state in ('waiting', 'assigned', 'left')),
      priority smallint not null,
      -- [{skillId, minLevel}] asked for on top of the queue's
      skills jsonb not null default '[]',
      preferred_agent_id uuid references agent (id) on delete set null,
      from_address text not null,
      enqueued_at timestamptz not null,
      entered_at timestamptz not null,
      hops smallint not null default 0,
      agent_id uuid references agent (id) on delete restrict,
      offer_id uuid,
      left_at timestamptz,
      check ((state = 'assigned') = (agent_id is not null)),
      check ((state = 'waiting') = (left_at is null))
    );
    create unique index queue_entry_waiting on queue_entry (interaction_id) where state = 'waiting';
    create index queue_entry_interaction_id on queue_entry (interaction_id);
    create index queue_entry_queue_id on queue_entry (queue_id, enqueued_at) where state = 'waiting';

    create table offer (
      id uuid primary key,
      entry_id uuid not null references queue_entry (id) on delete cascade,
      interaction_id uuid not null references interaction (id) on delete cascade,
      queue_id uuid references queue (id) on delete restrict,
      agent_id uuid not null references agent (id) on delete restrict,
      channel text not null,
      state text not null default 'pending' check (state in ('pending', 'accepted', 'declined', 'timed-out', 'withdrawn', 'failed')),
      waited_s numeric not null,
      offered_at timestamptz not null,
      expires_at timestamptz not null,
      ended_at timestamptz,
      check ((state = 'pending') = (ended_at is null))
    );
    create index offer_interaction_id on offer (interaction_id, offered_at);
    create index offer_agent_id on offer (agent_id, offered_at);
    create index offer_pending on offer (agent_id) where state = 'pending';
    -- One place in a queue is handed to one agent, whoever asks.
    create unique index offer_accepted on offer (entry_id) where state = 'accepted';

    -- Refuses the statement (and so, in a group commit, the one row) whose guard did not hold.
    create function routing_guard(held boolean) returns boolean language plpgsql as $$
    begin
      if not held then
        raise exception 'not waiting any more' using errcode = 'check_violation', constraint = 'queue_entry_guard';
      end if;
      return true;
    end $$;

    alter table interaction add foreign key (queue_id) references queue (id) on delete restrict;
    alter table segment add foreign key (queue_id) references queue (id) on delete restrict;
    alter table disposition add foreign key (queue_id) references queue (id) on delete cascade;
  `);
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw(`
    alter table disposition drop constraint disposition_queue_id_fkey;
    alter table segment drop constraint segment_queue_id_fkey;
    alter table interaction drop constraint interaction_queue_id_fkey;
    drop function routing_guard(boolean);
    drop table offer, queue_entry, queue_agent, queue_relaxation, queue_skill, queue;
  `);
}
