import type { AgentVoicemail } from '#appliance/contract/calls.ts';
import type { Bus } from '#appliance/platform/bus/index.ts';
import type { Batch, Database } from '#appliance/platform/postgres/index.ts';
import type { NewMessage } from './ports.ts';

export type MailboxStore = ReturnType<typeof createMailboxStore>;

export interface VoicemailCursor {
  leftAt: string;
  id: string;
}

const SHORTEST_S = 1.5;

/** All SQL of voicemail: which recordings are messages for whom, and which were heard. */
export function createMailboxStore({
  db,
  batch,
  bus,
}: {
  db: Database;
  batch: Pick<Batch, 'statement'>;
  bus: Pick<Bus, 'publish'>;
}) {
  // After the interaction (200) and the recording (600): while the database is away a message waits for both.
  const insert = batch.statement<Omit<NewMessage, 'leftAt'> & { leftAt: string }>(
    'voicemail.insert',
    650,
    `insert into voicemail (id, agent_id, interaction_id, recording_id, from_address, left_at, duration_s)
     select r.id, r."agentId", r."interactionId", r."recordingId", r."from", r."leftAt", r."durationS"
     from jsonb_to_recordset($1::jsonb) as r(id uuid, "agentId" uuid, "interactionId" uuid, "recordingId" uuid, "from" text,
       "leftAt" timestamptz, "durationS" numeric)
     on conflict do nothing`,
  );

  const VIEW = `select v.id, v.interaction_id as "interactionId", v.recording_id as "recordingId", v.from_address as "from",
      v.left_at as "leftAt", v.duration_s as "durationS", v.heard_at is not null as heard, c.id as "customerId", c.name as "customerName",
      case when r.state = 'ready' then 'ready' when r.state in ('failed', 'deleted') then 'failed' else 'processing' end as state
    from voicemail v left join recording r on r.id = v.recording_id
    join interaction i on i.id = v.interaction_id left join customer c on c.id = i.customer_id`;

  function view(row: Record<string, unknown>): AgentVoicemail {
    const { customerId, customerName, leftAt, durationS, ...rest } = row;
    return {
      ...(rest as Pick<AgentVoicemail, 'id' | 'interactionId' | 'recordingId' | 'from' | 'heard' | 'state'>),
      customer:
        customerId === null
          ? null
          : { id: String(customerId), name: (customerName as string | null) ?? null, known: customerName !== null },
      leftAt: (leftAt as Date).toISOString(),
      durationS: Number(durationS),
    };
  }

  function changed(agentId: string): void {
    bus.publish({ type: 'voicemail.changed', agentId });
  }

  return {
    async add(message: NewMessage): Promise<void> {
      await insert({ ...message, leftAt: message.leftAt.toISOString() });
      changed(message.agentId);
    },

    /** What a process that died was recording. */
    async rescue({
      id,
      agentId,
      interactionId,
      from,
    }: Pick<NewMessage, 'id' | 'agentId' | 'interactionId' | 'from'>): Promise<
      { recordingId: string; seconds: number } | undefined
    > {
      const { rows } = await db.raw(
        `insert into voicemail (id, agent_id, interaction_id, recording_id, from_address, left_at, duration_s)
         select ?, ?, r.interaction_id, r.id, ?, now(), round(extract(epoch from (coalesce(r.ended_at, now()) - r.started_at)))
         from recording r where r.interaction_id = ? and coalesce(r.ended_at, now()) - r.started_at > make_interval(secs => ?)
         order by r.started_at desc limit 1
         on conflict do nothing returning recording_id as "recordingId", duration_s as seconds`,
        [id, agentId, from, interactionId, SHORTEST_S],
      );
      if (!rows[0]) return undefined;
      changed(agentId);
      return { recordingId: rows[0].recordingId, seconds: Number(rows[0].seconds) };
    },

    async list(
      agentId: string,
      { limit, after }: { limit: number; after?: VoicemailCursor | undefined },
    ): Promise<{ items: AgentVoicemail[]; more: boolean }> {
      const { rows } = await db.raw(
        `${VIEW} where v.agent_id = ? and (?::timestamptz is null or (v.left_at, v.id) < (?::timestamptz, ?::uuid))
         order by v.left_at desc, v.id desc limit ?`,
        [agentId, after?.leftAt ?? null, after?.leftAt ?? null, after?.id ?? null, limit + 1],
      );
      return { items: rows.slice(0, limit).map(view), more: rows.length > limit };
    },

    async get(agentId: string, id: string): Promise<AgentVoicemail | undefined> {
      const { rows } = await db.raw(`${VIEW} where v.agent_id = ? and v.id = ?`, [agentId, id]);
      return rows[0] && view(rows[0]);
    },

    async fresh(agentId: string): Promise<{ id: string; recordingId: string; from: string; leftAt: Date }[]> {
      const { rows } = await db.raw(
        `select id, recording_id as "recordingId", from_address as "from", left_at as "leftAt" from voicemail
         where agent_id = ? and heard_at is null order by left_at desc, id desc limit 100`,
        [agentId],
      );
      return rows;
    },

    async setHeard(agentId: string, id: string, heard: boolean): Promise<boolean> {
      const n = await db('voicemail')
        .where({ agent_id: agentId, id })
        .update({ heard_at: heard ? db.raw('coalesce(heard_at, now())') : null });
      if (n > 0) changed(agentId);
      return n > 0;
    },

    async remove(agentId: string, id: string): Promise<boolean> {
      const n = await db('voicemail').where({ agent_id: agentId, id }).delete();
      if (n > 0) changed(agentId);
      return n > 0;
    },

    async counts(agentId: string): Promise<{ fresh: number; heard: number }> {
      const { rows } = await db.raw(
        `select count(*) filter (where heard_at is null)::int as fresh, count(heard_at)::int as heard from voicemail where agent_id = ?`,
        [agentId],
      );
      return rows[0];
    },
  };
}
