import type { Knex } from 'knex';

/** The customer file: who contacts us, under which identities, and what they consented to. Owner: appliance/customers. */
export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    create table customer (
      id uuid primary key default gen_random_uuid(),
      name text check (length(name) between 1 and 200),
      company text,
      language text,
      notes text not null default '',
      attributes jsonb not null default '{}',
      version integer not null default 1,
      created_at timestamptz not null default now(),
      updated_at timestamptz not null default now()
    );
    create index customer_name on customer (lower(name) text_pattern_ops);

    -- value is normalised by its kind: phone in E.164, email in lower case
    create table identity (
      id uuid primary key default gen_random_uuid(),
      customer_id uuid not null references customer (id) on delete cascade,
      kind text not null check (kind in ('phone', 'email', 'chat', 'social', 'account', 'address')),
      value text not null check (length(value) between 1 and 320),
      label text,
      created_at timestamptz not null default now(),
      unique (kind, value)
    );
    create index identity_customer_id on identity (customer_id);

    -- the newest row of a kind counts
    create table consent (
      id uuid primary key default gen_random_uuid(),
      customer_id uuid not null references customer (id) on delete cascade,
      kind text not null check (length(kind) between 1 and 60),
      granted boolean not null,
      source text not null,
      interaction_id uuid,
      at timestamptz not null default now()
    );
    create index consent_customer_id on consent (customer_id, kind, at desc);
    create trigger consent_append_only before update on consent for each row execute function refuse_change();
  `);
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw('drop table consent, identity, customer');
}
