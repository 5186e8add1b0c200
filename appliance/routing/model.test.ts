import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ManualClock } from '#appliance/kernel/clock.ts';
import type { TestDatabase } from '#test/support/database.ts';
import { testDatabase } from '#test/support/database.ts';
import type { Offer, OfferOutcome } from './channel-port.ts';
import { addAgent, addQueue, addSkill, process } from './fixture.ts';
import { eligible } from './selection.ts';

// Any sequence of what customers, agents, phones and power cuts do; after each step the rules of the house hold.
const step = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({
      do: fc.constant('call' as const),
      queue: fc.nat(2),
      priority: fc.nat(10),
      preferred: fc.option(fc.nat(4)),
    }),
  },
  { weight: 5, arbitrary: fc.record({ do: fc.constant('answer' as const), which: fc.nat(9) }) },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant('fail' as const),
      which: fc.nat(9),
      why: fc.constantFrom('declined', 'no-answer', 'unreachable'),
    }),
  },
  {
    weight: 5,
    arbitrary: fc.record({
      do: fc.constant('presence' as const),
      agent: fc.nat(4),
      state: fc.constantFrom('ready', 'ready', 'not-ready', 'offline'),
    }),
  },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('hang-up' as const), which: fc.nat(9) }) },
  {
    weight: 4,
    arbitrary: fc.record({ do: fc.constant('agent-done' as const), which: fc.nat(9), wrapUp: fc.boolean() }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('finish-wrap-up' as const), agent: fc.nat(4) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('requeue' as const), which: fc.nat(9), queue: fc.nat(2) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('dial' as const), agent: fc.nat(4) }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constant('wait' as const), s: fc.integer({ min: 1, max: 40 }) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('restart' as const) }) },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant('power-cut' as const),
      during: fc.constantFrom('call', 'answer', 'hang-up', 'agent-done'),
      which: fc.nat(9),
      turns: fc.nat(12),
    }),
  },
);

describe('the router, whatever happens', () => {
  let database: TestDatabase;
  let agents: string[];
  let queues: string[];
  beforeAll(async () => {
    database = await testDatabase();
    const { db } = database;
    const loans = await addSkill(db, 'Loans');
    const names = ['Ann', 'Ben', 'Cy', 'Dee', 'Eve'];
    agents = [];
    for (const [index, name] of names.entries()) {
      agents.push(
        await addAgent(db, name, {
          skills: { [loans]: 2 + 2 * index },
          ...(index === 4 ? { capacity: { voice: 2 } } : {}),
        }),
      );
    }
    const overflow = await addQueue(db, 'Overflow', agents.slice(2), {
      offer_timeout_s: 10,
      wrap_up: 'until-done',
      rona_limit: 2,
    });
    queues = [
      await addQueue(db, 'Sales', agents, {
        wrap_up_s: 15,
        last_agent_wait_s: 10,
        overflow: [{ when: 'waited', afterS: 60, exit: { to: 'queue', queueId: overflow } }],
      }),
      await addQueue(db, 'All', agents.slice(0, 4), {
        strategy: 'ring-all',
        max_wait_s: 90,
        after_wrap_up: 'not-ready',
        wrap_up_s: 5,
      }),
      overflow,
    ];
    await db('queue_skill').insert({ queue_id: queues[0], skill_id: loans, min_level: 6 });
    await db('queue_relaxation').insert({ queue_id: queues[0], skill_id: loans, after_s: 20, min_level: null });
  });
  afterAll(() => database.close());

  it('keeps its promises', { timeout: 120_000 }, async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 45 }), async (steps) => {
        const world = await World.begin(database, agents, queues);
        try {
          for (const one of steps) {
            await world.take(one);
            world.check(JSON.stringify(one));
          }
          await world.endOfDay();
        } finally {
          await world.close();
        }
      }),
      { numRuns: Number(globalThis.process.env.MODEL_RUNS ?? 40) },
    );
  });
});

type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

class World {
  readonly #database: TestDatabase;
  readonly #agents: string[];
  readonly #queues: string[];
  readonly #clock = new ManualClock();
  #house: ReturnType<typeof process>;
  #calls: string[] = [];

