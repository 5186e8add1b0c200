import { AppError } from '#appliance/kernel/errors.ts';
import { uuidv7 } from '#appliance/kernel/ids.ts';
import type { Database } from '#appliance/platform/postgres/index.ts';

export interface FollowUp {
  id: string;
  interactionId: string;
  channel: string;
  /** The customer's side of the contact, to call or write to. */
  address: string;
  customerName: string | null;
  queueName: string | null;
  dueAt: Date;
  note: string;
  doneAt: Date | null;
}

const MOST_SHOWN = 200;

/** All SQL of follow-ups: an agent has at most one for a contact. */
export function createFollowUps(db: Database) {
  async function read(where: string, values: unknown[]): Promise<FollowUp[]> {
    const { rows } = await db.raw(
      `select f.id, f.interaction_id as "interactionId", i.channel, f.due_at as "dueAt", f.note, f.done_at as "doneAt",
         case i.direction when 'in' then i.from_address else i.to_address end as address,
         c.name as "customerName", q.name as "queueName"
       from follow_up f join interaction i on i.id = f.interaction_id
       left join customer c on c.id = i.customer_id left join queue q on q.id = i.queue_id
       where ${where} order by f.done_at is not null, f.due_at, f.id limit ${MOST_SHOWN}`,
      values as string[],
    );
    return rows;
  }

  async function one(agentId: string, interactionId: string): Promise<FollowUp> {
    const [found] = await read('f.agent_id = ? and f.interaction_id = ?', [agentId, interactionId]);
    if (!found) throw new AppError('not-found', 'follow-up-unknown', 'There is no such follow-up');
    return found;
  }

  return {
    /** What is open, the most urgent first, and after it what was done since then. */
    of: (agentId: string, doneSince: Date) =>
      read('f.agent_id = ? and (f.done_at is null or f.done_at >= ?)', [agentId, doneSince]),

    async set(
      agentId: string,
      interactionId: string,
      { dueAt, note }: { dueAt: Date; note: string },
    ): Promise<FollowUp> {
      if (!(await db('interaction').where({ id: interactionId }).first('id')))
        throw new AppError('not-found', 'not-found', 'There is no such interaction');
      await db('follow_up')
        .insert({ id: uuidv7(), interaction_id: interactionId, agent_id: agentId, due_at: dueAt, note, done_at: null })
        .onConflict(['agent_id', 'interaction_id'])
        .merge(['due_at', 'note', 'done_at']);
      return await one(agentId, interactionId);
    },

    async settle(agentId: string, id: string, done: boolean): Promise<FollowUp> {
      const [row] = await db('follow_up')
        .where({ agent_id: agentId, id })
        .update({ done_at: done ? db.raw('coalesce(done_at, now())') : null })
        .returning('interaction_id');
      if (!row) throw new AppError('not-found', 'follow-up-unknown', 'There is no such follow-up');
      return await one(agentId, row.interaction_id);
    },

    async remove(agentId: string, interactionId: string): Promise<void> {
      await db('follow_up').where({ agent_id: agentId, interaction_id: interactionId }).delete();
    },
  };
}
