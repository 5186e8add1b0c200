import type { Knex } from 'knex';

/** Another telephone system may call us by name (sip:sales@box) instead of a number. Owner: appliance/flows. */
export async function up(knex: Knex): Promise<void> {
  await knex.raw('alter table did drop constraint did_number_e164');
  await knex.raw(
    `alter table did add constraint did_number_or_name check (number ~ '^(\\+[1-9][0-9]{1,14}|[a-z][a-z0-9._-]{0,39})$')`,
  );
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw('alter table did drop constraint did_number_or_name');
  await knex.raw(`alter table did add constraint did_number_e164 check (number ~ '^\\+[1-9][0-9]{1,14}$')`);
}
