import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createInteractions } from '#appliance/interactions/index.ts';
import { ManualClock } from '#appliance/kernel/clock.ts';
import { uuidv7 } from '#appliance/kernel/ids.ts';
import { memoryBus } from '#appliance/platform/bus/index.ts';
import { silentLog } from '#appliance/platform/log/index.ts';
import { createBatch } from '#appliance/platform/postgres/index.ts';
import type { TestDatabase } from '#test/support/database.ts';
import { testDatabase } from '#test/support/database.ts';
import { type ContactFigure, createReporting } from './index.ts';

const visit = fc.record({
  queue: fc.nat(1),
  agent: fc.nat(2),
  waitS: fc.integer({ min: 0, max: 60 }),
  fate: fc.constantFrom('answered', 'answered', 'answered', 'abandoned', 'overflow', 'voicemail'),
  talkS: fc.integer({ min: 1, max: 300 }),
  holdS: fc.constantFrom(0, 0, 30),
  wrapUpS: fc.constantFrom(0, 15),
});
const story = fc.record({
  startS: fc.integer({ min: 0, max: 10 * 3600 }),
  visits: fc.array(visit, { minLength: 1, maxLength: 3 }),
});

describe('queue figures', () => {
  let database: TestDatabase;
  const agents = [uuidv7(), uuidv7(), uuidv7()];
  const queues = [uuidv7(), uuidv7()];
  beforeAll(async () => {
    database = await testDatabase();
    for (const [index, id] of agents.entries()) {
      await database
        .db('app_user')
        .insert({ id, username: `agent${index}`, display_name: `Agent ${index}`, role: 'agent' });
      await database.db('agent').insert({ id });
    }
    await database.db('queue').insert([
      { id: queues[0], name: 'Sales', answer_within_s: 20, short_abandon_s: 5 },
      { id: queues[1], name: 'Support', answer_within_s: 30, short_abandon_s: 0, service_level_formula: 'negative' },
    ]);
  });
  afterAll(() => database.close());

  const day = { from: new Date('2026-01-05T00:00:00Z'), to: new Date('2026-01-06T00:00:00Z') };

  it('agree with the calls that happened, with their rows, with their hours, and with the agents’ report', {
    timeout: 60_000,
  }, async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(story, { minLength: 1, maxLength: 15 }), async (stories) => {
        await database.db.raw('truncate interaction cascade');
        const clock = new ManualClock(day.from);
        const batch = createBatch(database.db, { log: silentLog });
        const interactions = createInteractions({ db: database.db, batch, bus: memoryBus(), clock, log: silentLog });
        const expected = queues.map(() => ({
          offered: 0,
          answered: 0,
          within: 0,
          abandoned: 0,
          short: 0,
          out: 0,
          wait: 0,
          handle: 0,
        }));
        for (const { startS, visits } of stories) {
          let at = day.from.getTime() + startS * 1000;
          const time = (afterS = 0) => {
            at += afterS * 1000;
            return new Date(at);
          };
          const { id } = await interactions.open({
            channel: 'voice',
            direction: 'in',
            from: '+15550123',
            to: '+15550100',
            at: time(),
          });
          interactions.startSegment(id, { kind: 'flow', at: time() });
          let over = false;
          for (const { queue, agent, waitS, fate, talkS, holdS, wrapUpS } of visits) {
            const counts = expected[queue]!;
            const [queueId, agentId] = [queues[queue]!, agents[agent]!];
            interactions.startSegment(id, { kind: 'queue', queueId, at: time(1) });
            counts.offered++;
            if (fate === 'abandoned') {
              counts.abandoned++;
              if (waitS < (queue === 0 ? 5 : 0)) counts.short++;
              await interactions.end(id, { reason: 'customer', at: time(waitS) });
              over = true;
              break;
            }
            if (fate !== 'answered') {
              counts.out++;
              interactions.startSegment(id, { kind: 'flow', previous: fate as 'overflow', at: time(waitS) });
              continue;
            }
            counts.answered++;
            counts.wait += waitS;
            if (waitS <= (queue === 0 ? 20 : 30)) counts.within++;
            counts.handle += talkS + holdS + wrapUpS;
            interactions.startSegment(id, { kind: 'agent', agentId, queueId, at: time(waitS) });
            time(talkS);
            if (holdS > 0) {
              interactions.startSegment(id, { kind: 'hold', at: time() });
              interactions.startSegment(id, { kind: 'agent', at: time(holdS) });
            }
            interactions.startSegment(id, { kind: 'flow', at: time() });
            if (wrapUpS > 0) {
              interactions.startSegment(id, { kind: 'wrap-up', agentId, queueId, at: time() });
              await interactions.finishWrapUp(id, { agentId, disposition: null, notes: null, at: time(wrapUpS) });
            }
          }
          if (!over) await interactions.end(id, { reason: 'agent', at: time() });
        }
        await batch.flushed();

        const reporting = createReporting({ db: database.db, clock });
        const figures = await reporting.queueFigures(day);
        const hours = await reporting.queueReport(day, { by: 'hour', timeZone: 'Asia/Kathmandu' });
        const byAgent = await reporting.agentReport(day);
        for (const [index, queueId] of queues.entries()) {
          const is = figures.get(queueId)!;
          const { offered, answered, within, abandoned, short, out, wait, handle } = expected[index]!;
          expect(is).toMatchObject({
            offered,
            answered,
            answeredWithinS: within,
            abandoned,
            shortAbandoned: short,
            flowedOut: out,
          });
          expect(is.offered).toBe(is.answered + is.abandoned + is.flowedOut);
          expect(is.averageSpeedOfAnswerS).toEqual(answered === 0 ? null : wait / answered);
          if (answered > 0) expect(is.averageHandleS).toBeCloseTo(handle / answered, 6);
          const mine = hours.filter((row) => row.queueId === queueId);
          for (const field of ['offered', 'answered', 'abandoned', 'flowedOut', 'answeredWithinS'] as const) {
            expect(
              mine.reduce((sum, row) => sum + row.figures[field], 0),
              field,
            ).toBe(is[field]);
          }
          for (const [figure, count] of [
            ['offered', is.offered],
            ['answered', is.answered],
            ['answered-within', is.answeredWithinS],
            ['abandoned', is.abandoned],
            ['short-abandoned', is.shortAbandoned],
            ['flowed-out', is.flowedOut],
            ['waiting', 0],
          ] as [ContactFigure, number][]) {
            const { items, next } = await reporting.contacts({ ...day, queueId }, figure, { limit: 500 });
            expect([items.length, next], figure).toEqual([count, null]);
          }
        }
        const sum = (pick: (row: (typeof byAgent)[number]) => number) =>
          byAgent.reduce((total, row) => total + pick(row), 0);
        expect(sum((row) => row.answered)).toBe(expected[0]!.answered + expected[1]!.answered);
        expect(sum((row) => row.talkS + row.holdS + row.wrapUpS)).toBeCloseTo(
          expected[0]!.handle + expected[1]!.handle,
          6,
        );
        await batch.close();
      }),
      { numRuns: 15 },
    );
  });

  it('lists the rows of a figure page by page', async () => {
    const reporting = createReporting({ db: database.db, clock: new ManualClock(day.from) });
    const all = await reporting.contacts(day, 'offered', { limit: 500 });
    const seen: string[] = [];
    for (let cursor: string | undefined; ; ) {
      const { items, next } = await reporting.contacts(day, 'offered', { limit: 2, cursor });
      seen.push(...items.map(({ id }) => id));
      if (next === null) break;
      cursor = next;
    }
    expect(seen).toEqual(all.items.map(({ id }) => id));
    await expect(reporting.contacts(day, 'offered', { cursor: 'nonsense' })).rejects.toMatchObject({
      code: 'invalid-cursor',
    });
  });

  it('shows a queue in which nothing happened, with no level rather than a false one', async () => {
    const reporting = createReporting({ db: database.db, clock: new ManualClock('2020-02-02T10:00:00Z') });
    const figures = await reporting.todayFigures(queues);
    expect(figures.get(queues[0]!)).toMatchObject({
      offered: 0,
      serviceLevel: null,
      averageSpeedOfAnswerS: null,
      averageHandleS: null,
    });
  });
});
