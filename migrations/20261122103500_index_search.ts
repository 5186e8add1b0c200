import type { Knex } from 'knex';

/** Finding interactions by a piece of a number, a name or a note; filters that people keep. Owner: appliance/interactions. */
export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    create extension if not exists pg_trgm;
    create index interaction_from_words on interaction using gin (from_address gin_trgm_ops);
    create index interaction_to_words on interaction using gin (to_address gin_trgm_ops);
    create index interaction_notes_words on interaction using gin (notes gin_trgm_ops) where notes is not null;
    create index customer_name_words on customer using gin (name gin_trgm_ops);

    create table saved_filter (
      id uuid primary key,
      user_id uuid not null references app_user (id) on delete cascade,
      name text not null check (length(name) between 1 and 60),
      -- what stands behind the ? of the page's address
      query text not null check (length(query) <= 1000),
      created_at timestamptz not null default now(),
      unique (user_id, name)
    );
  `);
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw(`
    drop table saved_filter;
    drop index interaction_from_words, interaction_to_words, interaction_notes_words, customer_name_words;
  `);
}
