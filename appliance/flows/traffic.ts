import type { Clock } from '#appliance/kernel/clock.ts';
import { uuidAt } from '#appliance/kernel/ids.ts';
import type { Database } from '#appliance/platform/postgres/index.ts';

/** How many calls went each way through a flow. */
export interface FlowTraffic {
  since: Date;
  /** When this was counted. */
  at: Date;
  /** Calls that began this flow. */
  calls: number;
  /** `edge` as the drawing names it (`next`, `choices.2`); `to` is where it led in the version that the call was in. */
  edges: { step: string; edge: string; to: string; calls: number }[];
  /** Where calls left the flow: `gone` when the caller hung up, else how (`queued`, `hung-up`…). */
  ends: { step: string; end: string; calls: number }[];
}

export type Traffic = ReturnType<typeof createTraffic>;

/** An answer is good for so long, and at least for as many times as it took to find: counting is never most of the work. */
const FRESH_MS = 4_000;
const REST = 20;
const MOST_KEPT = 200;
/** A run that began before the period may still go on in it. */
const LONGEST_RUN_MS = 86_400_000;

/**
 * Counts from the events that every call leaves anyway: a call pays nothing for being counted. Their ids are ordered by time,
 * so a day is a range of the primary key.
 */
export function createTraffic({ db, clock }: { db: Database; clock: Clock }) {
  const kept = new Map<string, { until: number; answer: Promise<FlowTraffic> }>();

  async function count(flowId: string, since: Date): Promise<FlowTraffic> {
    const at = clock.now();
    // A call may go through several flows, so an event belongs to the run around it; the last one is said just after the row.
    const { rows } = await db.raw(
      `select e.type, e.data->>'step' as step, e.data->>'edge' as edge, e.data->>'to' as "to", e.data->>'end' as end,
         count(distinct e.interaction_id)::int as calls
       from flow_version v join flow_run r on r.flow_version_id = v.id
       join interaction_event e on e.interaction_id = r.interaction_id and e.at >= r.started_at
         and (r.outcome is null or e.at <= r.updated_at + interval '50 ms')
       where v.flow_id = ? and r.id >= ?::uuid and e.id >= ?::uuid and e.at >= ? and e.type in ('flow-step', 'flow-ended')
       group by 1, 2, 3, 4, 5`,
      [flowId, uuidAt(since.getTime() - LONGEST_RUN_MS), uuidAt(since.getTime()), since],
    );
    const { rows: begun } = await db.raw(
      `select count(distinct r.interaction_id)::int as calls from flow_version v join flow_run r on r.flow_version_id = v.id
       where v.flow_id = ? and r.id >= ?::uuid and r.started_at >= ?`,
      [flowId, uuidAt(since.getTime()), since],
    );
    type Row = {
      type: string;
      step: string;
      edge: string | null;
      to: string | null;
      end: string | null;
      calls: number;
    };
    const all = rows as Row[];
    return {
      since,
      at,
      calls: begun[0].calls,
      edges: all.flatMap(({ type, step, edge, to, calls }) =>
        type === 'flow-step' && edge !== null && to !== null ? [{ step, edge, to, calls }] : [],
      ),
      ends: all.flatMap(({ type, step, end, calls }) =>
        type === 'flow-ended' && end !== null ? [{ step, end, calls }] : [],
      ),
    };
  }

  return {
    /** The first moment of the day of a user's clock. */
    async today(userId: string): Promise<Date> {
      const { rows } = await db.raw(
        `select date_trunc('day', ?::timestamptz at time zone time_zone) at time zone time_zone as start from app_user where id = ?`,
        [clock.now(), userId],
      );
      return rows[0]?.start ?? new Date(clock.now().getTime() - 86_400_000);
    },

    /** Several who look at the same flow are answered with one count. */
    of(flowId: string, since: Date): Promise<FlowTraffic> {
      const key = `${flowId} ${since.getTime()}`;
      const nowMs = clock.now().getTime();
      const known = kept.get(key);
      if (known && known.until > nowMs) return known.answer;
      const entry = { until: Number.POSITIVE_INFINITY, answer: count(flowId, since) };
      kept.delete(key);
      kept.set(key, entry);
      if (kept.size > MOST_KEPT) kept.delete(kept.keys().next().value!);
      entry.answer.then(
        () => {
          const doneMs = clock.now().getTime();
          entry.until = doneMs + Math.max(FRESH_MS, (doneMs - nowMs) * REST);
        },
        () => kept.get(key) === entry && kept.delete(key),
      );
      return entry.answer;
    },
  };
}
