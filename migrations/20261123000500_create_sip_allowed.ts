// Owner: telephony (guard).
import type { Knex } from 'knex';

export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    create table sip_allowed (
      id uuid primary key default gen_random_uuid(),
      version integer not null default 1,
      created_at timestamptz not null default now(),
      updated_at timestamptz not null default now(),
      -- an address or a network that is never refused and never banned
      network text not null unique check (length(network) between 1 and 64),
      note text not null default ''
    )
  `);
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw('drop table sip_allowed');
}
