import type { Knex } from 'knex';

/** People who may sign in, and their sessions. Owner: appliance/security. */
export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    create table app_user (
      id uuid primary key default gen_random_uuid(),
      version integer not null default 1,
      username text not null check (username ~ '^[a-z0-9][a-z0-9._@-]{0,63}$'),
      display_name text not null check (char_length(display_name) between 1 and 120),
      role text not null check (role in ('admin', 'supervisor', 'agent', 'auditor')),
      active boolean not null default true,
      language text not null default 'en',
      time_zone text not null default 'UTC',
      password_hash text,
      password_changed_at timestamptz,
      must_change_password boolean not null default false,
      totp_secret text,
      totp_confirmed_at timestamptz,
      totp_last_step bigint not null default 0,
      last_sign_in_at timestamptz,
      created_at timestamptz not null default now(),
      updated_at timestamptz not null default now()
    );
    create unique index app_user_username on app_user (username);
    comment on column app_user.totp_secret is 'Sealed by the box key; unconfirmed until totp_confirmed_at.';
    comment on column app_user.totp_last_step is 'RFC 6238 section 5.2: a code is taken once.';

    create table app_recovery_code (
      user_id uuid not null references app_user on delete cascade,
      code_hash bytea not null,
      used_at timestamptz,
      primary key (user_id, code_hash)
    );

    create table app_session (
      id uuid primary key,
      user_id uuid not null references app_user on delete cascade,
      token_hash bytea not null unique,
      address text not null,
      user_agent text,
      created_at timestamptz not null default now(),
      seen_at timestamptz not null default now(),
      idle_until timestamptz not null,
      ends_at timestamptz not null,
      revoked_at timestamptz,
      revoked_why text
    );
    create index app_session_user on app_session (user_id) where revoked_at is null;
    create index app_session_end on app_session (ends_at);

    create table sign_in_throttle (
      key text primary key,
      failures integer not null,
      blocked_until timestamptz,
      expires_at timestamptz not null
    );
    create index sign_in_throttle_expiry on sign_in_throttle (expires_at);
  `);
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw('drop table sign_in_throttle, app_session, app_recovery_code, app_user');
}
