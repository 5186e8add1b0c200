import type { Knex } from 'knex';

/** People at work: teams, skills, agents with their capacity, presence and its history. Owner: appliance/agents. */
export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    create table team (
      id uuid primary key default gen_random_uuid(),
      name text not null unique check (length(name) between 1 and 100),
      description text not null default '',
      version integer not null default 1,
      created_at timestamptz not null default now(),
      updated_at timestamptz not null default now()
    );

    create table skill (
      id uuid primary key default gen_random_uuid(),
      name text not null unique check (length(name) between 1 and 100),
      description text not null default '',
      version integer not null default 1,
      created_at timestamptz not null default now(),
      updated_at timestamptz not null default now()
    );

    -- capacity: {channel: how many at once}; interrupts: {channel being worked on: [channels that may still be offered]}
    create table agent (
      id uuid primary key references app_user (id) on delete restrict,
      extension text unique check (extension ~ '^[0-9*#]{1,16}$'),
      team_id uuid references team (id) on delete set null,
      capacity jsonb not null default '{"voice": 1, "callback": 1, "tty": 1, "chat": 3, "sms": 3, "social": 3, "email": 1, "fax": 1, "webform": 1, "mail": 1}',
      interrupts jsonb not null default '{"email": ["voice", "callback", "tty"], "fax": ["voice", "callback", "tty"], "webform": ["voice", "callback", "tty"], "mail": ["voice", "callback", "tty"], "chat": ["sms", "social"], "sms": ["chat", "social"], "social": ["chat", "sms"]}',
      ring_on text not null default 'all' check (ring_on in ('all', 'browser', 'phone', 'number')),
      ring_number text,
      version integer not null default 1,
      created_at timestamptz not null default now(),
      updated_at timestamptz not null default now(),
      check (ring_on <> 'number' or ring_number is not null)
    );
    create index agent_team_id on agent (team_id);

    create table agent_skill (
      agent_id uuid not null references agent (id) on delete cascade,
      skill_id uuid not null references skill (id) on delete cascade,
      level smallint not null check (level between 1 and 10),
      primary key (agent_id, skill_id)
    );
    create index agent_skill_skill_id on agent_skill (skill_id);

    -- code is what presence rows hold; system reasons are set by the router and cannot be chosen or deleted
    create table not_ready_reason (
      id uuid primary key default gen_random_uuid(),
      code text not null unique check (code ~ '^[A-Za-z0-9][A-Za-z0-9 _-]{0,39}$'),
      label text not null,
      paid boolean not null default true,
      system boolean not null default false,
      active boolean not null default true,
      position integer not null default 0,
      version integer not null default 1,
      created_at timestamptz not null default now(),
      updated_at timestamptz not null default now()
    );
    insert into not_ready_reason (code, label, paid, system, position) values
      ('RONA', 'Did not answer an offer', true, true, 1000),
      ('unreachable', 'Phone could not be reached', true, true, 1001),
      ('wrap-up', 'After work, waiting for the agent', true, true, 1002),
      ('break', 'Break', true, false, 10),
      ('lunch', 'Lunch', false, false, 20),
      ('training', 'Training', true, false, 30),
      ('meeting', 'Meeting', true, false, 40);

    create table presence (
      agent_id uuid primary key references agent (id) on delete cascade,
      state text not null check (state in ('offline', 'ready', 'not-ready')),
      reason text,
      since timestamptz not null,
      -- asked for while busy: takes effect when the work is done
      pending_state text check (pending_state in ('offline', 'not-ready')),
      pending_reason text
    );

    create table presence_change (
      id uuid primary key,
      agent_id uuid not null references agent (id) on delete restrict,
      state text not null check (state in ('offline', 'ready', 'not-ready')),
      reason text,
      at timestamptz not null,
      by text not null
    );
    create index presence_change_agent_id on presence_change (agent_id, at);

    create function refuse_change() returns trigger language plpgsql as $$
    begin
      -- Erasure and retention say what they are; everything else may only append.
      if current_setting('strongroom.erasure', true) = 'on' then
        return case tg_op when 'DELETE' then old else new end;
      end if;
      raise exception '% is append-only', tg_table_name using errcode = 'restrict_violation';
    end $$;
    create trigger presence_change_append_only before update or delete on presence_change
      for each row execute function refuse_change();
  `);
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw(`
    drop table presence_change, presence, not_ready_reason, agent_skill, agent, skill, team;
    drop function refuse_change();
  `);
}