  constructor(database: TestDatabase, agents: string[], queues: string[]) {
    this.#database = database;
    this.#agents = agents;
    this.#queues = queues;
    this.#house = this.#build();
  }

  static async begin(database: TestDatabase, agents: string[], queues: string[]): Promise<World> {
    // A run that failed left things behind; the next one, smaller, starts clean.
    await database.db.raw('truncate interaction, presence cascade');
    const world = new World(database, agents, queues);
    await world.#house.start();
    for (const agentId of agents.slice(0, 3)) await world.#house.presence(agentId, 'ready');
    return world;
  }

  #build(): ReturnType<typeof process> {
    const house = process(this.#database.db, { clock: this.#clock });
    const offer = house.voice.offer.bind(house.voice);
    house.voice.offer = (proposed: Offer, outcome: OfferOutcome) => {
      const desk = house.router.floor().desks.get(proposed.agentId)!;
      expect(desk.presence, 'an offer to an agent who is not ready').toMatchObject({ state: 'ready', pending: null });
      for (const other of house.voice.ringing.values()) {
        expect(other.offer.agentId, 'two offers to one agent').not.toBe(proposed.agentId);
        if (other.offer.interactionId === proposed.interactionId) {
          expect(house.router.queue(proposed.queueId!)?.strategy, 'two phones ring for one call').toBe('ring-all');
        }
      }
      offer(proposed, outcome);
    };
    return house;
  }

