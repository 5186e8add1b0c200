// Owner: telephony (trunks).
import type { Knex } from 'knex';

export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    alter table trunk
      -- How the far side is told that a call of ours is forwarded; null: not at all.
      add column forwarded_as text check (forwarded_as in ('diversion', 'history-info')),
      -- Encrypted audio, asked for over TLS only.
      add column srtp text not null default 'offer' check (srtp in ('off', 'offer', 'require'))
  `);
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw('alter table trunk drop column srtp, drop column forwarded_as');
}
