// Owner: telephony (subscriptions, registrar, phones).
import type { Knex } from 'knex';

export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    -- What another process needs to go on with a phone's subscription (RFC 6665). Rows live as long as it does.
    create table subscription (
      id uuid primary key,
      instance text not null,
      phone_id uuid not null references phone (id) on delete cascade,
      package text not null check (package in ('message-summary', 'dialog')),
      -- whose calls or messages
      extension text not null,
      -- the id parameter of its Event field
      event_id text,
      -- of the next document, rows are not written for each
      version integer not null,
      facts jsonb not null,
      expires_at timestamptz not null
    ) with (fillfactor = 70);
    create index subscription_instance on subscription (instance);
    create index subscription_phone_id on subscription (phone_id);

    -- Whether a phone answers OPTIONS there. Null: it never has.
    alter table registration
      add column reachable boolean,
      add column round_trip_ms numeric,
      add column reach_since timestamptz;

    -- Phones that expect to be told of messages without having asked (before RFC 3842 was everywhere).
    alter table phone add column unsolicited_mwi boolean not null default false;
  `);
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw(`
    alter table phone drop column unsolicited_mwi;
    alter table registration drop column reachable, drop column round_trip_ms, drop column reach_since;
    drop table subscription;
  `);
}
