import type { Knex } from 'knex';

/** The spine: interactions, their segments (facts) and events, dispositions. Owner: appliance/interactions. */
export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    create table interaction (
      id uuid primary key,
      channel text not null check (channel in ('voice', 'email', 'chat', 'sms', 'fax', 'tty', 'webform', 'mail', 'social', 'callback')),
      direction text not null check (direction in ('in', 'out', 'internal')),
      state text not null check (state in ('flow', 'waiting', 'offered', 'active', 'wrap-up', 'ended')),
      from_address text not null,
      to_address text not null,
      customer_id uuid references customer (id) on delete set null,
      queue_id uuid,
      agent_id uuid references agent (id) on delete restrict,
      did text,
      trunk_id uuid,
      language text,
      disposition text,
      notes text,
      created_at timestamptz not null,
      answered_at timestamptz,
      ended_at timestamptz,
      end_reason text,
      check (ended_at is null or ended_at >= created_at),
      check (state <> 'ended' or ended_at is not null)
    );
    create index interaction_live on interaction (created_at) where state <> 'ended';
    create index interaction_created_at on interaction (created_at desc, id desc);
    create index interaction_customer_id on interaction (customer_id, created_at desc);
    create index interaction_agent_id on interaction (agent_id, created_at desc);
    create index interaction_queue_id on interaction (queue_id, created_at desc);

    create table segment (
      id uuid primary key,
      interaction_id uuid not null references interaction (id) on delete cascade,
      kind text not null check (kind in ('flow', 'queue', 'dial', 'agent', 'hold', 'consult', 'wrap-up', 'voicemail')),
      queue_id uuid,
      agent_id uuid references agent (id) on delete restrict,
      flow_version_id uuid,
      started_at timestamptz not null,
      ended_at timestamptz,
      end_reason text check (end_reason in ('answered', 'abandoned', 'overflow', 'timed-out', 'callback', 'voicemail', 'queued',
        'transferred', 'hold', 'resumed', 'completed', 'failed', 'rejected', 'pulled', 'restarted')),
      duration_s numeric generated always as (extract(epoch from (ended_at - started_at))) stored,
      check (ended_at >= started_at),
      check ((ended_at is null) = (end_reason is null)),
      check (kind not in ('agent', 'hold', 'consult', 'wrap-up') or agent_id is not null),
      check (kind <> 'queue' or queue_id is not null)
    );
    -- An interaction is in one place. A consultation runs beside it, and so does the wrap-up of an agent who transferred it.
    create unique index segment_one_open on segment (interaction_id)
      where ended_at is null and kind not in ('consult', 'wrap-up');
    create index segment_interaction_id on segment (interaction_id, started_at);
    create index segment_queue on segment (queue_id, started_at) where kind = 'queue';
    create index segment_agent on segment (agent_id, started_at) where agent_id is not null;
    create index segment_open on segment (started_at) where ended_at is null;

    create function keep_closed_segment() returns trigger language plpgsql as $$
    begin
      if current_setting('strongroom.erasure', true) = 'on' then
        return case tg_op when 'DELETE' then old else new end;
      end if;
      if tg_op = 'DELETE' then
        raise exception 'segment % is a fact and stays', old.id using errcode = 'restrict_violation';
      end if;
      if old.ended_at is not null then
        raise exception 'segment % is closed and never changes', old.id using errcode = 'restrict_violation';
      end if;
      if (new.id, new.interaction_id, new.kind, new.queue_id, new.agent_id, new.flow_version_id, new.started_at)
         is distinct from (old.id, old.interaction_id, old.kind, old.queue_id, old.agent_id, old.flow_version_id, old.started_at) then
        raise exception 'segment % can only be closed', old.id using errcode = 'restrict_violation';
      end if;
      return new;
    end $$;
    create trigger segment_closed before update or delete on segment for each row execute function keep_closed_segment();

    create table interaction_event (
      id uuid primary key,
      interaction_id uuid not null references interaction (id) on delete cascade,
      at timestamptz not null,
      type text not null check (length(type) between 1 and 60),
      data jsonb not null default '{}'
    );
    create index interaction_event_interaction_id on interaction_event (interaction_id, at, id);
    create trigger interaction_event_append_only before update or delete on interaction_event
      for each row execute function refuse_change();

    -- queue_id null: offered in every queue
    create table disposition (
      id uuid primary key default gen_random_uuid(),
      code text not null check (code ~ '^[A-Za-z0-9][A-Za-z0-9 _-]{0,59}$'),
      label text not null check (length(label) between 1 and 100),
      queue_id uuid,
      active boolean not null default true,
      position integer not null default 0,
      version integer not null default 1,
      created_at timestamptz not null default now(),
      updated_at timestamptz not null default now()
    );
    create unique index disposition_code on disposition (code, coalesce(queue_id, '00000000-0000-0000-0000-000000000000'));
  `);
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw(`
    drop table disposition, interaction_event, segment, interaction;
    drop function keep_closed_segment();
  `);
}
