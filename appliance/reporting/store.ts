import type { Channel } from '#appliance/contract/work.ts';
import type { Database } from '#appliance/platform/postgres/index.ts';
import type { Counts, ServiceLevelFormula } from './service-level.ts';

export interface Period {
  from: Date;
  to: Date;
  queueId?: string | undefined;
}

/** Counts of one queue, or of one interval of it. */
export interface QueueCounts extends Counts {
  queueId: string;
  queueName: string;
  /** The interval's beginning, when the report is cut into intervals. */
  start: Date | null;
  thresholdS: number;
  target: number;
  formula: ServiceLevelFormula;
  answerWaitS: number;
  longestWaitS: number | null;
  /** Answered ones whose handling is complete, and what it took. */
  handled: number;
  handleS: number;
  waiting: number;
}

export type ContactFigure =
  | 'offered'
  | 'answered'
  | 'answered-within'
  | 'abandoned'
  | 'abandoned-within'
  | 'short-abandoned'
  | 'flowed-out'
  | 'waiting';

export interface ContactRow {
  id: string;
  interactionId: string;
  channel: Channel;
  from: string;
  startedAt: Date;
  endedAt: Date | null;
  waitS: number | null;
  outcome: 'answered' | 'abandoned' | 'flowed-out' | 'waiting';
  endReason: string | null;
  agentId: string | null;
  agentName: string | null;
  handleS: number | null;
}

/** Into which intervals a report is cut. */
export interface Cut {
  by: 'day' | 'hour' | 'quarter-hour';
  timeZone: string;
}

export interface AgentCounts {
  agentId: string;
  agentName: string;
  answered: number;
  talkS: number;
  holdS: number;
  wrapUpS: number;
}

// The one place that says which contact counts where: figures sum these conditions, lists filter by them.
const FIGURES: Record<ContactFigure, string> = {
  offered: `c.outcome <> 'waiting'`,
  answered: `c.outcome = 'answered'`,
  'answered-within': `c.outcome = 'answered' and c.wait_s <= q.answer_within_s`,
  abandoned: `c.outcome = 'abandoned'`,
  'abandoned-within': `c.outcome = 'abandoned' and c.wait_s <= q.answer_within_s`,
  'short-abandoned': `c.outcome = 'abandoned' and c.wait_s < q.short_abandon_s`,
  'flowed-out': `c.outcome = 'flowed-out'`,
  waiting: `c.outcome = 'waiting'`,
};

const HANDLING = `left join lateral (
    select sum(h.duration_s) as handle_s, bool_or(h.ended_at is null) as open from queue_handling h where h.contact_id = c.id
  ) h on c.outcome = 'answered'`;

