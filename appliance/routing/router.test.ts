import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createTodayStore } from '#appliance/agents/today-store.ts';
import { endOfDay } from '#appliance/kernel/days.ts';
import type { TestDatabase } from '#test/support/database.ts';
import { testDatabase } from '#test/support/database.ts';
import { addAgent, addQueue, addSkill, FakeChannel, process } from './fixture.ts';

describe('the router', () => {
  let database: TestDatabase;
  let house: ReturnType<typeof process>;

  beforeEach(async () => {
    database = await testDatabase();
    house = process(database.db);
  });
  afterEach(async () => {
    await house.stop();
    await database.close();
  });

  const segments = async (interactionId: string) => {
    await house.batch.flushed();
    const trace = await house.interactions.trace(interactionId);
    return trace.segments.map(({ kind, end }) => `${kind}:${end ?? 'open'}`);
  };

  it('takes a call from the queue to an agent, through wrap-up, to the end', async () => {
    const ann = await addAgent(database.db, 'Ann');
    const sales = await addQueue(database.db, 'Sales', [ann], { wrap_up_s: 30 });
    await house.start();
    await house.presence(ann, 'ready');
    const call = await house.call(sales);
    expect(house.voice.offered).toMatchObject([{ interactionId: call, agentId: ann, queueId: sales }]);
    house.clock.advance(4000);
    expect(await house.voice.answer()).toBe(true);
    expect(await house.bus.call('router', 'live.me', { agentId: ann })).toMatchObject({
      presence: 'ready',
      offers: [],
      work: [{ interactionId: call, state: 'active', queueId: sales }],
    });
    house.clock.advance(60_000);
    await house.interactions.end(call, { reason: 'customer' });
    await house.router.finished(call, ann, { wrapUp: true });
    expect(house.interactions.get(call)?.state).toBe('wrap-up');
    expect(await segments(call)).toEqual(['flow:queued', 'queue:answered', 'agent:completed', 'wrap-up:open']);
    house.clock.advance(30_000);
    expect(await segments(call)).toEqual(['flow:queued', 'queue:answered', 'agent:completed', 'wrap-up:completed']);
    const trace = await house.interactions.trace(call);
    expect(trace).toMatchObject({ state: 'ended', agentId: ann, queueId: sales, endReason: 'customer' });
    expect(trace.segments.map(({ durationS }) => durationS)).toEqual([0, 4, 60, 30]);
    expect(await house.router.offersOf(call)).toMatchObject([{ state: 'accepted', agentId: ann, waitedS: 0 }]);
  });

  it('lets a colleague take what rings elsewhere: one answer is booked, nobody is blamed', async () => {
    const [ann, ben] = [await addAgent(database.db, 'Ann'), await addAgent(database.db, 'Ben')];
    const sales = await addQueue(database.db, 'Sales', [ann, ben]);
    await house.start();
    await house.presence(ann, 'ready');
    const call = await house.call(sales);
    const taking = house.router.pickUp(call, ann, ben);
    expect(await taking.outcome.accepted()).toBe(true);
    expect(house.voice.withdrawn).toMatchObject([{ why: 'taken' }]);
    expect(await segments(call)).toEqual(['flow:queued', 'queue:answered', 'agent:open']);
    const offers = await house.router.offersOf(call);
    expect(offers.map(({ agentId, state }) => [agentId, state])).toEqual([
      [ann, 'withdrawn'],
      [ben, 'accepted'],
    ]);
    expect(house.router.presence(ann)).toBe('ready');
    expect(() => house.router.pickUp(call, ann, ben)).toThrow('Nothing rings');
  });

  it('rings on where it rang when the colleague who wanted it does not pick up after all', async () => {
    const [ann, ben] = [await addAgent(database.db, 'Ann'), await addAgent(database.db, 'Ben')];
    const sales = await addQueue(database.db, 'Sales', [ann, ben]);
    await house.start();
    await house.presence(ann, 'ready');
    const call = await house.call(sales);
    const taking = house.router.pickUp(call, ann, ben);
    taking.outcome.failed('no-answer');
    expect(await taking.outcome.accepted()).toBe(false);
    expect(house.router.presence(ben)).toBe('offline');
    expect(await house.voice.answer((offer) => offer.agentId === ann)).toBe(true);
    expect(await segments(call)).toEqual(['flow:queued', 'queue:answered', 'agent:open']);
  });

  it('offers a call-back that rests to nobody before its moment, also after a restart', async () => {
    const ann = await addAgent(database.db, 'Ann');
    const sales = await addQueue(database.db, 'Sales', [ann]);
    await house.start();
    await house.presence(ann, 'ready');
    const { id } = await house.interactions.open({
      channel: 'voice',
      direction: 'out',
      from: '+15550100',
      to: '+15550123',
    });
    const at = house.clock.now().getTime();
    await house.router.enqueue({
      interactionId: id,
      queueId: sales,
      channel: 'voice',
      from: '+15550123',
      notBefore: new Date(at + 60_000),
    });
    expect(house.voice.offered).toEqual([]);
    house.clock.advance(30_000);
    await house.batch.flushed();
    const clock = house.clock;
    await house.stop();
    house = process(database.db, { clock });
    await house.start();
    expect(house.voice.offered).toEqual([]);
    house.clock.advance(29_999);
    expect(house.voice.offered).toEqual([]);
    house.clock.advance(1);
    expect(house.voice.offered).toMatchObject([{ interactionId: id, agentId: ann }]);
  });

  it('books a caller who hangs up while waiting at one instant, however late it gets to know', async () => {
    const sales = await addQueue(database.db, 'Sales', [await addAgent(database.db, 'Ann')]);
    await house.start();
    const call = await house.call(sales);
    house.clock.advance(4000);
    const hungUpAt = house.clock.now();
    house.clock.advance(2500);
    expect(await house.router.remove(call, 'abandoned', hungUpAt)).toBe(true);
    await house.interactions.end(call, { reason: 'abandoned', at: hungUpAt });
    await house.batch.flushed();
    const { endedAt, segments } = await house.interactions.trace(call);
    expect(endedAt).toBe(hungUpAt.toISOString());
    expect(segments.at(-1)).toMatchObject({ kind: 'queue', end: 'abandoned', endedAt, durationS: 4 });
  });

  it('keeps the place of a call whose agent does not answer, and takes that agent off', async () => {
    const [ann, ben] = [await addAgent(database.db, 'Ann'), await addAgent(database.db, 'Ben')];
    const sales = await addQueue(database.db, 'Sales', [ann, ben], { offer_timeout_s: 15 });
    await house.start();
    await house.presence(ann, 'ready');
    const first = await house.call(sales);
    const second = await house.call(sales);
    expect(house.router.position(second)?.position).toBe(2);
    house.clock.advance(15_000);
    expect(house.voice.withdrawn).toEqual([{ offerId: house.voice.offered[0]!.id, why: 'timed-out' }]);
    expect(await house.bus.call('router', 'live.me', { agentId: ann })).toMatchObject({
      presence: 'not-ready',
      reason: 'RONA',
    });
    expect(house.router.position(first)?.position).toBe(1);
    await house.presence(ben, 'ready');
    expect(house.voice.offered.at(-1)).toMatchObject({ interactionId: first, agentId: ben });
  });

  it('never offers to an agent who is not ready, and takes back what rings when the agent becomes so', async () => {
    const ann = await addAgent(database.db, 'Ann');
    const sales = await addQueue(database.db, 'Sales', [ann]);
    await house.start();
    await house.presence(ann, 'not-ready', 'break');
    await house.call(sales);
    expect(house.voice.offered).toEqual([]);
    await house.presence(ann, 'ready');
    expect(house.voice.ringing.size).toBe(1);
    await house.presence(ann, 'not-ready', 'lunch');
    expect(house.voice.ringing.size).toBe(0);
    expect(await house.bus.call('router', 'live.me', { agentId: ann })).toMatchObject({
      presence: 'not-ready',
      reason: 'lunch',
    });
  });

  it('lets not-ready take effect after the call when it is asked for during the call', async () => {
    const ann = await addAgent(database.db, 'Ann');
    const sales = await addQueue(database.db, 'Sales', [ann], { wrap_up: 'none' });
    await house.start();
    await house.presence(ann, 'ready');
    const call = await house.call(sales);
    await house.voice.answer();
    expect(await house.presence(ann, 'not-ready', 'break')).toMatchObject({ state: 'ready' });
    await house.call(sales);
    await house.interactions.end(call, { reason: 'customer' });
    await house.router.finished(call, ann, { wrapUp: true });
    expect(await house.bus.call('router', 'live.me', { agentId: ann })).toMatchObject({
      presence: 'not-ready',
      reason: 'break',
    });
    expect(house.voice.ringing.size).toBe(0);
  });

  it('rings everybody with ring-all, and the first who answers has it', async () => {
    const agents = [
      await addAgent(database.db, 'Ann'),
      await addAgent(database.db, 'Ben'),
      await addAgent(database.db, 'Cy'),
    ];
    const sales = await addQueue(database.db, 'Sales', agents, { strategy: 'ring-all' });
    await house.start();
    for (const agent of agents) await house.presence(agent, 'ready');
    const call = await house.call(sales);
    expect(house.voice.offered.map(({ agentId }) => agentId).sort()).toEqual([...agents].sort());
    const answers = [...house.voice.ringing.values()].map(({ outcome }) => outcome.accepted());
    expect((await Promise.all(answers)).filter(Boolean)).toHaveLength(1);
    expect(house.voice.withdrawn.map(({ why }) => why)).toEqual(['taken', 'taken']);
    expect(house.interactions.get(call)?.agentId).toBe(house.voice.offered[0]!.agentId);
  });

  it('asks for skills less and less as the customer waits', async () => {
    const dutch = await addSkill(database.db, 'Dutch');
    const ann = await addAgent(database.db, 'Ann', { skills: { [dutch]: 3 } });
    const sales = await addQueue(database.db, 'Sales', [ann]);
    await database.db('queue_skill').insert({ queue_id: sales, skill_id: dutch, min_level: 8 });
    await database.db('queue_relaxation').insert([
      { queue_id: sales, skill_id: dutch, after_s: 10, min_level: 5 },
      { queue_id: sales, skill_id: dutch, after_s: 25, min_level: 3 },
    ]);
    await house.start();
    await house.presence(ann, 'ready');
    await house.call(sales);
    house.clock.advance(24_000);
    expect(house.voice.offered).toEqual([]);
    house.clock.advance(1000);
    expect(house.voice.offered).toHaveLength(1);
  });

  it('waits for the agent the customer knows, but not longer than the queue says', async () => {
    const [ann, ben] = [await addAgent(database.db, 'Ann'), await addAgent(database.db, 'Ben')];
    const sales = await addQueue(database.db, 'Sales', [ann, ben], { last_agent_wait_s: 20 });
    await house.start();
    await house.presence(ann, 'not-ready', 'break');
    await house.presence(ben, 'ready');
    const call = await house.call(sales, { preferredAgentId: ann });
    expect(house.voice.offered).toEqual([]);
    house.clock.advance(20_000);
    expect(house.voice.offered).toMatchObject([{ interactionId: call, agentId: ben }]);
  });

  it('overflows to another queue with the time waited, and then to voicemail', async () => {
    const ann = await addAgent(database.db, 'Ann');
    const back = await addQueue(database.db, 'Back office', [ann], {
      overflow: [{ when: 'waited', afterS: 30, exit: { to: 'voicemail' } }],
    });
    const sales = await addQueue(database.db, 'Sales', [], {
      overflow: [{ when: 'waited', afterS: 20, exit: { to: 'queue', queueId: back } }],
    });
    await house.start();
    const call = await house.call(sales);
    house.clock.advance(20_000);
    expect(house.router.position(call)).toMatchObject({ position: 1, waitedS: 20 });
    expect(house.router.waitingIn(back)).toBe(1);
    house.clock.advance(30_000);
    expect(house.voice.expirations).toEqual([{ interactionId: call, exit: { to: 'voicemail' } }]);
    expect(house.router.position(call)).toBeUndefined();
    expect(await segments(call)).toEqual(['flow:queued', 'queue:overflow', 'queue:voicemail', 'flow:open']);
  });

  it('hands who waits to whom a person chooses, past the line, ready or not', async () => {
    const [ann, ben, cy] = await Promise.all(['Ann', 'Ben', 'Cy'].map((name) => addAgent(database.db, name)));
    const sales = await addQueue(database.db, 'Sales', [ann!]);
    await house.start();
    await house.presence(ann!, 'ready');
    const first = await house.call(sales);
    const second = await house.call(sales);
    const pull = (interactionId: string, agentId: string) =>
      house.bus.call('router', 'interaction.pull', { interactionId, agentId, by: cy! });
    await expect(pull(second, ben!)).rejects.toMatchObject({ code: 'agent-offline' });
    await house.presence(ben!, 'not-ready');
    await pull(second, ben!);
    expect(house.voice.offered.at(-1)).toMatchObject({ interactionId: second, agentId: ben, queueId: sales });
    expect(await house.bus.call('router', 'live.waiting', { queueId: sales })).toMatchObject([
      { interactionId: first, place: 1, offeredTo: [{ id: ann }] },
      { interactionId: second, place: 2, offeredTo: [{ id: ben }] },
    ]);
    await expect(pull(first, ben!)).rejects.toMatchObject({ code: 'agent-busy' });
    // Not to answer a call that somebody else chose is no miss; the call is back at its place.
    house.voice.fail('no-answer', ({ agentId }) => agentId === ben);
    expect(house.router.floor().desks.get(ben!)?.presence).toMatchObject({ state: 'not-ready', reason: null });
    expect(house.router.position(second)?.position).toBe(2);
    // What rings already can be taken away: one phone stops, the other begins.
    await pull(first, ben!);
    expect(house.voice.withdrawn.at(-1)).toMatchObject({ why: 'taken' });
    expect(house.voice.offered.slice(-2)).toMatchObject([
      { interactionId: first, agentId: ben },
      { interactionId: second, agentId: ann },
    ]);
    expect(await house.voice.answer(({ agentId }) => agentId === ben)).toBe(true);
    expect(await segments(first)).toEqual(['flow:queued', 'queue:answered', 'agent:open']);
    await expect(pull(first, ann!)).rejects.toMatchObject({ code: 'not-waiting' });
    const { events } = await house.interactions.trace(first);
    expect(events.filter(({ type }) => type === 'queue.pulled')).toMatchObject([{ data: { agentId: ben, by: cy } }]);
  });

  it('lets a person change a place by another priority, and keeps it', async () => {
    const ann = await addAgent(database.db, 'Ann');
    const sales = await addQueue(database.db, 'Sales', [ann]);
    await house.start();
    const first = await house.call(sales);
    house.clock.advance(30_000);
    const second = await house.call(sales);
    await house.bus.call('router', 'interaction.priority', { interactionId: second, priority: 6, by: ann });
    expect([second, first].map((id) => house.router.position(id)?.position)).toEqual([1, 2]);
    expect(await house.bus.call('router', 'live.waiting', { queueId: sales })).toMatchObject([
      { interactionId: second, priority: 6 },
      { interactionId: first, priority: 5 },
    ]);
    expect(await database.db('queue_entry').where({ interaction_id: second }).first('priority')).toEqual({
      priority: 6,
    });
    await house.presence(ann, 'ready');
    expect(house.voice.offered).toMatchObject([{ interactionId: second }]);
  });

  it('serves other queues with other skills until midnight of the team, and then as usual', async () => {
    const skill = await addSkill(database.db, 'Dutch');
    const ann = await addAgent(database.db, 'Ann', { skills: { [skill]: 9 } });
    const sales = await addQueue(database.db, 'Sales', [ann]);
    const dutch = await addQueue(database.db, 'Dutch', []);
    await database.db('queue_skill').insert({ queue_id: dutch, skill_id: skill, min_level: 5 });
    const today = createTodayStore(database.db);
    // Berlin puts its clocks forward in this night: the day has 23 hours.
    house.clock.advance(Date.parse('2027-03-27T23:30:00Z') - house.clock.now().getTime());
    const until = endOfDay(house.clock.now(), 'Europe/Berlin');
    expect(until.toISOString()).toBe('2027-03-28T22:00:00.000Z');
    await today.replace(
      ann,
      [
        { queueId: sales, amount: null },
        { queueId: dutch, amount: 1 },
        { skillId: skill, amount: 9 },
      ],
      { until, by: ann },
    );
    // What is as usual is not kept.
    expect(await today.of(ann, house.clock.now())).toHaveLength(2);
    await house.start();
    await house.presence(ann, 'ready');
    const wanted = await house.call(dutch);
    expect(house.voice.offered).toMatchObject([{ interactionId: wanted, agentId: ann }]);
    expect(await house.bus.call('router', 'live.agents', {})).toMatchObject([{ todayUntil: until.toISOString() }]);
    await house.router.remove(wanted, 'abandoned');
    const usual = await house.call(sales);
    house.clock.advance(until.getTime() - house.clock.now().getTime() - 1);
    expect(house.voice.offered.some(({ interactionId }) => interactionId === usual)).toBe(false);
    house.clock.advance(1);
    await expect.poll(() => house.voice.offered.at(-1)).toMatchObject({ interactionId: usual, agentId: ann });
    expect(await house.bus.call('router', 'live.agents', {})).toMatchObject([{ todayUntil: null }]);
  });

  it('keeps what its channel has promised, whatever the rules for callers say', async () => {
    const ann = await addAgent(database.db, 'Ann');
    const other = await addQueue(database.db, 'Other', [ann]);
    const sales = await addQueue(database.db, 'Sales', [ann], {
      max_waiting: 0,
      max_wait_s: 10,
      overflow: [
        { when: 'waited', afterS: 5, exit: { to: 'voicemail' } },
        { when: 'no-agents', exit: { to: 'queue', queueId: other } },
      ],
    });
    await house.start();
    const promises = Object.assign(new FakeChannel('callback'), { keepsPlace: true });
    house.router.registerChannel(promises);
    await house.presence(ann, 'not-ready');
    const kept = await house.call(sales, { channel: 'callback' });
    house.clock.advance(60_000);
    expect(promises.expirations).toEqual([]);
    expect(house.router.position(kept)).toMatchObject({ position: 1, waitedS: 60 });
    await house.presence(ann, 'ready');
    expect(promises.offered).toMatchObject([{ interactionId: kept, agentId: ann }]);
  });

  it('sends elsewhere at once when the queue is full or nobody is signed in', async () => {
    const ann = await addAgent(database.db, 'Ann');
    const full = await addQueue(database.db, 'Full', [ann], {
      max_waiting: 1,
      overflow: [{ when: 'full', exit: { to: 'callback' } }],
    });
    const empty = await addQueue(database.db, 'Empty', [ann], {
      overflow: [{ when: 'no-agents', exit: { to: 'voicemail' } }],
    });
    await house.start();
    await house.call(full);
    await house.call(full);
    expect(house.voice.expirations).toMatchObject([{ exit: { to: 'callback' } }]);
    await house.call(empty);
    expect(house.voice.expirations).toMatchObject([{}, { exit: { to: 'voicemail' } }]);
  });

  it('keeps everything over a restart: places, conversations, wrap-ups, presence', async () => {
    const [ann, ben, cy] = [
      await addAgent(database.db, 'Ann'),
      await addAgent(database.db, 'Ben'),
      await addAgent(database.db, 'Cy'),
    ];
    const sales = await addQueue(database.db, 'Sales', [ann, ben, cy], { wrap_up_s: 60 });
    await house.start();
    await house.presence(ann, 'ready');
    await house.presence(ben, 'ready');
    const [one, two, three, four] = [
      await house.call(sales),
      await house.call(sales),
      await house.call(sales),
      await house.call(sales),
    ];
    await house.voice.answer((offer) => offer.agentId === ann);
    await house.voice.answer((offer) => offer.agentId === ben);
    await house.interactions.end(two, { reason: 'customer' });
    await house.router.finished(two, house.interactions.get(two)!.agentId!, { wrapUp: true });
    house.clock.advance(20_000);
    await house.stop();

    const again = process(database.db, { clock: house.clock });
    house = again;
    await again.start();
    expect(again.router.position(three)).toMatchObject({ position: 1, waitedS: 20 });
    expect(again.router.position(four)).toMatchObject({ position: 2 });
    expect(again.interactions.get(one)?.state).toBe('active');
    expect(again.voice.offered).toEqual([]);
    await again.presence(cy, 'ready');
    expect(again.voice.offered).toMatchObject([{ interactionId: three, agentId: cy }]);
    await again.voice.answer();
    again.clock.advance(40_000);
    expect(again.interactions.get(two)?.state).toBe('ended');
    expect(again.voice.offered.at(-1)).toMatchObject({ interactionId: four });
  });

  it('hands one interaction to one agent even when two processes believe that they lead', async () => {
    const [ann, ben] = [await addAgent(database.db, 'Ann'), await addAgent(database.db, 'Ben')];
    const sales = await addQueue(database.db, 'Sales', [ann, ben]);
    await house.start();
    const call = await house.call(sales);
    await house.presence(ann, 'ready');
    await house.batch.flushed();
    const other = process(database.db, { lock: 9999, clock: house.clock });
    await other.start();
    await other.presence(ben, 'ready');
    expect(other.voice.offered.at(-1)).toMatchObject({ interactionId: call });
    const taken = await Promise.all([house.voice.answer(), other.voice.answer()]);
    expect(taken.filter(Boolean)).toHaveLength(1);
    await Promise.all([house.batch.flushed(), other.batch.flushed()]);
    const { rows } = await database.db.raw(`select agent_id from segment where kind = 'agent'`);
    expect(rows).toHaveLength(1);
    await other.stop();
  });

  it('goes on while PostgreSQL is away, and what happened meanwhile is written when it is back', async () => {
    const ann = await addAgent(database.db, 'Ann');
    const sales = await addQueue(database.db, 'Sales', [ann], { wrap_up: 'none' });
    await house.start();
    const [first, second] = [await house.call(sales), await house.call(sales)];
    await house.batch.flushed();
    const back = house.away();
    const turn = () => new Promise((resolve) => setImmediate(resolve));
    const patient = async <T>(work: Promise<T>): Promise<T> => {
      await turn();
      house.clock.advance(1000);
      return await work;
    };
    await patient(house.presence(ann, 'ready'));
    expect(house.voice.offered.at(-1)).toMatchObject({ interactionId: first });
    expect(await patient(house.voice.answer())).toBe(true);
    const ended = house.interactions.end(first, { reason: 'customer' });
    await patient(house.router.finished(first, ann, { wrapUp: true }));
    expect(await patient(house.voice.answer())).toBe(true);
    const { rows: meanwhile } = await database.db.raw(`select id from offer`);
    expect(meanwhile).toEqual([]);
    back();
    await ended;
    expect(await segments(first)).toEqual(['flow:queued', 'queue:answered', 'agent:completed']);
    expect(await segments(second)).toEqual(['flow:queued', 'queue:answered', 'agent:open']);
    const { rows } = await database.db.raw(`select state from offer union all select state from queue_entry`);
    expect(rows.map(({ state }: { state: string }) => state).sort()).toEqual([
      'accepted',
      'accepted',
      'assigned',
      'assigned',
    ]);
  });

  it('lets a dropped connection to the lock pass without losing the lead or a place', async () => {
    const ann = await addAgent(database.db, 'Ann');
    const sales = await addQueue(database.db, 'Sales', [ann]);
    await house.start();
    const call = await house.call(sales);
    await database.db.raw(
      `select pg_terminate_backend(pid) from pg_locks where locktype = 'advisory' and objid = 7301 and database = (select oid from pg_database where datname = current_database())`,
    );
    expect(house.router.leading()).toBe(true);
    await house.presence(ann, 'ready');
    expect(house.voice.offered).toMatchObject([{ interactionId: call }]);
    const locked = async () =>
      (await database.db.raw(`select 1 from pg_locks where locktype = 'advisory' and objid = 7301 and granted`)).rows
        .length;
    await expect.poll(locked, { timeout: 5000 }).toBe(1);
    expect(house.router.leading()).toBe(true);
  });

  it('gives a conversation more time to wrap up, as far as the queue allows, and wants the disposition the queue wants', async () => {
    const ann = await addAgent(database.db, 'Ann');
    const sales = await addQueue(database.db, 'Sales', [ann], {
      wrap_up_s: 20,
      wrap_up_extension_s: 30,
      disposition_required: true,
    });
    await database.db('disposition').insert([
      { code: 'sold', label: 'Sold', queue_id: sales },
      { code: 'wrong', label: 'Wrong number' },
    ]);
    await house.start();
    await house.presence(ann, 'ready');
    const call = await house.call(sales);
    await house.voice.answer();
    await house.interactions.end(call, { reason: 'customer' });
    await house.router.finished(call, ann, { wrapUp: true });
    const mine = { interactionId: call, agentId: ann };
    await house.bus.call('router', 'wrap-up.extend', { ...mine, seconds: 25 });
    await house.bus.call('router', 'wrap-up.extend', { ...mine, seconds: 25 }); // 5 s are left of the allowance
    await expect(house.bus.call('router', 'wrap-up.extend', { ...mine, seconds: 1 })).rejects.toMatchObject({
      code: 'no-extension-left',
    });
    house.clock.advance(49_000);
    const finish = (disposition: string | null) =>
      house.bus.call('router', 'wrap-up.finish', { ...mine, disposition, notes: 'a blue one' });
    await expect(finish(null)).rejects.toMatchObject({ code: 'disposition-required' });
    await expect(finish('unknown')).rejects.toMatchObject({ code: 'disposition-unknown' });
    await finish('sold');
    expect(await house.interactions.trace(call)).toMatchObject({
      state: 'ended',
      disposition: 'sold',
      notes: 'a blue one',
    });
  });

  it('lets a call interrupt a mail, but not a mail a call', async () => {
    const ann = await addAgent(database.db, 'Ann');
    const sales = await addQueue(database.db, 'Sales', [ann]);
    await house.start();
    const mail = new FakeChannel('email');
    house.router.registerChannel(mail);
    await house.presence(ann, 'ready');
    await house.call(sales, { channel: 'email' });
    await mail.answer();
    await house.call(sales);
    expect(house.voice.offered).toHaveLength(1);
    await house.voice.answer();
    await house.call(sales, { channel: 'email' });
    expect(mail.offered).toHaveLength(1);
  });

  it('leads alone: a second process stands by and takes over when the first is gone', async () => {
    const ann = await addAgent(database.db, 'Ann');
    const sales = await addQueue(database.db, 'Sales', [ann]);
    await house.start();
    const other = process(database.db, { clock: house.clock });
    await other.start();
    expect([house.router.leading(), other.router.leading()]).toEqual([true, false]);
    await expect(
      other.router.enqueue({ interactionId: ann, queueId: sales, channel: 'voice', from: 'x' }),
    ).rejects.toMatchObject({
      code: 'not-leading',
    });
    const taken = new Promise<void>((resolve) => other.router.on('leading', () => resolve()));
    await house.stop();
    await taken;
    expect(other.router.leading()).toBe(true);
    house = other;
  });
});
