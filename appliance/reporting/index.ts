import type { QueueFigures } from '#appliance/contract/work.ts';
import type { Clock } from '#appliance/kernel/clock.ts';
import { endOfDay, knownTimeZone, startOfDay } from '#appliance/kernel/days.ts';
import { AppError } from '#appliance/kernel/errors.ts';
import type { Database } from '#appliance/platform/postgres/index.ts';
import { serviceLevel } from './service-level.ts';
import { type ContactFigure, type ContactRow, type Cut, createStore, type Period, type QueueCounts } from './store.ts';

export type { AgentCounts, ContactFigure, ContactRow, Period } from './store.ts';
export type Reporting = ReturnType<typeof createReporting>;

/** One line of a queue report. */
export interface QueueReportRow {
  queueId: string;
  queueName: string;
  /** The interval's beginning; null when the report is not cut. */
  start: string | null;
  waiting: number;
  figures: QueueFigures;
}

/** Figures from segments. Every number can list its rows, and different reports count the same rows. */
export function createReporting({ db, clock }: { db: Database; clock: Clock }) {
  const store = createStore(db);

  function today(timeZone: string): { from: Date; to: Date } {
    const zone = knownTimeZone(timeZone);
    return { from: startOfDay(clock.now(), zone), to: endOfDay(clock.now(), zone) };
  }

  return {
    today,

    /** The caller's own time zone. */
    timeZoneOf: async (userId: string): Promise<string> => (await store.timeZoneOf(userId)) ?? 'UTC',

    /** Figures per queue of contacts that arrived in the period. */
    async queueFigures(period: Period): Promise<Map<string, QueueFigures>> {
      const rows = await store.queueCounts(period);
      return new Map(rows.map((row) => [row.queueId, figuresOf(row, period)]));
    },

    /** For the live page: today in the house's time zone. */
    async todayFigures(queueIds: string[], timeZone = 'UTC'): Promise<Map<string, QueueFigures>> {
      const figures = await this.queueFigures(today(timeZone));
      return new Map(queueIds.flatMap((id) => (figures.has(id) ? [[id, figures.get(id)!] as const] : [])));
    },

    async queueReport(period: Period, cut?: Cut): Promise<QueueReportRow[]> {
      if (cut) knownTimeZone(cut.timeZone);
      const rows = await store.queueCounts(period, cut);
      return rows.map((row) => ({
        queueId: row.queueId,
        queueName: row.queueName,
        start: row.start?.toISOString() ?? null,
        waiting: row.waiting,
        figures: figuresOf(row, period),
      }));
    },

    agentReport: (period: Period) => store.agentCounts(period),

    /** The contacts that a figure counted. */
    async contacts(
      period: Period,
      figure: ContactFigure,
      page: { limit?: number | undefined; cursor?: string | undefined } = {},
    ): Promise<{ items: ContactRow[]; next: string | null }> {
      const limit = Math.min(Math.max(page.limit ?? 50, 1), 500);
      const after = page.cursor === undefined ? undefined : decodeCursor(page.cursor);
      const rows = await store.contacts(period, figure, { limit, ...(after && { after }) });
      const items = rows.slice(0, limit);
      const last = items.at(-1);
      return { items, next: rows.length > limit && last ? encodeCursor(last) : null };
    },
  };
}

function figuresOf(row: QueueCounts, { from, to }: Period): QueueFigures {
  const level = serviceLevel(row.formula, row, row.thresholdS);
  return {
    offered: row.offered,
    answered: row.answered,
    answeredWithinS: row.answeredWithin,
    abandoned: row.abandoned,
    abandonedWithinS: row.abandonedWithin,
    shortAbandoned: row.shortAbandoned,
    flowedOut: row.flowedOut,
    serviceLevel: level.value,
    serviceLevelThresholdS: row.thresholdS,
    serviceLevelTarget: row.target,
    serviceLevelFormula: level.formula,
    serviceLevelKind: row.formula,
    averageSpeedOfAnswerS: row.answered > 0 ? row.answerWaitS / row.answered : null,
    longestWaitS: row.longestWaitS,
    averageHandleS: row.handled > 0 ? row.handleS / row.handled : null,
    from: from.toISOString(),
    to: to.toISOString(),
  };
}

function encodeCursor(row: ContactRow): string {
  return Buffer.from(JSON.stringify([row.startedAt.toISOString(), row.id])).toString('base64url');
}

function decodeCursor(cursor: string): { at: string; id: string } {
  try {
    const [at, id] = JSON.parse(Buffer.from(cursor, 'base64url').toString()) as unknown[];
    const fits = typeof at === 'string' && !Number.isNaN(Date.parse(at)) && typeof id === 'string';
    if (fits && /^[0-9a-f-]{36}$/i.test(id)) return { at, id };
  } catch {
    // falls through to the refusal
  }
  throw new AppError('invalid', 'invalid-cursor', 'The cursor is not one that a list returned.');
}
