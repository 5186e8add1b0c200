// Owner: interactions, customers.
import type { Knex } from 'knex';

// An index over words gathers what is new in a list and takes it in when the list is full. With PostgreSQL's 4 MiB that is a
// pause of up to 400 ms for whoever comes last, with every commit behind it; in small portions the same work is not noticed.
const INDEXES = ['interaction_from_words', 'interaction_to_words', 'interaction_notes_words', 'customer_name_words'];

export async function up(knex: Knex): Promise<void> {
  for (const index of INDEXES) await knex.raw('alter index ?? set (gin_pending_list_limit = 128)', [index]);
}

export async function down(knex: Knex): Promise<void> {
  for (const index of INDEXES) await knex.raw('alter index ?? reset (gin_pending_list_limit)', [index]);
}
