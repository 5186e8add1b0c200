// Finds or makes the customers of callers. Those who call in one moment are one statement, and what PostgreSQL planned for it is
// kept: looking a caller up is part of every call.
import { uuidv7 } from '#appliance/kernel/ids.ts';
import { asAppError, type Database, isConnectionError } from '#appliance/platform/postgres/index.ts';
import type { IdentityKind } from './identity.ts';
import type { CustomerRow } from './store.ts';

/** So many in one statement; the rest follows. */
const AT_MOST = 500;

// The unique identity decides a race with another process: who loses gets no row for his customer here.
const FIND_OR_MAKE = `
  with r as materialized (
    select * from jsonb_to_recordset($1::jsonb) as r(id uuid, "identityId" uuid, kind text, value text)
  ), found as materialized (
    select r.id as asked, c.id, c.name, c.company, c.language, c.notes, c.attributes
    from r join identity i on i.kind = r.kind and i.value = r.value join customer c on c.id = i.customer_id
  ), missing as materialized (
    select r.* from r where not exists (select 1 from found f where f.asked = r.id)
  ), made as (
    insert into customer (id) select id from missing returning id, name, company, language, notes, attributes
  ), named as (
    insert into identity (id, customer_id, kind, value) select "identityId", id, kind, value from missing
    on conflict (kind, value) do nothing returning customer_id
  )
  select * from found union all
  select m.id as asked, m.id, m.name, m.company, m.language, m.notes, m.attributes from made m join named n on n.customer_id = m.id`;

interface Asked {
  kind: IdentityKind;
  value: string;
  promise: Promise<CustomerRow>;
  resolve(row: CustomerRow): void;
  reject(error: unknown): void;
}

/** @param db a pool of one connection serves best: it has the plan. */
export function createFinder(db: Database): (kind: IdentityKind, value: string) => Promise<CustomerRow> {
  let waiting = new Map<string, Asked>();
  let asking = new Map<string, Asked>();
  let running = false;

  async function query(name: string, text: string, value: unknown): Promise<{ asked: string }[]> {
    const client = await db.client.acquireConnection();
    try {
      return (await client.query({ name, text, values: [JSON.stringify(value)] })).rows;
    } catch (error) {
      // knex's pool asks a connection for this mark before it lends it out again.
      if (isConnectionError(error)) client.__knex__disposed = new Error('connection lost');
      throw error;
    } finally {
      await db.client.releaseConnection(client);
    }
  }

  async function run(): Promise<void> {
    while (waiting.size > 0) {
      const all = [...waiting];
      asking = new Map(all.slice(0, AT_MOST));
      waiting = new Map(all.slice(AT_MOST));
      try {
        await answer(asking);
      } catch (error) {
        for (const one of asking.values()) one.reject(asAppError(error));
      }
      asking = new Map();
    }
    running = false;
  }

  async function answer(group: Map<string, Asked>): Promise<void> {
    const rows = new Map([...group].map(([key, { kind, value }]) => [uuidv7(), { key, kind, value }]));
    const given = [...rows].map(([id, { kind, value }]) => ({ id, identityId: uuidv7(), kind, value }));
    const found = (await query('customer:find-or-make', FIND_OR_MAKE, given)) as (CustomerRow & { asked: string })[];
    for (const { asked, ...row } of found) {
      const { key } = rows.get(asked)!;
      group.get(key)!.resolve(row);
      rows.delete(asked);
    }
    if (rows.size === 0) return;
    // Somebody else made them in this moment: ours go, theirs are read in the next turn.
    await db('customer')
      .whereIn('id', [...rows.keys()])
      .delete();
    for (const { key } of rows.values()) waiting.set(key, group.get(key)!);
  }

  return (kind, value) => {
    const key = `${kind} ${value}`;
    const known = waiting.get(key) ?? asking.get(key);
    if (known) return known.promise;
    const asked: Asked = { kind, value, ...Promise.withResolvers<CustomerRow>() };
    waiting.set(key, asked);
    if (!running) {
      running = true;
      setImmediate(() => void run());
    }
    return asked.promise;
  };
}
