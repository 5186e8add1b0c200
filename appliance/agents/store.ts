import type { Forwarding, RingTurn } from '#appliance/contract/calls.ts';
import type { Channel, PresenceState } from '#appliance/contract/work.ts';
import type { Batch, Database } from '#appliance/platform/postgres/index.ts';

/** An agent as routing and telephony need one. */
export interface AgentRow {
  id: string;
  username: string;
  name: string;
  /** False when the user was switched off: never offered anything. */
  active: boolean;
  extension: string | null;
  teamId: string | null;
  teamName: string | null;
  /** How many interactions of each channel at once; a channel that is missing is not taken. */
  capacity: Partial<Record<Channel, number>>;
  /** While working on the key's channel, which channels may be offered all the same. */
  interrupts: Partial<Record<Channel, Channel[]>>;
  ringOn: 'all' | 'browser' | 'phone' | 'number';
  ringNumber: string | null;
  /** How the devices ring; null: all that `ringOn` names at once. */
  ringPattern: RingTurn[] | null;
  /** Where calls for them go on to; never those of queues. */
  forwarding: Forwarding | null;
  /** Skill id to level 1-10, as it counts now. */
  skills: Record<string, number>;
  /** Until when other queues or skills than usual count; null: all is as usual. */
  todayUntil: string | null;
}

type StoredAgent = Omit<AgentRow, 'todayUntil'> & {
  todayUntil: Date | null;
  /** Null: not today. */
  skillsToday: Record<string, number | null>;
};

export interface PresenceRow {
  agentId: string;
  state: PresenceState;
  reason: string | null;
  since: Date;
  /** Asked for while busy: takes effect when the work is done. */
  pendingState: 'not-ready' | 'offline' | null;
  pendingReason: string | null;
}

/** One change in the history. */
export interface PresenceChangeRow {
  id: string;
  agentId: string;
  state: PresenceState;
  reason: string | null;
  since: Date;
  by: string;
}

export interface ReasonRow {
  code: string;
  label: string;
  system: boolean;
  active: boolean;
}

/** All SQL of people at work, but for the plain CRUD of configuration. */
export function createStore(db: Database, batch: Batch) {
  // Two changes of one agent in one flush: an upsert cannot touch a row twice, so each takes its turn.
  const upsertPresence = batch.statement<PresenceRow>(
    'presence.set',
    150,
    `insert into presence (agent_id, state, reason, since, pending_state, pending_reason)
     select r."agentId", r.state, r.reason, r.since, r."pendingState", r."pendingReason"
     from jsonb_to_recordset($1::jsonb) as r("agentId" uuid, state text, reason text, since timestamptz, "pendingState" text, "pendingReason" text)
     on conflict (agent_id) do update set state = excluded.state, reason = excluded.reason, since = excluded.since,
       pending_state = excluded.pending_state, pending_reason = excluded.pending_reason`,
    { key: (row) => row.agentId },
  );
  const insertChange = batch.statement<PresenceChangeRow>(
    'presence.change',
    151,
    `insert into presence_change (id, agent_id, state, reason, at, by)
     select r.id, r."agentId", r.state, r.reason, r.since, r.by
     from jsonb_to_recordset($1::jsonb) as r(id uuid, "agentId" uuid, state text, reason text, since timestamptz, by text)
     on conflict (id) do nothing`,
  );

  return {
    /** A person's own settings of their calls, beside the configuration: they do not change its version. */
    async setCalls(
      agentId: string,
      settings: { forwarding?: Forwarding; ringPattern?: RingTurn[] | null },
    ): Promise<boolean> {
      const { forwarding, ringPattern } = settings;
      const changed = await db('agent')
        .where({ id: agentId })
        .update({
          ...(forwarding === undefined ? {} : { forwarding: JSON.stringify(forwarding) }),
          ...(ringPattern === undefined
            ? {}
            : { ring_pattern: ringPattern === null ? null : JSON.stringify(ringPattern) }),
        });
      return changed > 0;
    },
    async all(now: Date): Promise<AgentRow[]> {
      const { rows } = await db.raw(
        `select a.id, u.username, u.display_name as name, u.active, a.extension, a.team_id as "teamId", t.name as "teamName",
           a.capacity, a.interrupts, a.ring_on as "ringOn", a.ring_number as "ringNumber",
           a.ring_pattern as "ringPattern", a.forwarding,
           coalesce((select jsonb_object_agg(k.skill_id, k.level) from agent_skill k where k.agent_id = a.id), '{}') as skills,
           d.until as "todayUntil", coalesce(d.skills, '{}') as "skillsToday"
         from agent a join app_user u on u.id = a.id left join team t on t.id = a.team_id
         left join (
           select agent_id, max(until) as until, jsonb_object_agg(skill_id, amount) filter (where skill_id is not null) as skills
           from agent_today where until > ? group by agent_id
         ) d on d.agent_id = a.id
         order by u.display_name, a.id`,
        [now],
      );
      return rows.map(({ skillsToday, todayUntil, ...row }: StoredAgent) => ({
        ...row,
        todayUntil: todayUntil?.toISOString() ?? null,
        skills: Object.fromEntries(
          Object.entries({ ...row.skills, ...skillsToday }).filter((one): one is [string, number] => one[1] !== null),
        ),
      }));
    },
    async presences(): Promise<PresenceRow[]> {
      const { rows } = await db.raw(
        `select agent_id as "agentId", state, reason, since, pending_state as "pendingState", pending_reason as "pendingReason" from presence`,
      );
      return rows;
    },
    async presenceHistory(agentId: string, from: Date, to: Date): Promise<PresenceChangeRow[]> {
      const { rows } = await db.raw(
        `select id, agent_id as "agentId", state, reason, at as since, by from presence_change
         where agent_id = ? and at >= ? and at < ? order by at, id limit 5000`,
        [agentId, from, to],
      );
      return rows;
    },
    async reasons(): Promise<ReasonRow[]> {
      const { rows } = await db.raw('select code, label, system, active from not_ready_reason order by position, code');
      return rows;
    },
    /** The state now, and, when `by` says who changed it, a line of history. */
    async savePresence(row: PresenceRow, change?: { id: string; by: string }): Promise<void> {
      const writes = [upsertPresence(row)];
      const { agentId, state, reason, since } = row;
      if (change) writes.push(insertChange({ ...change, agentId, state, reason, since }));
      await Promise.all(writes);
    },
  };
}
