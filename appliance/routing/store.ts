import type { Channel, OfferState, OfferView } from '#appliance/contract/work.ts';
import type { Batch, Database } from '#appliance/platform/postgres/index.ts';
import type { CustomerRef, QueueConfig, Requirement } from './types.ts';

export interface EntryRow {
  id: string;
  interactionId: string;
  queueId: string;
  channel: Channel;
  state: 'waiting' | 'assigned' | 'left';
  priority: number;
  skills: Requirement[];
  preferredAgentId: string | null;
  from: string;
  enqueuedAt: Date;
  enteredAt: Date;
  hops: number;
  agentId: string | null;
  offerId: string | null;
  leftAt: Date | null;
  notBefore?: Date | null;
}

export interface OfferRow {
  id: string;
  entryId: string;
  interactionId: string;
  queueId: string;
  agentId: string;
  channel: Channel;
  waitedS: number;
  offeredAt: Date;
  expiresAt: Date;
}

/** A call that rang with an agent and was not taken. */
export interface MissedCall {
  interactionId: string;
  direction: string;
  from: string;
  customerId: string | null;
  customerName: string | null;
  queueName: string | null;
  at: string;
  times: number;
  /** Somebody has spoken with the customer since. */
  settled: boolean;
}

export type RoutingStore = ReturnType<typeof createStore>;

const ENTRY = `e.id, e.interaction_id as "interactionId", e.queue_id as "queueId", e.channel, e.state, e.priority, e.skills,
  e.preferred_agent_id as "preferredAgentId", e.from_address as "from", e.enqueued_at as "enqueuedAt", e.entered_at as "enteredAt", e.hops,
  e.agent_id as "agentId", e.offer_id as "offerId", e.left_at as "leftAt",
  e.not_before as "notBefore"`;