  async take(one: Step): Promise<void> {
    const house = this.#house;
    const ringing = [...house.voice.ringing.values()];
    const pick = <T>(list: T[], index: number): T | undefined =>
      list.length === 0 ? undefined : list[index % list.length];
    switch (one.do) {
      case 'call': {
        const preferred = one.preferred === null ? {} : { preferredAgentId: this.#agents[one.preferred]! };
        this.#calls.push(await house.call(this.#queues[one.queue]!, { priority: one.priority, ...preferred }));
        break;
      }
      case 'answer': {
        const rings = pick(ringing, one.which);
        if (rings) await house.voice.answer((offer) => offer.id === rings.offer.id);
        break;
      }
      case 'fail': {
        const rings = pick(ringing, one.which);
        if (rings) house.voice.fail(one.why as 'declined', (offer) => offer.id === rings.offer.id);
        break;
      }
      case 'presence':
        await house.presence(this.#agents[one.agent]!, one.state as 'ready');
        break;
      case 'hang-up': {
        const call = pick(this.#calls, one.which);
        if (call) await this.#over(call);
        break;
      }
      case 'agent-done': {
        const call = pick(this.#calls, one.which);
        const agentId = call && house.interactions.get(call)?.agentId;
        if (!call || !agentId || house.interactions.get(call)?.state !== 'active') break;
        await house.interactions.end(call, { reason: 'agent' });
        await house.router.finished(call, agentId, { wrapUp: one.wrapUp });
        this.#calls = this.#calls.filter((id) => id !== call);
        break;
      }
      case 'finish-wrap-up': {
        const agentId = this.#agents[one.agent]!;
        const work = [...house.router.floor().desks.get(agentId)!.work.values()].find(
          ({ state }) => state === 'wrap-up',
        );
        if (work) {
          await house.bus.call('router', 'wrap-up.finish', {
            interactionId: work.interactionId,
            agentId,
            disposition: null,
            notes: 'done',
          });
        }
        break;
      }
      case 'requeue': {
        const call = pick(this.#calls, one.which);
        const queueId = this.#queues[one.queue]!;
        if (call)
          await house.bus
            .call('router', 'interaction.requeue', { interactionId: call, queueId, by: 'test' })
            .catch(() => {});
        break;
      }
      case 'dial': {
        const agentId = this.#agents[one.agent]!;
        if (house.router.isBusy(agentId)) break;
        const { id } = await house.interactions.open({
          channel: 'voice',
          direction: 'out',
          from: '1001',
          to: '+15550199',
        });
        house.interactions.startSegment(id, { kind: 'agent', agentId });
        house.router.engage(agentId, id, 'voice');
        this.#calls.push(id);
        break;
      }
      case 'wait':
        this.#clock.advance(one.s * 1000);
        break;
      case 'restart':
        await house.stop();
        await this.#again();
        break;
      case 'power-cut': {
        const { during, which } = one;
        const begun =
          during === 'call'
            ? this.take({ do: 'call', queue: which % 3, priority: 5, preferred: null })
            : during === 'agent-done'
              ? this.take({ do: during, which, wrapUp: true })
              : this.take({ do: during as 'answer', which });
        begun.catch(() => {});
        for (let turn = 0; turn < one.turns; turn++) await new Promise((resolve) => setImmediate(resolve));
        house.kill();
        await house.stop();
        await this.#again();
        const live = await this.#house.interactions.live();
        this.#calls = live.filter(({ endedAt }) => endedAt === null).map(({ id }) => id);
        break;
      }
    }
    // Calls that an overflow sent out of the queue: their channel hangs up.
    for (const { interactionId } of this.#house.voice.expirations.splice(0)) await this.#over(interactionId);
  }

  async #again(): Promise<void> {
    this.#house = this.#build();
    await this.#house.start();
  }

  async #over(call: string): Promise<void> {
    const house = this.#house;
    const row = house.interactions.get(call);
    const agentId = row?.state === 'active' ? row.agentId : null;
    await house.router.remove(call, 'abandoned');
    await house.interactions.end(call, { reason: 'customer' });
    if (agentId) await house.router.finished(call, agentId, { wrapUp: true });
    this.#calls = this.#calls.filter((id) => id !== call);
  }

  check(after: string): void {
    const house = this.#house;
    const floor = house.router.floor();
    const now = this.#clock.now().getTime();
    const held = new Map<string, string>();
    for (const desk of floor.desks.values()) {
      for (const work of desk.work.values()) {
        if (work.state !== 'active') continue;
        expect(held.get(work.interactionId), `two agents with one interaction after ${after}`).toBeUndefined();
        held.set(work.interactionId, desk.id);
      }
      if (desk.offer)
        expect(house.voice.ringing.has(desk.offer.id), `an offer that rings nowhere after ${after}`).toBe(true);
    }
    expect(house.voice.ringing.size, `phones that ring for nothing after ${after}`).toBe(house.router.pendingOffers());
    for (const call of this.#calls) {
      const places = Number(floor.entries.has(call)) + Number(held.has(call));
      expect(places, `${call} is nowhere or twice after ${after}`).toBe(1);
      expect(house.interactions.openSegments(call).filter(({ kind }) => kind !== 'wrap-up')).toHaveLength(1);
    }
    for (const queue of floor.queues.values()) {
      for (const entry of queue.line) {
        for (const desk of queue.members.values()) {
          expect(
            eligible(desk, entry, now),
            `${desk.row.name} is free while ${entry.interactionId} waits, after ${after}`,
          ).toBe(false);
        }
      }
    }
  }

  /** Everybody hangs up and goes home: nothing may be left open, and the segments tell a story without gaps. */
  async endOfDay(): Promise<void> {
    for (const call of [...this.#calls]) await this.#over(call);
    for (const agentId of this.#agents) await this.#house.presence(agentId, 'offline');
    await this.#house.batch.flushed();
    const { db } = this.#database;
    const wrong = async (sql: string) => (await db.raw(sql)).rows as unknown[];
    expect(
      await wrong(`select id, state from interaction where state <> 'ended'`),
      'interactions that never end',
    ).toEqual([]);
    expect(await wrong('select id, kind from segment where ended_at is null'), 'segments left open').toEqual([]);
    expect(await wrong(`select id from offer where state = 'pending'`), 'offers left open').toEqual([]);
    expect(await wrong(`select id from queue_entry where state = 'waiting'`), 'places left over').toEqual([]);
    const gaps = await wrong(
      `select * from (select interaction_id, kind, ended_at, lead(started_at) over (partition by interaction_id order by started_at, id) as next
        from segment where kind not in ('consult', 'wrap-up')) x where next is not null and next <> ended_at`,
    );
    expect(gaps, 'gaps or overlaps between segments').toEqual([]);
    const twice = await wrong(
      `select interaction_id from offer where state = 'accepted' group by entry_id, interaction_id having count(*) > 1`,
    );
    expect(twice, 'one place handed out twice').toEqual([]);
  }

  async close(): Promise<void> {
    await this.#house.stop();
  }
}
