// Owner: telephony (guard).
import type { Knex } from 'knex';

export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    create table sip_ban (
      id uuid primary key,
      -- an address, or a /64 of IPv6
      source text not null unique check (length(source) between 1 and 64),
      reason text not null check (reason in ('flood', 'unknown-user', 'wrong-password', 'scanner', 'manual')),
      detail text not null default '',
      -- how many times it was banned: each time it lasts longer
      count integer not null default 1,
      since timestamptz not null,
      -- null: until somebody lifts it
      until timestamptz
    );
    create index sip_ban_until on sip_ban (until);
  `);
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw('drop table sip_ban');
}
