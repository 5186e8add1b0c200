import type { Channel, InteractionState } from '#appliance/contract/work.ts';
import { AppError } from '#appliance/kernel/errors.ts';
import type { Batch, Database } from '#appliance/platform/postgres/index.ts';
import { containing, digitsOf } from './search.ts';
import type { InteractionRow, SegmentRow } from './types.ts';

/** Filters of a list; times are half-open: from <= created < to. */
export interface InteractionFilter {
  state?: InteractionState | undefined;
  queueId?: string | undefined;
  agentId?: string | undefined;
  customerId?: string | undefined;
  channel?: Channel | undefined;
  from?: Date | undefined;
  to?: Date | undefined;
  /** A piece of a number, of the customer's name or of the notes. */
  q?: string | undefined;
  limit?: number | undefined;
  cursor?: string | undefined;
}

/** A row with the names that screens show. */
export type NamedInteraction = InteractionRow & {
  queueName: string | null;
  agentName: string | null;
  customerName: string | null;
};
export type NamedSegment = SegmentRow & { queueName: string | null; agentName: string | null };

export type InteractionStore = ReturnType<typeof createStore>;

const INTERACTION = `i.id, i.channel, i.direction, i.state, i.from_address as "from", i.to_address as "to",
  i.customer_id as "customerId", i.queue_id as "queueId", i.agent_id as "agentId", i.did, i.trunk_id as "trunkId", i.language,
  i.disposition, i.notes, i.created_at as "createdAt", i.answered_at as "answeredAt", i.ended_at as "endedAt", i.end_reason as "endReason"`;
const SEGMENT = `s.id, s.interaction_id as "interactionId", s.kind, s.queue_id as "queueId", s.agent_id as "agentId",
  s.flow_version_id as "flowVersionId", s.started_at as "startedAt", s.ended_at as "endedAt", s.end_reason as "end"`;
const NAMES = `left join queue q on q.id = i.queue_id left join app_user u on u.id = i.agent_id left join customer c on c.id = i.customer_id`;

