// Owner: the box itself (roles/backups).
import type { Knex } from 'knex';

export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    -- one row: when backups are made, where they lie, how many are kept
    create table backup_plan (
      "only" boolean primary key default true check ("only"),
      version integer not null default 1,
      enabled boolean not null default true,
      -- of the day, in the zone of the box
      at_time text not null default '03:00' check (at_time ~ '^([01][0-9]|2[0-3]):[0-5][0-9]$'),
      -- null: the folder backups/ in the data folder
      folder text,
      keep integer not null default 7 check (keep between 1 and 365),
      verify boolean not null default true,
      -- an alarm when the last good one is older; null: none
      max_age_h integer default 48 check (max_age_h between 1 and 8760),
      created_at timestamptz not null default now()
    );
    insert into backup_plan default values;
    create table backup_run (
      id uuid primary key,
      state text not null default 'waiting' check (state in ('waiting', 'running', 'done', 'failed')),
      -- null: by the plan
      asked_by text,
      verify boolean not null,
      asked_at timestamptz not null,
      started_at timestamptz,
      finished_at timestamptz,
      stage text not null default '',
      share real not null default 0,
      file text not null,
      bytes bigint,
      row_count bigint,
      -- null: not tried
      verified boolean,
      said text not null default '',
      removed_at timestamptz
    );
    create index backup_run_asked_at on backup_run (asked_at desc);
  `);
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw('drop table backup_run; drop table backup_plan');
}
