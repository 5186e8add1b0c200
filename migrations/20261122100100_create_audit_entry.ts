import type { Knex } from 'knex';

/** The audit chain: each entry carries the hash of the one before. Owner: appliance/security. */
export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    create table audit_entry (
      seq bigint primary key check (seq > 0),
      at timestamptz(3) not null,
      actor_id uuid,
      actor text,
      address text,
      action text not null,
      entity text not null,
      entity_id text,
      details jsonb not null default '{}',
      prev_hash bytea not null check (octet_length(prev_hash) = 32),
      hash bytea not null unique check (octet_length(hash) = 32)
    );
    create index audit_entry_at on audit_entry (at);
    create index audit_entry_entity on audit_entry (entity, entity_id);
    create index audit_entry_actor on audit_entry (actor_id);

    create function audit_entry_is_append_only() returns trigger language plpgsql as $$
    begin
      raise exception 'audit entries are never changed or removed' using errcode = 'insufficient_privilege';
    end $$;
    create trigger audit_entry_no_change before update or delete on audit_entry
      for each row execute function audit_entry_is_append_only();
    create trigger audit_entry_no_truncate before truncate on audit_entry
      for each statement execute function audit_entry_is_append_only();
  `);
}

export async function down(): Promise<void> {
  throw new Error('The audit chain cannot be rebuilt: it is not dropped');
}