/** All SQL of the spine. Writes go through the group commit: a promise resolves after COMMIT. */
export function createStore(db: Database, batch: Batch) {
  const insertInteraction = batch.statement<InteractionRow>(
    'interaction.insert',
    200,
    `insert into interaction (id, channel, direction, state, from_address, to_address, customer_id, queue_id, agent_id, did, trunk_id,
       language, disposition, notes, created_at, answered_at, ended_at, end_reason)
     select r.id, r.channel, r.direction, r.state, r."from", r."to", r."customerId", r."queueId", r."agentId", r.did, r."trunkId",
       r.language, r.disposition, r.notes, r."createdAt", r."answeredAt", r."endedAt", r."endReason"
     from jsonb_to_recordset($1::jsonb) as r(id uuid, channel text, direction text, state text, "from" text, "to" text, "customerId" uuid,
       "queueId" uuid, "agentId" uuid, did text, "trunkId" uuid, language text, disposition text, notes text, "createdAt" timestamptz,
       "answeredAt" timestamptz, "endedAt" timestamptz, "endReason" text)
     on conflict (id) do nothing`,
  );

  // Patches of one interaction in one flush become one: the last word on each field wins. An ended interaction can only go on to its wrap-up.
  const patchInteraction = batch.statement<{ id: string; p: Record<string, unknown> }>(
    'interaction.update',
    210,
    `update interaction i set
       state = case when m.p ->> 'state' is null then i.state
                    when i.state = 'ended' and m.p ->> 'state' <> 'wrap-up' then i.state
                    else m.p ->> 'state' end,
       customer_id = case when jsonb_exists(m.p, 'customerId') then (m.p ->> 'customerId')::uuid else i.customer_id end,
       queue_id = case when jsonb_exists(m.p, 'queueId') then (m.p ->> 'queueId')::uuid else i.queue_id end,
       agent_id = case when jsonb_exists(m.p, 'agentId') then (m.p ->> 'agentId')::uuid else i.agent_id end,
       language = case when jsonb_exists(m.p, 'language') then m.p ->> 'language' else i.language end,
       disposition = case when jsonb_exists(m.p, 'disposition') then m.p ->> 'disposition' else i.disposition end,
       notes = case when jsonb_exists(m.p, 'notes') then m.p ->> 'notes' else i.notes end,
       answered_at = coalesce(i.answered_at, (m.p ->> 'answeredAt')::timestamptz),
       ended_at = coalesce(i.ended_at, (m.p ->> 'endedAt')::timestamptz),
       end_reason = coalesce(i.end_reason, m.p ->> 'endReason')
     from jsonb_to_recordset($1::jsonb) as m(id uuid, p jsonb) where i.id = m.id`,
    {
      key: ({ id }) => id,
      merge: (earlier, later) => ({ id: later.id, p: { ...earlier.p, ...later.p } }),
      patient: true,
    },
  );

  // Before the inserts, so that the next place may open. A segment that opens and closes in one flush needs no more: it is written closed.
  const closeSegment = batch.statement<SegmentRow>(
    'segment.close',
    215,
    `update segment s set ended_at = r."endedAt", end_reason = r."end"
     from jsonb_to_recordset($1::jsonb) as r(id uuid, "endedAt" timestamptz, "end" text)
     where s.id = r.id and s.ended_at is null`,
    { patient: true },
  );
  const insertSegment = batch.statement<SegmentRow>(
    'segment.insert',
    220,
    `insert into segment (id, interaction_id, kind, queue_id, agent_id, flow_version_id, started_at, ended_at, end_reason)
     select r.id, r."interactionId", r.kind, r."queueId", r."agentId", r."flowVersionId", r."startedAt", r."endedAt", r."end"
     from jsonb_to_recordset($1::jsonb) as r(id uuid, "interactionId" uuid, kind text, "queueId" uuid, "agentId" uuid,
       "flowVersionId" uuid, "startedAt" timestamptz, "endedAt" timestamptz, "end" text)
     on conflict (id) do nothing`,
    { patient: true },
  );

  const insertEvent = batch.statement<{
    id: string;
    interactionId: string;
    at: Date;
    type: string;
    data: Record<string, unknown>;
  }>(
    'interaction.event',
    240,
    `insert into interaction_event (id, interaction_id, at, type, data)
     select r.id, r."interactionId", r.at, r.type, r.data
     from jsonb_to_recordset($1::jsonb) as r(id uuid, "interactionId" uuid, at timestamptz, type text, data jsonb)
     on conflict (id) do nothing`,
    { patient: true },
  );

  return {
    insertInteraction,
    patchInteraction: ({ id, patch }: { id: string; patch: Record<string, unknown> }) =>
      patchInteraction({ id, p: patch }),
    /** The row stays shared: when it is closed before the flush is written, it is written closed. */
    openSegment: (row: SegmentRow) => insertSegment(row),
    /** `row` carries its end. */
    closeSegment: (row: SegmentRow) => closeSegment(row),
    insertEvent,

    async countEvents(interactionId: string, type: string): Promise<number> {
      const { rows } = await db.raw(
        'select count(*)::int as n from interaction_event where interaction_id = ? and type = ?',
        [interactionId, type],
      );
      return rows[0].n;
    },
    async find(id: string): Promise<InteractionRow | undefined> {
      const { rows } = await db.raw(`select ${INTERACTION} from interaction i where i.id = ?`, [id]);
      return rows[0];
    },
    async live(channel?: Channel): Promise<InteractionRow[]> {
      const { rows } = await db.raw(
        `select ${INTERACTION} from interaction i where i.state <> 'ended' and (?::text is null or i.channel = ?) order by i.created_at`,
        [channel ?? null, channel ?? null],
      );
      return rows;
    },
    async openSegments(): Promise<SegmentRow[]> {
      const { rows } = await db.raw(
        `select ${SEGMENT} from segment s where s.ended_at is null order by s.started_at, s.id`,
      );
      return rows;
    },
    async named(id: string): Promise<NamedInteraction | undefined> {
      const { rows } = await db.raw(
        `select ${INTERACTION}, q.name as "queueName", u.display_name as "agentName", c.name as "customerName"
         from interaction i ${NAMES} where i.id = ?`,
        [id],
      );
      return rows[0];
    },
    async segments(interactionId: string): Promise<NamedSegment[]> {
      const { rows } = await db.raw(
        `select ${SEGMENT}, q.name as "queueName", u.display_name as "agentName" from segment s
         left join queue q on q.id = s.queue_id left join app_user u on u.id = s.agent_id
         where s.interaction_id = ? order by s.started_at, s.id`,
        [interactionId],
      );
      return rows;
    },
    async events(interactionId: string): Promise<{ at: Date; type: string; data: Record<string, unknown> }[]> {
      const { rows } = await db.raw(
        `select at, type, data from interaction_event where interaction_id = ? order by at, id`,
        [interactionId],
      );
      return rows;
    },
    /** Who spoke last with this customer. */
    async lastAgent(customerId: string): Promise<string | undefined> {
      const { rows } = await db.raw(
        `select s.agent_id as "agentId" from interaction i join segment s on s.interaction_id = i.id
         where i.customer_id = ? and s.kind = 'agent' and s.agent_id is not null
         order by s.started_at desc, s.id desc limit 1`,
        [customerId],
      );
      return rows[0]?.agentId;
    },
    async list(filter: InteractionFilter): Promise<{ items: NamedInteraction[]; next: string | null }> {
      const limit = Math.min(Math.max(filter.limit ?? 50, 1), 500);
      const after = filter.cursor === undefined ? undefined : decodeCursor(filter.cursor);
      const conditions: string[] = [];
      const values: (string | number | Date)[] = [];
      const when = (condition: string, ...bound: (string | number | Date | undefined)[]) => {
        if (bound.some((value) => value === undefined)) return;
        conditions.push(condition);
        values.push(...(bound as (string | number | Date)[]));
      };
      when('i.state = ?', filter.state);
      when('i.queue_id = ?', filter.queueId);
      when('i.agent_id = ?', filter.agentId);
      when('i.customer_id = ?', filter.customerId);
      when('i.channel = ?', filter.channel);
      when('i.created_at >= ?', filter.from);
      when('i.created_at < ?', filter.to);
      if (filter.q) {
        const words = containing(filter.q);
        const number = containing(digitsOf(filter.q) ?? filter.q);
        // Each part by its own index: the names are looked up first, then everything is one bitmap.
        when(
          `(i.from_address ilike ? or i.to_address ilike ? or i.notes ilike ?
            or i.customer_id = any(array(select id from customer where name ilike ?)))`,
          number,
          number,
          words,
          words,
        );
      }
      when('(i.created_at, i.id) < (?, ?::uuid)', after?.at, after?.id);
      const { rows } = await db.raw(
        `select ${INTERACTION}, q.name as "queueName", u.display_name as "agentName", c.name as "customerName"
         from interaction i ${NAMES} ${conditions.length > 0 ? `where ${conditions.join(' and ')}` : ''}
         order by i.created_at desc, i.id desc limit ${limit + 1}`,
        values,
      );
      const items: NamedInteraction[] = rows.slice(0, limit);
      const last = items.at(-1);
      return { items, next: rows.length > limit && last ? encodeCursor(last.createdAt, last.id) : null };
    },

    /** What a crash could leave behind, found by the rules of the spine. */
    async contradictions(): Promise<{
      nowhere: string[];
      openAfterEnd: (SegmentRow & { interactionEndedAt: Date })[];
    }> {
      const nowhere = await db.raw(
        `select i.id from interaction i where i.state <> 'ended'
         and not exists (select 1 from segment s where s.interaction_id = i.id and s.ended_at is null and s.kind <> 'consult')`,
      );
      const open = await db.raw(
        `select ${SEGMENT}, i.ended_at as "interactionEndedAt" from segment s join interaction i on i.id = s.interaction_id
         where s.ended_at is null and i.ended_at is not null and (s.kind <> 'wrap-up' or i.state = 'ended')`,
      );
      return { nowhere: nowhere.rows.map((row: { id: string }) => row.id), openAfterEnd: open.rows };
    },
  };
}

function encodeCursor(at: Date, id: string): string {
  return Buffer.from(JSON.stringify([at.toISOString(), id])).toString('base64url');
}

function decodeCursor(cursor: string): { at: string; id: string } {
  try {
    const [at, id] = JSON.parse(Buffer.from(cursor, 'base64url').toString()) as unknown[];
    if (
      typeof at === 'string' &&
      !Number.isNaN(Date.parse(at)) &&
      typeof id === 'string' &&
      /^[0-9a-f-]{36}$/i.test(id)
    )
      return { at, id };
  } catch {
    // falls through to the refusal
  }
  throw new AppError('invalid', 'invalid-cursor', 'The cursor is not one that a list returned.');
}