/** All SQL of routing but for the configuration of queues. Writes go through the group commit. */
export function createStore(db: Database, batch: Batch) {
  const stored = new WeakSet<EntryRow>();
  const LEAVE = `update queue_entry e set state = 'left', left_at = greatest(r."leftAt", e.entered_at)
     from jsonb_to_recordset($1::jsonb) as r(id uuid, "leftAt" timestamptz) where e.id = r.id and e.state = 'waiting'`;
  // The guard of every assignment: still waiting, or assigned by this very offer when a flush is repeated. `present` counts
  // the rows that the guard is about: before the inserts of a flush only those already there.
  const assign = (present: string) => `with r as (
       select * from jsonb_to_recordset($1::jsonb) as r(id uuid, "agentId" uuid, "offerId" uuid, "leftAt" timestamptz)
     ), done as (
       update queue_entry e set state = 'assigned', agent_id = r."agentId", offer_id = r."offerId", left_at = r."leftAt" from r
       where e.id = r.id and (e.state = 'waiting' or (e.state = 'assigned' and e.offer_id = r."offerId")) returning e.id
     )
     select routing_guard((select count(*) from done) = (select count(*) from ${present}))`;

  // Leaving and assigning come before the inserts, so that the interaction may wait again. An entry that comes and leaves in one
  // flush is written as one that left; one that comes and is assigned has its guard asked after the inserts.
  const leave = batch.statement<EntryRow>('entry.leave', 305, LEAVE);
  const assignBefore = batch.statement<EntryRow>(
    'entry.assign-before',
    307,
    assign('r join queue_entry e on e.id = r.id'),
  );
  const assignStored = batch.statement<EntryRow>('entry.assign', 308, assign('r'));
  const insertEntry = batch.statement<EntryRow>(
    'entry.insert',
    310,
    `insert into queue_entry (id, interaction_id, queue_id, channel, state, priority, skills, preferred_agent_id, from_address,
       enqueued_at, entered_at, hops, agent_id, offer_id, left_at, not_before)
     select r.id, r."interactionId", r."queueId", r.channel, r.state, r.priority, r.skills, r."preferredAgentId", r."from",
       r."enqueuedAt", r."enteredAt", r.hops, r."agentId", r."offerId", r."leftAt", r."notBefore"
     from jsonb_to_recordset($1::jsonb) as r(id uuid, "interactionId" uuid, "queueId" uuid, channel text, state text, priority smallint,
       skills jsonb, "preferredAgentId" uuid, "from" text, "enqueuedAt" timestamptz, "enteredAt" timestamptz, hops smallint,
       "agentId" uuid, "offerId" uuid, "leftAt" timestamptz,
       "notBefore" timestamptz)
     on conflict (id) do nothing`,
  );
  const insertOffer = batch.statement<OfferRow>(
    'offer.insert',
    320,
    `insert into offer (id, entry_id, interaction_id, queue_id, agent_id, channel, waited_s, offered_at, expires_at)
     select r.id, r."entryId", r."interactionId", r."queueId", r."agentId", r.channel, r."waitedS", r."offeredAt", r."expiresAt"
     from jsonb_to_recordset($1::jsonb) as r(id uuid, "entryId" uuid, "interactionId" uuid, "queueId" uuid, "agentId" uuid,
       channel text, "waitedS" numeric, "offeredAt" timestamptz, "expiresAt" timestamptz)
     on conflict (id) do nothing`,
    { patient: true },
  );
  const setPriority = batch.statement<{ id: string; priority: number }>(
    'entry.priority',
    315,
    `update queue_entry e set priority = r.priority from jsonb_to_recordset($1::jsonb) as r(id uuid, priority smallint)
     where e.id = r.id and e.state = 'waiting'`,
    { key: (row) => row.id },
  );
  const assignAfter = batch.statement<EntryRow>('entry.assign-after', 330, assign('r'));
  const closeOffer = batch.statement<{ id: string; state: OfferState; at: Date }>(
    'offer.close',
    340,
    `update offer o set state = r.state, ended_at = r.at from jsonb_to_recordset($1::jsonb) as r(id uuid, state text, at timestamptz)
     where o.id = r.id and o.state = 'pending'`,
  );

  return {
    /** The row stays shared: what happens to it before the flush is written with it. */
    async enter(row: EntryRow): Promise<void> {
      await insertEntry(row);
      stored.add(row);
    },
    async leave(row: EntryRow, at: Date): Promise<void> {
      if (row.state !== 'waiting') return;
      row.state = 'left';
      row.leftAt = at.getTime() < row.enteredAt.getTime() ? row.enteredAt : at;
      await leave(row);
    },
    /** Rejects when the entry was not waiting any more: somebody else has it. */
    async assign(row: EntryRow, offer: { id: string; agentId: string }, at: Date): Promise<void> {
      Object.assign(row, { state: 'assigned', agentId: offer.agentId, offerId: offer.id, leftAt: at });
      const guarded = stored.has(row) ? [assignStored(row)] : [assignBefore(row), assignAfter(row)];
      await Promise.all([...guarded, closeOffer({ id: offer.id, state: 'accepted', at })]);
    },
    /** Also of a row that is not written yet. */
    async prioritise(row: EntryRow, priority: number): Promise<void> {
      row.priority = priority;
      await setPriority({ id: row.id, priority });
    },
    insertOffer,
    closeOffer: (id: string, state: OfferState, at: Date) => closeOffer({ id, state, at }),

    /** As they are at `now`: who serves which queue may be other than usual until midnight. */
    async queues(now: Date): Promise<QueueConfig[]> {
      const { rows } = await db.raw(
        `select q.id, q.name, q.active, q.strategy, q.priority, q.ageing_s as "ageingS", q.answer_within_s as "answerWithinS",
           q.offer_timeout_s as "offerTimeoutS", q.rona_limit as "ronaLimit", q.last_agent_wait_s as "lastAgentWaitS",
           q.max_waiting as "maxWaiting", q.max_wait_s as "maxWaitS", q.overflow, q.hours_id as "hoursId", q.wrap_up as "wrapUp",
           q.wrap_up_s as "wrapUpS", q.wrap_up_extension_s as "wrapUpExtensionS", q.after_wrap_up as "afterWrapUp",
           q.disposition_required as "dispositionRequired", q.announcements, q.recording_rule_id as "recordingRuleId",
           q.distinctive_ring as "distinctiveRing", q.callback_attempts as "callbackAttempts", q.callback_interval_s as "callbackIntervalS",
           coalesce((select jsonb_agg(jsonb_build_object('skillId', s.skill_id, 'minLevel', s.min_level))
             from queue_skill s where s.queue_id = q.id), '[]') as skills,
           coalesce((select jsonb_agg(jsonb_build_object('skillId', x.skill_id, 'afterS', x.after_s, 'minLevel', x.min_level))
             from queue_relaxation x where x.queue_id = q.id), '[]') as relaxations,
           coalesce((select jsonb_agg(jsonb_build_object('agentId', m.agent_id, 'position', m.position)) from (
             select m.agent_id, m.position from queue_agent m where m.queue_id = q.id
               and not exists (select 1 from agent_today t where t.queue_id = q.id and t.agent_id = m.agent_id and t.until > ?)
             union all
             select t.agent_id, t.amount from agent_today t where t.queue_id = q.id and t.until > ? and t.amount is not null
           ) m), '[]') as members
         from queue q order by q.name`,
        [now, now],
      );
      return rows;
    },
    async dispositions(): Promise<{ code: string; label: string; queueId: string | null }[]> {
      const { rows } = await db.raw(
        'select code, label, queue_id as "queueId" from disposition where active order by position, label',
      );
      return rows;
    },
    /** Those who wait, and those whose last place was assigned: a crash may have come between the assignment and the conversation. */
    async entries(): Promise<EntryRow[]> {
      const { rows } = await db.raw(
        `select distinct on (e.interaction_id) ${ENTRY} from queue_entry e join interaction i on i.id = e.interaction_id
         where i.state <> 'ended' and i.ended_at is null and e.state <> 'left' order by e.interaction_id, e.entered_at desc, e.id desc`,
      );
      return rows;
    },
    async entriesOfEnded(): Promise<EntryRow[]> {
      const { rows } = await db.raw(
        `select ${ENTRY} from queue_entry e join interaction i on i.id = e.interaction_id where e.state = 'waiting' and i.ended_at is not null`,
      );
      return rows;
    },
    async pendingOffers(): Promise<OfferRow[]> {
      const { rows } = await db.raw(
        `select id, entry_id as "entryId", interaction_id as "interactionId", queue_id as "queueId", agent_id as "agentId", channel,
           waited_s as "waitedS", offered_at as "offeredAt", expires_at as "expiresAt" from offer where state = 'pending'`,
      );
      return rows;
    },
    async handledSince(from: Date): Promise<Map<string, number>> {
      const { rows } = await db.raw(
        `select agent_id as id, count(*) as n from offer where state = 'accepted' and offered_at >= ? group by agent_id`,
        [from],
      );
      return new Map(rows.map((row: { id: string; n: number }) => [row.id, row.n]));
    },
    /** Handle times of the queues' last answered contacts, oldest first: where the estimate starts. */
    async handleTimes(): Promise<{ queueId: string; handleS: number }[]> {
      const { rows } = await db.raw(
        `select "queueId", "handleS" from (
           select s.queue_id as "queueId", s.ended_at, row_number() over (partition by s.queue_id order by s.ended_at desc) as n,
             (select coalesce(sum(w.duration_s), 0) from segment w where w.interaction_id = s.interaction_id
               and w.kind in ('agent', 'hold', 'wrap-up') and w.queue_id = s.queue_id) as "handleS"
           from segment s where s.kind = 'queue' and s.end_reason = 'answered' and s.ended_at > now() - interval '1 day'
         ) x where n <= 30 and "handleS" > 0 order by ended_at`,
      );
      return rows;
    },
    async customer(id: string): Promise<CustomerRef | undefined> {
      const { rows } = await db.raw('select id, name, name is not null as known from customer where id = ?', [id]);
      return rows[0];
    },
    /** All offers of an interaction, for its trace. */
    /** Calls that rang with this agent since then and were not taken, and whether somebody has spoken with the customer since. */
    async missedBy(agentId: string, since: Date): Promise<MissedCall[]> {
      const { rows } = await db.raw(
        `with missed as (
           select interaction_id, offered_at as at from offer
           where agent_id = ? and offered_at >= ? and state in ('timed-out', 'failed')
           union
           select interaction_id, started_at from segment
           where agent_id = ? and started_at >= ? and kind = 'dial' and end_reason in ('timed-out', 'failed', 'abandoned')
         ), last as (
           select interaction_id, max(at) as at, count(*)::int as times from missed group by 1
         )
         select i.id as "interactionId", i.direction, i.from_address as "from", i.customer_id as "customerId", c.name as "customerName",
           q.name as "queueName", l.at, l.times,
           (i.answered_at is not null or exists (
             select 1 from interaction n where n.customer_id = i.customer_id and n.created_at > l.at and n.answered_at is not null
           )) as settled
         from last l join interaction i on i.id = l.interaction_id
         left join customer c on c.id = i.customer_id left join queue q on q.id = i.queue_id
         where i.direction <> 'out' order by l.at desc limit 50`,
        [agentId, since, agentId, since],
      );
      return rows.map((row: MissedCall & { at: Date }) => ({ ...row, at: row.at.toISOString() }));
    },
    async offersOf(interactionId: string): Promise<OfferView[]> {
      const { rows } = await db.raw(
        `select o.id, o.interaction_id as "interactionId", o.channel, o.queue_id as "queueId", q.name as "queueName",
           o.agent_id as "agentId", u.display_name as "agentName", i.from_address as "from", i.customer_id as "customerId",
           c.name as "customerName", o.waited_s as "waitedS", o.offered_at as "offeredAt", o.expires_at as "expiresAt", o.state,
           o.ended_at as "endedAt"
         from offer o join interaction i on i.id = o.interaction_id join app_user u on u.id = o.agent_id
         left join queue q on q.id = o.queue_id left join customer c on c.id = i.customer_id
         where o.interaction_id = ? order by o.offered_at, o.id`,
        [interactionId],
      );
      return rows.map(
        ({ customerId, customerName, offeredAt, expiresAt, endedAt, ...row }: Record<string, unknown>) => ({
          ...row,
          customer: customerId === null ? null : { id: customerId, name: customerName, known: customerName !== null },
          offeredAt: (offeredAt as Date).toISOString(),
          expiresAt: (expiresAt as Date).toISOString(),
          endedAt: (endedAt as Date | null)?.toISOString() ?? null,
        }),
      );
    },
  };
}
