import { AppError } from '#appliance/kernel/errors.ts';
import {
  asAppError,
  type CrudRow,
  type CrudStore,
  type Database,
  type Parts,
  tableStore,
  withParts,
} from '#appliance/platform/postgres/index.ts';
import type { QueueConfig } from './types.ts';

/** A queue as people configure it; who serves it is kept apart. */
export type QueueRow = CrudRow &
  Omit<QueueConfig, 'id' | 'members'> & {
    description: string;
    shortAbandonS: number;
    serviceLevelTarget: number;
    serviceLevelFormula: string;
    script: string;
  };

const COLUMNS = [
  ...['name', 'description', 'active', 'strategy', 'priority', 'ageing_s', 'answer_within_s', 'short_abandon_s'],
  ...[
    'service_level_target',
    'service_level_formula',
    'offer_timeout_s',
    'rona_limit',
    'last_agent_wait_s',
    'max_waiting',
  ],
  ...['max_wait_s', 'overflow', 'hours_id', 'wrap_up', 'wrap_up_s', 'wrap_up_extension_s', 'after_wrap_up'],
  ...['disposition_required', 'announcements', 'recording_rule_id', 'script', 'distinctive_ring'],
  ...['callback_attempts', 'callback_interval_s'],
];

const PARTS: Parts<QueueRow> = {
  async read(db, ids) {
    const { rows } = await db.raw(
      `select q.id,
         coalesce((select jsonb_agg(jsonb_build_object('skillId', s.skill_id, 'minLevel', s.min_level) order by s.skill_id)
           from queue_skill s where s.queue_id = q.id), '[]') as skills,
         coalesce((select jsonb_agg(jsonb_build_object('skillId', x.skill_id, 'afterS', x.after_s, 'minLevel', x.min_level)
           order by x.skill_id, x.after_s) from queue_relaxation x where x.queue_id = q.id), '[]') as relaxations
       from queue q where q.id = any(?)`,
      [ids],
    );
    return new Map(rows.map(({ id, ...parts }: QueueRow) => [id, parts]));
  },
  async write(db, id, { skills, relaxations }) {
    if (!skills && !relaxations) return;
    const kept = relaxations ?? (await PARTS.read(db, [id])).get(id)?.relaxations ?? [];
    await db('queue_relaxation').where({ queue_id: id }).delete();
    if (skills) {
      await db('queue_skill').where({ queue_id: id }).delete();
      if (skills.length > 0) {
        await db('queue_skill').insert(
          skills.map(({ skillId, minLevel }) => ({ queue_id: id, skill_id: skillId, min_level: minLevel })),
        );
      }
    }
    // A relaxation goes with its skill.
    const asked = new Set<string>(
      (skills ?? (await PARTS.read(db, [id])).get(id)?.skills ?? []).map((one) => one.skillId),
    );
    const rows = kept.filter(({ skillId }) => relaxations !== undefined || asked.has(skillId));
    if (rows.length === 0) return;
    await db('queue_relaxation').insert(
      rows.map(({ skillId, afterS, minLevel }) => ({
        queue_id: id,
        skill_id: skillId,
        after_s: afterS,
        min_level: minLevel,
      })),
    );
  },
};

export interface Membership {
  queueId: string;
  agentId: string;
  position: number;
}

/** Configuration of queues and of who serves them, for the API and for seeds. */
export function createConfigStore(db: Database) {
  const base = tableStore<QueueRow>(db, {
    table: 'queue',
    columns: COLUMNS,
    json: ['overflow', 'announcements'],
    search: ['name', 'description'],
    order: 'name',
  });

  async function replace(where: { queue_id: string } | { agent_id: string }, rows: Membership[]): Promise<void> {
    try {
      await db.transaction(async (trx) => {
        await trx('queue_agent').where(where).delete();
        if (rows.length === 0) return;
        await trx('queue_agent').insert(
          rows.map(({ queueId, agentId, position }) => ({ queue_id: queueId, agent_id: agentId, position })),
        );
      });
    } catch (error) {
      throw asAppError(error);
    }
  }

  async function memberships(where: Record<string, string>): Promise<Membership[]> {
    return await db('queue_agent')
      .where(where)
      .orderBy(['position', 'queue_id', 'agent_id'])
      .select({ queueId: 'queue_id', agentId: 'agent_id', position: 'position' });
  }

  return {
    queues: withParts(db, base, PARTS) as CrudStore<QueueRow>,
    members: (queueId: string) => memberships({ queue_id: queueId }),
    setMembers: (queueId: string, members: { agentId: string; position: number }[]) =>
      replace(
        { queue_id: queueId },
        members.map((member) => ({ ...member, queueId })),
      ),
    queuesOf: (agentId: string) => memberships({ agent_id: agentId }),
    setQueuesOf: (agentId: string, queues: { queueId: string; position: number }[]) =>
      replace(
        { agent_id: agentId },
        queues.map((queue) => ({ ...queue, agentId })),
      ),
    async mustExist(table: 'queue' | 'agent', id: string): Promise<void> {
      if (!(await db(table).where({ id }).first('id'))) {
        throw new AppError('not-found', 'not-found', `There is no ${table} ${id}`);
      }
    },
    /** For the live page. */
    async names(): Promise<{ id: string; name: string }[]> {
      return await db('queue').where({ active: true }).orderBy('name').select('id', 'name');
    },
  };
}