/** All SQL of reports; it reads views and writes nothing. */
export function createStore(db: Database) {
  return {
    /** Every active queue has a row (or, cut into intervals, those in which something arrived). */
    async queueCounts(period: Period, cut?: Cut): Promise<QueueCounts[]> {
      const count = (figure: ContactFigure) => `count(c.id) filter (where ${FIGURES[figure]})`;
      const start = cut ? startOf(cut) : 'null::timestamptz';
      const { rows } = await db.raw(
        `select q.id as "queueId", q.name as "queueName", ${start} as start,
           q.answer_within_s as "thresholdS", q.service_level_formula as formula, q.service_level_target as target,
           ${count('offered')} as offered, ${count('answered')} as answered, ${count('answered-within')} as "answeredWithin",
           ${count('abandoned')} as abandoned, ${count('abandoned-within')} as "abandonedWithin",
           ${count('short-abandoned')} as "shortAbandoned", ${count('flowed-out')} as "flowedOut", ${count('waiting')} as waiting,
           coalesce(sum(c.wait_s) filter (where ${FIGURES.answered}), 0) as "answerWaitS", max(c.wait_s) as "longestWaitS",
           count(c.id) filter (where h.open = false) as handled, coalesce(sum(h.handle_s) filter (where h.open = false), 0) as "handleS"
         from queue q ${cut ? '' : 'left'} join queue_contact c on c.queue_id = q.id and c.started_at >= ? and c.started_at < ?
         ${HANDLING}
         where ${period.queueId === undefined ? '(q.active or c.id is not null)' : 'q.id = ?'}
         group by 1, 2, 3, 4, 5, 6 order by q.name, 3`,
        [
          ...(cut && cut.by !== 'quarter-hour' ? [cut.by, cut.timeZone, cut.timeZone] : []),
          period.from,
          period.to,
          ...(period.queueId === undefined ? [] : [period.queueId]),
        ],
      );
      return rows;
    },

    /** The rows behind a figure. */
    async contacts(
      period: Period,
      figure: ContactFigure,
      page: { limit: number; after?: { at: string; id: string } },
    ): Promise<ContactRow[]> {
      const { rows } = await db.raw(
        `select c.id, c.interaction_id as "interactionId", c.channel, c.from_address as "from", c.started_at as "startedAt",
           c.ended_at as "endedAt", c.wait_s as "waitS", c.outcome, c.end_reason as "endReason", c.agent_id as "agentId",
           u.display_name as "agentName", h.handle_s as "handleS"
         from queue_contact c join queue q on q.id = c.queue_id ${HANDLING} left join app_user u on u.id = c.agent_id
         where c.started_at >= ? and c.started_at < ? and ${FIGURES[figure]}
         ${period.queueId === undefined ? '' : 'and c.queue_id = ?'} ${page.after ? 'and (c.started_at, c.id) > (?, ?::uuid)' : ''}
         order by c.started_at, c.id limit ${Math.floor(page.limit) + 1}`,
        [
          period.from,
          period.to,
          ...(period.queueId === undefined ? [] : [period.queueId]),
          ...(page.after ? [page.after.at, page.after.id] : []),
        ],
      );
      return rows;
    },

    /** What each agent did for contacts that arrived in the period: sums to the queues' answered and handle times. */
    async agentCounts(period: Period): Promise<AgentCounts[]> {
      const { rows } = await db.raw(
        `with contact as (
           select * from queue_contact c where c.started_at >= ? and c.started_at < ? and c.outcome = 'answered'
           ${period.queueId === undefined ? '' : 'and c.queue_id = ?'}
         ), answered as (
           select agent_id, count(*) as n from contact group by agent_id
         ), work as (
           select h.agent_id, sum(h.duration_s) filter (where h.kind = 'agent') as talk_s,
             sum(h.duration_s) filter (where h.kind = 'hold') as hold_s, sum(h.duration_s) filter (where h.kind = 'wrap-up') as wrap_up_s
           from queue_handling h join contact c on c.id = h.contact_id group by h.agent_id
         )
         select u.id as "agentId", u.display_name as "agentName", coalesce(a.n, 0) as answered, coalesce(w.talk_s, 0) as "talkS",
           coalesce(w.hold_s, 0) as "holdS", coalesce(w.wrap_up_s, 0) as "wrapUpS"
         from answered a full join work w on w.agent_id = a.agent_id join app_user u on u.id = coalesce(a.agent_id, w.agent_id)
         order by u.display_name, u.id`,
        [period.from, period.to, ...(period.queueId === undefined ? [] : [period.queueId])],
      );
      return rows;
    },

    async timeZoneOf(userId: string): Promise<string | undefined> {
      const row = await db('app_user').where({ id: userId }).first('time_zone');
      return row?.time_zone;
    },
  };
}

// All zones are whole quarters of an hour apart from UTC: these need no zone.
function startOf({ by }: Cut): string {
  return by === 'quarter-hour'
    ? `date_bin('15 minutes', c.started_at, timestamptz '2000-01-01 00:00Z')`
    : 'date_trunc(?, c.started_at at time zone ?) at time zone ?';
}
