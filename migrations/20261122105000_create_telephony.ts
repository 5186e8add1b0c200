// Owner: telephony (trunks, phones, registrar, calls).
import type { Knex } from 'knex';

export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    create table trunk (
      id uuid primary key default gen_random_uuid(),
      name text not null unique check (length(name) between 1 and 80),
      kind text not null check (kind in ('address', 'registration')),
      host text not null check (length(host) between 1 and 255),
      port integer check (port between 1 and 65535),
      transport text not null default 'udp' check (transport in ('udp', 'tcp', 'tls')),
      -- networks (CIDR) calls may come from, besides the addresses of host
      addresses jsonb not null default '[]' check (jsonb_typeof(addresses) = 'array'),
      username text,
      -- sealed with the box key; never leaves the box
      password_sealed text,
      registrar text,
      realm text,
      -- ISO 3166: how numbers without a country code are read
      country text check (country ~ '^[A-Z]{2}$'),
      number_format text not null default 'plus' check (number_format in ('plus', 'e164', 'national')),
      caller_id jsonb not null default '{"mode": "pass"}',
      codecs jsonb not null default '["PCMA", "PCMU"]' check (jsonb_typeof(codecs) = 'array'),
      max_channels integer check (max_channels > 0),
      options_interval_s integer not null default 60 check (options_interval_s >= 0),
      enabled boolean not null default true,
      position integer not null default 0,
      version integer not null default 1,
      created_at timestamptz not null default now(),
      updated_at timestamptz not null default now(),
      check (kind = 'address' or username is not null)
    );

    -- As the voice processes see their trunks; written on change and at each check.
    create table trunk_status (
      trunk_id uuid not null references trunk (id) on delete cascade,
      instance text not null,
      up boolean not null,
      detail text not null,
      round_trip_ms numeric,
      registered_until timestamptz,
      since timestamptz not null,
      checked_at timestamptz not null,
      primary key (trunk_id, instance)
    );

    create table phone (
      id uuid primary key default gen_random_uuid(),
      label text not null check (length(label) between 1 and 80),
      kind text not null check (kind in ('sip', 'browser', 'fixed')),
      extension text check (extension ~ '^[0-9*#]{1,12}$'),
      agent_id uuid references agent (id) on delete set null,
      username text not null unique check (username ~ '^[A-Za-z0-9._~-]{1,64}$'),
      realm text not null,
      -- RFC 7616 HA1 = H(username:realm:password); null: a phone that cannot authenticate
      ha1_md5 text check (ha1_md5 ~ '^[0-9a-f]{32}$'),
      ha1_sha256 text check (ha1_sha256 ~ '^[0-9a-f]{64}$'),
      fixed_host text,
      fixed_port integer check (fixed_port between 1 and 65535),
      fixed_transport text not null default 'udp' check (fixed_transport in ('udp', 'tcp', 'tls')),
      enabled boolean not null default true,
      -- credentials of a browser session: gone by themselves
      expires_at timestamptz,
      version integer not null default 1,
      created_at timestamptz not null default now(),
      updated_at timestamptz not null default now(),
      check (kind <> 'fixed' or fixed_host is not null)
    );
    create index phone_extension on phone (extension);
    create index phone_agent_id on phone (agent_id);
    create index phone_expires_at on phone (expires_at) where expires_at is not null;

    create table registration (
      id uuid primary key,
      phone_id uuid not null references phone (id) on delete cascade,
      -- what makes a contact the same contact: its instance id, or its address without parameters
      binding text not null,
      contact text not null,
      path jsonb not null default '[]',
      transport text not null check (transport in ('udp', 'tcp', 'tls', 'ws')),
      address text not null,
      port integer not null,
      local_address text not null,
      local_port integer not null,
      -- the voice process whose connection this is
      instance text not null,
      call_id text not null,
      cseq bigint not null,
      user_agent text,
      registered_at timestamptz not null,
      expires_at timestamptz not null,
      unique (phone_id, binding)
    ) with (fillfactor = 70);
    create index registration_expires_at on registration (expires_at);

    -- What another process needs to go on with a leg. Rows live as long as their call.
    create table call_leg (
      id uuid primary key,
      instance text not null,
      direction text not null check (direction in ('in', 'out')),
      state text not null check (state in ('trying', 'ringing', 'early', 'up')),
      trunk_id uuid,
      phone_id uuid,
      peer_id uuid,
      facts jsonb not null,
      tag jsonb not null default '{}',
      created_at timestamptz not null,
      answered_at timestamptz,
      updated_at timestamptz not null default now()
    ) with (fillfactor = 50, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 2000);
    create index call_leg_instance on call_leg (instance);
  `);
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw('drop table call_leg, registration, phone, trunk_status, trunk');
}
