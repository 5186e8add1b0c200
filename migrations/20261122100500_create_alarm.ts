import type { Knex } from 'knex';

/** What a person should look at, until it is over. Owner: appliance/realtime. */
export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    create table alarm (
      id uuid primary key,
      kind text not null check (kind ~ '^[a-z][a-z0-9.-]{0,63}$'),
      subject text not null default '',
      severity text not null check (severity in ('info', 'warning', 'critical')),
      text text not null,
      data jsonb not null default '{}',
      count integer not null default 1,
      raised_at timestamptz not null default now(),
      last_at timestamptz not null default now(),
      acknowledged_by text,
      acknowledged_at timestamptz,
      cleared_at timestamptz
    );
    create unique index alarm_open on alarm (kind, subject) where cleared_at is null;
    create index alarm_raised on alarm (raised_at);
    comment on column alarm.subject is 'What it is about: a trunk id, an interaction id. One open alarm per kind and subject.';
  `);
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw('drop table alarm');
}
