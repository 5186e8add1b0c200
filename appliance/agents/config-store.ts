import {
  type CrudRow,
  type CrudStore,
  type Database,
  type Parts,
  tableStore,
  withParts,
} from '#appliance/platform/postgres/index.ts';
import type { AgentRow } from './store.ts';

export interface SkillConfig extends CrudRow {
  name: string;
  description: string;
}

export interface TeamConfig extends SkillConfig {
  /** Where its day ends; null: with the box's. */
  timeZone: string | null;
}

export interface ReasonConfig extends CrudRow {
  code: string;
  label: string;
  paid: boolean;
  system: boolean;
  active: boolean;
  position: number;
}

export interface AgentConfig extends CrudRow {
  extension: string | null;
  teamId: string | null;
  capacity: AgentRow['capacity'];
  interrupts: AgentRow['interrupts'];
  ringOn: AgentRow['ringOn'];
  ringNumber: string | null;
  skills: { skillId: string; level: number }[];
  /** The account's; read only. */
  name: string;
  username: string;
  active: boolean;
}

/** Configuration of people at work, for the API and for seeds. */
export function createConfigStores(db: Database): {
  teams: CrudStore<TeamConfig>;
  skills: CrudStore<SkillConfig>;
  reasons: CrudStore<ReasonConfig>;
  agents: CrudStore<AgentConfig>;
} {
  const named = { columns: ['name', 'description'], search: ['name'], order: 'name' };
  const agents = tableStore<AgentConfig>(db, {
    table: 'agent',
    columns: ['extension', 'team_id', 'capacity', 'interrupts', 'ring_on', 'ring_number'],
    json: ['capacity', 'interrupts'],
    search: ['extension'],
  });
  return {
    teams: tableStore(db, { table: 'team', ...named, columns: [...named.columns, 'time_zone'] }),
    skills: tableStore(db, { table: 'skill', ...named }),
    reasons: tableStore(db, {
      table: 'not_ready_reason',
      columns: ['code', 'label', 'paid', 'active', 'position'],
      readOnly: ['system'],
      search: ['code', 'label'],
      order: 'position',
    }),
    agents: withParts(db, agents, AGENT_PARTS),
  };
}

const AGENT_PARTS: Parts<AgentConfig> = {
  async read(db, ids) {
    const { rows } = await db.raw(
      `select a.id, u.username, u.display_name as name, u.active,
         coalesce((select jsonb_agg(jsonb_build_object('skillId', k.skill_id, 'level', k.level) order by k.skill_id)
           from agent_skill k where k.agent_id = a.id), '[]') as skills
       from agent a join app_user u on u.id = a.id where a.id = any(?)`,
      [ids],
    );
    return new Map(rows.map(({ id, ...parts }: AgentConfig) => [id, parts]));
  },
  async write(db, id, { skills }) {
    if (!skills) return;
    await db('agent_skill').where({ agent_id: id }).delete();
    if (skills.length === 0) return;
    await db('agent_skill').insert(skills.map(({ skillId, level }) => ({ agent_id: id, skill_id: skillId, level })));
  },
};
