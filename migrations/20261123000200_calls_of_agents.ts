import type { Knex } from 'knex';

/** Forwarding and ringing patterns of agents, their voicemail, numbers of their own; parking; tries of a call-back. Owner: appliance/agents, channels/voice, routing, flows. */
export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    -- forwarding: {always, busy, noAnswer, notRegistered: target or null, noAnswerAfterS}; ring_pattern: [{device, afterS, forS}]
    alter table agent add column forwarding jsonb, add column ring_pattern jsonb;

    alter table queue
      add column distinctive_ring text check (distinctive_ring ~ '^[a-z0-9-]{1,32}$'),
      add column callback_attempts smallint not null default 3 check (callback_attempts between 1 and 10),
      add column callback_interval_s integer not null default 900 check (callback_interval_s between 0 and 86400);

    -- A call-back whose customer did not answer keeps its place, and is not offered before this moment.
    alter table queue_entry add column not_before timestamptz;

    alter table did drop constraint did_one_target;
    alter table did add column agent_id uuid references agent (id) on delete restrict;
    alter table did add constraint did_one_target check (num_nonnulls(flow_id, queue_id, agent_id) = 1);

    alter table segment drop constraint segment_kind_check;
    alter table segment add constraint segment_kind_check
      check (kind in ('flow', 'queue', 'dial', 'agent', 'hold', 'consult', 'wrap-up', 'voicemail', 'parked'));

    create table voicemail (
      id uuid primary key,
      agent_id uuid not null references agent (id) on delete cascade,
      interaction_id uuid not null references interaction (id) on delete cascade,
      recording_id uuid not null unique,
      from_address text not null,
      left_at timestamptz not null,
      duration_s numeric not null,
      heard_at timestamptz
    );
    create index voicemail_agent_id on voicemail (agent_id, left_at desc, id desc);
  `);
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw(`
    drop table voicemail;
    delete from segment where kind = 'parked';
    alter table segment drop constraint segment_kind_check;
    alter table segment add constraint segment_kind_check
      check (kind in ('flow', 'queue', 'dial', 'agent', 'hold', 'consult', 'wrap-up', 'voicemail'));
    delete from did where agent_id is not null;
    alter table did drop constraint did_one_target;
    alter table did drop column agent_id;
    alter table did add constraint did_one_target check (num_nonnulls(flow_id, queue_id) = 1);
    alter table queue_entry drop column not_before;
    alter table queue drop column distinctive_ring, drop column callback_attempts, drop column callback_interval_s;
    alter table agent drop column forwarding, drop column ring_pattern;
  `);
}
