import type { Database } from '#appliance/platform/postgres/index.ts';
import { asAppError } from '#appliance/platform/postgres/index.ts';

/** One queue or skill that is other than usual for a while. */
export interface TodayChange {
  queueId: string | null;
  skillId: string | null;
  /** The queue's position or the skill's level; null: not this one for now. */
  amount: number | null;
  until: Date;
  byName: string | null;
}

/** What counts until the end of a day. Rows that are over count no more, whoever may or may not have removed them. */
export function createTodayStore(db: Database) {
  return {
    async of(agentId: string, now: Date): Promise<TodayChange[]> {
      const { rows } = await db.raw(
        `select t.queue_id as "queueId", t.skill_id as "skillId", t.amount, t.until, u.display_name as "byName"
         from agent_today t left join app_user u on u.id = t.by_id where t.agent_id = ? and t.until > ? order by t.made_at, t.id`,
        [agentId, now],
      );
      return rows;
    },

    /** The zone of the agent's team; null when it has none of its own, undefined when there is no such agent. */
    async timeZone(agentId: string): Promise<string | null | undefined> {
      const row = await db('agent as a')
        .leftJoin('team as t', 't.id', 'a.team_id')
        .where('a.id', agentId)
        .first('t.time_zone');
      return row ? (row.time_zone as string | null) : undefined;
    },

    /** These and no others; what is as usual anyway is not kept. */
    async replace(
      agentId: string,
      changes: { queueId?: string; skillId?: string; amount: number | null }[],
      { until, by }: { until: Date; by: string },
    ): Promise<void> {
      try {
        await db.transaction(async (trx) => {
          // One at a time per agent.
          await trx('agent').where({ id: agentId }).forUpdate().first('id');
          await trx('agent_today').where({ agent_id: agentId }).delete();
          if (changes.length === 0) return;
          const rows = changes.map(({ queueId, skillId, amount }) => ({
            ...{ agent_id: agentId, queue_id: queueId ?? null, skill_id: skillId ?? null, amount, until, by_id: by },
          }));
          await trx('agent_today').insert(rows);
          await trx.raw(
            `delete from agent_today t where t.agent_id = ? and (
               t.queue_id is not null and t.amount is not distinct from
                 (select q.position from queue_agent q where q.queue_id = t.queue_id and q.agent_id = t.agent_id)
               or t.skill_id is not null and t.amount is not distinct from
                 (select k.level from agent_skill k where k.skill_id = t.skill_id and k.agent_id = t.agent_id))`,
            [agentId],
          );
        });
      } catch (error) {
        throw asAppError(error);
      }
    },

    /** When the next of all these ends. */
    async nextEnd(now: Date): Promise<Date | undefined> {
      const { rows } = await db.raw('select min(until) as at from agent_today where until > ?', [now]);
      return rows[0]?.at ?? undefined;
    },
  };
}
