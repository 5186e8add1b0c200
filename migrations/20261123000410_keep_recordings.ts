import type { Knex } from 'knex';

/** How long recordings are kept, what must not go, and what people noted while listening. Owner: appliance/recordings. */
export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    -- null: kept until somebody deletes it
    alter table recording_rule add column retention_days integer check (retention_days between 1 and 36500);

    alter table recording
      add column hold_reason text,
      add column hold_at timestamptz,
      add column hold_by uuid references app_user (id) on delete set null,
      add column deleted_at timestamptz,
      -- null: by the rule's retention
      add column deleted_by uuid references app_user (id) on delete set null,
      add column deleted_reason text,
      add constraint recording_hold check ((hold_at is null) = (hold_reason is null)),
      add constraint recording_held_stays check (state <> 'deleted' or hold_at is null);
    create index recording_kept on recording (rule_id, started_at) where state in ('ready', 'failed') and hold_at is null;
    -- Deleted, but its file is still to be removed.
    create index recording_leftover on recording (deleted_at) where state = 'deleted' and file_hash is not null;
    create index recording_file on recording (file_hash) where file_hash is not null;

    create table recording_note (
      id uuid primary key,
      recording_id uuid not null references recording (id) on delete cascade,
      at_s numeric(12, 3) not null check (at_s >= 0),
      text text not null check (length(text) between 1 and 2000),
      by_id uuid references app_user (id) on delete set null,
      made_at timestamptz not null
    );
    create index recording_note_recording_id on recording_note (recording_id, at_s);
  `);
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw(`
    drop table recording_note;
    drop index recording_kept, recording_leftover, recording_file;
    alter table recording drop constraint recording_hold, drop constraint recording_held_stays, drop column hold_reason, drop column hold_at,
      drop column hold_by, drop column deleted_at, drop column deleted_by, drop column deleted_reason;
    alter table recording_rule drop column retention_days;
  `);
}
