// A floor on a real database for tests: agents, queues, and a channel whose phones a test answers by hand.
import { createAgents } from '#appliance/agents/index.ts';
import type { Channel } from '#appliance/contract/work.ts';
import { createInteractions } from '#appliance/interactions/index.ts';
import { ManualClock } from '#appliance/kernel/clock.ts';
import { uuidv7 } from '#appliance/kernel/ids.ts';
import { memoryBus } from '#appliance/platform/bus/index.ts';
import { silentLog } from '#appliance/platform/log/index.ts';
import { type Batch, createBatch, type Database } from '#appliance/platform/postgres/index.ts';
import type { ChannelPort, Offer, OfferOutcome, QueueExit } from './channel-port.ts';
import { createRouter, type RouterDeps } from './router.ts';

/** A channel that rings nothing: tests look at what was offered and answer. */
export class FakeChannel implements ChannelPort {
  readonly channel: Channel;
  readonly ringing = new Map<string, { offer: Offer; outcome: OfferOutcome }>();
  readonly offered: Offer[] = [];
  readonly withdrawn: { offerId: string; why: string }[] = [];
  readonly expirations: { interactionId: string; exit: QueueExit }[] = [];

  constructor(channel: Channel = 'voice') {
    this.channel = channel;
  }

  offer(offer: Offer, outcome: OfferOutcome): void {
    this.offered.push(offer);
    this.ringing.set(offer.id, { offer, outcome });
  }

  withdraw(offerId: string, why: 'timed-out' | 'taken' | 'gone'): void {
    this.ringing.delete(offerId);
    this.withdrawn.push({ offerId, why });
  }

  async accept(offerId: string): Promise<void> {
    await this.answer((one) => one.id === offerId);
  }

  expired(interactionId: string, exit: QueueExit): void {
    this.expirations.push({ interactionId, exit });
  }

  /** Picks up the phone that rings for the first matching offer. */
  async answer(which: (offer: Offer) => boolean = () => true): Promise<boolean> {
    const found = [...this.ringing.values()].find(({ offer }) => which(offer));
    if (!found) throw new Error('nothing rings');
    this.ringing.delete(found.offer.id);
    return await found.outcome.accepted();
  }

  fail(
    why: 'declined' | 'no-answer' | 'unreachable' | 'withdrawn',
    which: (offer: Offer) => boolean = () => true,
  ): void {
    const found = [...this.ringing.values()].find(({ offer }) => which(offer));
    if (!found) throw new Error('nothing rings');
    this.ringing.delete(found.offer.id);
    found.outcome.failed(why);
  }
}

export async function addAgent(
  db: Database,
  name: string,
  options: { skills?: Record<string, number>; capacity?: object } = {},
): Promise<string> {
  const id = uuidv7();
  await db('app_user').insert({
    id,
    username: `${name.toLowerCase()}-${id.slice(-6)}`,
    display_name: name,
    role: 'agent',
  });
  await db('agent').insert({ id, ...(options.capacity ? { capacity: JSON.stringify(options.capacity) } : {}) });
  for (const [skill_id, level] of Object.entries(options.skills ?? {}))
    await db('agent_skill').insert({ agent_id: id, skill_id, level });
  return id;
}

export async function addSkill(db: Database, name: string): Promise<string> {
  const id = uuidv7();
  await db('skill').insert({ id, name: `${name}-${id.slice(-6)}` });
  return id;
}

export async function addQueue(
  db: Database,
  name: string,
  agents: string[],
  settings: Record<string, unknown> = {},
): Promise<string> {
  const id = uuidv7();
  const json = Object.fromEntries(
    Object.entries(settings).map(([key, value]) => [key, Array.isArray(value) ? JSON.stringify(value) : value]),
  );
  await db('queue').insert({ id, name: `${name}-${id.slice(-6)}`, ...json });
  for (const agent_id of agents) await db('queue_agent').insert({ queue_id: id, agent_id });
  return id;
}

/** One process that routes: its own caches and group commit on the given database. */
export function process(db: Database, options: Partial<RouterDeps> = {}) {
  const clock = (options.clock as ManualClock | undefined) ?? new ManualClock();
  const bus = options.bus ?? memoryBus();
  const writing = createBatch(db, { log: silentLog });
  let dead = false;
  let gate: Promise<void> | undefined;
  let open = () => {};
  const batch: Batch = {
    ...writing,
    statement(name, order, sql, more) {
      const write = writing.statement(name, order, sql, more);
      return (row) => (dead ? new Promise(() => {}) : gate ? gate.then(() => write(row)) : write(row));
    },
  };
  const agents = createAgents({ db, batch, bus, clock });
  const interactions = createInteractions({ db, batch, bus, clock, log: silentLog });
  const router = createRouter({
    db,
    batch,
    bus,
    clock,
    log: silentLog,
    agents,
    interactions,
    instance: 'test',
    ...options,
  });
  const voice = new FakeChannel('voice');

  return {
    clock,
    bus,
    batch,
    agents,
    interactions,
    router,
    voice,
    async start(): Promise<void> {
      await agents.load();
      await router.start();
      await interactions.reconcile();
      router.registerChannel(voice);
    },
    /** PostgreSQL takes nothing until the returned function is called. */
    away(): () => void {
      gate = new Promise((resolve) => {
        open = resolve;
      });
      return () => {
        gate = undefined;
        open();
      };
    },
    /** Power cut: what was handed in until now is written or not, nothing after it is. */
    kill(): void {
      dead = true;
    },
    async stop(): Promise<void> {
      await batch.flushed();
      await router.stop();
      agents.close();
      await batch.close();
    },
    presence: (agentId: string, state: 'ready' | 'not-ready' | 'offline', reason?: string) =>
      bus.call('router', 'presence.set', { agentId, state, by: agentId, ...(reason === undefined ? {} : { reason }) }),
    /** A customer calls and is put into the queue. */
    async call(
      queueId: string,
      more: { from?: string; priority?: number; preferredAgentId?: string; channel?: Channel } = {},
    ): Promise<string> {
      const channel = more.channel ?? 'voice';
      const from = more.from ?? '+15550123';
      const { id } = await interactions.open({ channel, direction: 'in', from, to: '+15550100' });
      interactions.startSegment(id, { kind: 'flow' });
      const { priority, preferredAgentId } = more;
      await router.enqueue({
        ...{ interactionId: id, queueId, channel, from },
        ...(priority === undefined ? {} : { priority }),
        ...(preferredAgentId === undefined ? {} : { preferredAgentId }),
      });
      return id;
    },
    async hangUp(interactionId: string): Promise<void> {
      await router.remove(interactionId, 'abandoned');
      await interactions.end(interactionId, { reason: 'customer' });
    },
  };
}
