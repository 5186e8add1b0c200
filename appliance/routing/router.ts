import type { Agents } from '#appliance/agents/index.ts';
import type { MeLive } from '#appliance/contract/live.ts';
import type { Channel } from '#appliance/contract/work.ts';
import type { Clock } from '#appliance/kernel/clock.ts';
import { Emitter } from '#appliance/kernel/emitter.ts';
import { messageOf } from '#appliance/kernel/errors.ts';
import { createReread } from '#appliance/kernel/reread.ts';
import type { Bus } from '#appliance/platform/bus/index.ts';
import type { Log } from '#appliance/platform/log/index.ts';
import type { Batch, Database } from '#appliance/platform/postgres/index.ts';
import { createAnnouncer } from './announcer.ts';
import { createByHand } from './by-hand.ts';
import type { ChannelPort } from './channel-port.ts';
import type { Context, RouterEvents, RouterHooks, Spine } from './context.ts';
import type { Desk } from './desk.ts';
import { Floor } from './floor.ts';
import { Leadership } from './leadership.ts';
import { createOffers, type Offers } from './offers.ts';
import { rebuild } from './recovery.ts';
import { createShifts, type Shifts } from './shifts.ts';
import { createStore } from './store.ts';
import { createViews } from './views.ts';
import { createWaiting } from './waiting.ts';
import { createWrapUps } from './wrap-up.ts';

export interface RouterDeps {
  db: Database;
  batch: Batch;
  bus: Bus;
  clock: Clock;
  log: Log;
  agents: Agents;
  interactions: Spine;
  instance: string;
  hooks?: Partial<RouterHooks>;
  /** How long an acceptance and an entrance wait for their commit before they go on in memory. */
  commitWaitMs?: number;
  /** Another lock: for tests with two leaders. */
  lock?: number;
}

/** Wires the parts of the router; each part has a file of its own. */
export function createRouter(deps: RouterDeps) {
  const { db, batch, bus, clock, log, agents, interactions, commitWaitMs = 300 } = deps;
  const store = createStore(db, batch);
  const events = new Emitter<RouterEvents>();
  const leadership = new Leadership({
    db,
    clock,
    log,
    ...(deps.lock === undefined ? {} : { lock: deps.lock }),
    onChange: (leading) => (leading ? lead() : stepDown()),
  });
  let ready = false;
  let cleanUp: (() => void)[] = [];

  const context: Context = {
    floor: new Floor(),
    store,
    interactions,
    agents,
    clock,
    log,
    bus,
    events,
    announcer: createAnnouncer(bus),
    hooks: {
      isOpen: () => true,
      callView: () => null,
      phoneOnline: () => false,
      recoverOffer: () => 'gone',
      ...deps.hooks,
    },
    ports: new Map(),
    rows: new WeakMap(),
    leading: () => ready,
    async settled(write) {
      let cancel = () => {};
      const late = new Promise<'late'>((resolve) => {
        cancel = clock.after(commitWaitMs, () => resolve('late'));
      });
      return await Promise.race([write.then(() => 'committed' as const), late]).finally(() => cancel());
    },
  };

  // The parts need each other: each gets the others through functions that are called later.
  const offers: Offers = createOffers(context, {
    returned: (entry) => void waiting.look(entry),
    left: (entry) => waiting.left(entry),
    missed: (desk, entry, why) => shifts.missed(desk, entry, why),
    begin: (desk, entry, at) => shifts.begin(desk, entry, at),
  });
  const wrapUps = createWrapUps(context, () => shifts);
  const shifts: Shifts = createShifts(context, {
    offers: () => offers,
    finishWrapUps: (desk) => wrapUps.finishAll(desk),
    reconsider,
  });
  const waiting = createWaiting(context, () => offers);
  const byHand = createByHand(context, { offers, waiting });
  const views = createViews(context, wrapUps, offers);

  /** Somebody went home: whoever waits for him, or in a queue where nobody is left, may go elsewhere. */
  function reconsider(desk: Desk): void {
    for (const { queueId } of desk.queues) {
      const queue = context.floor.queues.get(queueId);
      if (!queue) continue;
      const nobody = queue.config.overflow.some(({ when }) => when === 'no-agents');
      for (const entry of [...queue.entries]) if (nobody || entry.reservedFor === desk.id) waiting.look(entry);
    }
  }

  async function configure(): Promise<void> {
    const [configs, dispositions] = await Promise.all([store.queues(clock.now()), store.dispositions()]);
    wrapUps.setDispositions(dispositions);
    for (const queue of context.floor.configure(configs, agents.list(), clock.now().getTime())) {
      log.error(
        { queue: queue.config.id, waiting: queue.entries.size },
        'a queue was removed while somebody waits in it',
      );
    }
  }

  async function followConfiguration(): Promise<void> {
    if (!ready) return; // the next leader reads it all
    await configure();
    for (const entry of [...context.floor.entries.values()]) waiting.look(entry);
    for (const desk of context.floor.desks.values()) {
      if (!desk.row.active) offers.withdrawFrom(desk);
      context.announcer.agent(desk.id);
    }
    for (const id of context.floor.queues.keys()) context.announcer.queue(id);
  }
  const reconfigure = createReread({
    clock,
    read: followConfiguration,
    failed: (error) => log.error({ error: messageOf(error) }, 'the configuration of queues could not be read again'),
  });

  /** This process leads from now on: the floor as the database knows it, then the doors. */
  async function lead(): Promise<void> {
    context.floor.clear();
    // What this process knew before it lost the lead is written before it is read again.
    await batch.flushed();
    await agents.load();
    await configure();
    await rebuild(context, { waiting, shifts, wrapUps });
    ready = true;
    cleanUp = [
      interactions.on('ended', ({ interactionId }) => {
        const entry = context.floor.entries.get(interactionId);
        if (entry) offers.gone(entry);
      }),
      agents.on('reloaded', reconfigure),
      bus.subscribe((event) => {
        if (event.type !== 'config.changed') return;
        if (event.entity === 'queue' || event.entity === 'disposition') reconfigure();
      }, reconfigure),
      ...commands(),
    ];
    for (const channel of context.ports.keys()) openChannel(channel);
    events.emit('leading', { leading: true });
  }

  function stepDown(): void {
    ready = false;
    for (const undo of cleanUp.splice(0)) undo();
    offers.forget();
    waiting.forget();
    for (const desk of context.floor.desks.values()) for (const work of desk.work.values()) work.stopTimer?.();
    events.emit('leading', { leading: false });
  }

  function openChannel(channel: Channel): void {
    for (const entry of context.floor.openChannel(channel)) waiting.look(entry);
  }

  function commands(): (() => void)[] {
    return [
      bus.handle('router', 'presence.set', ({ agentId, state, reason, by }) =>
        shifts.setPresence(agentId, state, reason, by),
      ),
      bus.handle('router', 'offer.accept', async ({ offerId, agentId }) => {
        await offers.accept(offerId, agentId);
        return {};
      }),
      bus.handle('router', 'offer.decline', async ({ offerId, agentId }) => {
        offers.decline(offerId, agentId);
        return {};
      }),
      bus.handle('router', 'wrap-up.finish', async ({ interactionId, agentId, disposition, notes }) => {
        await wrapUps.finish(interactionId, agentId, disposition, notes);
        return {};
      }),
      bus.handle('router', 'wrap-up.extend', async ({ interactionId, agentId, seconds }) =>
        wrapUps.extend(interactionId, agentId, seconds),
      ),
      bus.handle('router', 'interaction.requeue', async ({ interactionId, queueId, by }) => {
        byHand.requeue(interactionId, queueId, by);
        return {};
      }),
      bus.handle('router', 'interaction.pull', async ({ interactionId, agentId, by }) => {
        byHand.pull(interactionId, shifts.desk(agentId), by);
        return {};
      }),
      bus.handle('router', 'interaction.priority', async ({ interactionId, priority, by }) => {
        await byHand.prioritise(interactionId, priority, by);
        return {};
      }),
      bus.handle('router', 'live.waiting', async ({ queueId }) => views.waiting(queueId)),
      bus.handle('router', 'live.me', async ({ agentId }): Promise<MeLive> => views.me(shifts.desk(agentId))),
      bus.handle('router', 'live.agents', async () => views.agents()),
      bus.handle('router', 'live.queues', async () => views.queues()),
    ];
  }

  return {
    /** Takes the lead, or stands by for it. Resolves when it is known which; `agents.load()` comes before. */
    start: () => leadership.start(),
    async stop(): Promise<void> {
      if (ready) stepDown();
      await leadership.stop();
    },
    leading: () => ready,
    on: events.on.bind(events) as Emitter<RouterEvents>['on'],

    /** From now on interactions of this channel are offered; register after the channel adopted what it still has. */
    registerChannel(port: ChannelPort): void {
      context.ports.set(port.channel, port);
      if (ready) openChannel(port.channel);
    },

    /** Into a queue: opens the queue segment, keeps the place, and asks whoever is free. */
    enqueue: waiting.enqueue,
    position: waiting.position,
    remove: waiting.remove,
    requeue: byHand.requeue,
    engage: shifts.engage,
    /** What rings at one agent's for another, who takes it. */
    pickUp: (interactionId: string, fromAgentId: string, agentId: string) =>
      offers.pickUp(interactionId, fromAgentId, shifts.desk(agentId)),
    /** What is offered to an agent now. */
    offered: (agentId: string) => context.floor.desks.get(agentId)?.offer,
    /** Two who serve a queue together. */
    shareQueue: (a: string, b: string) =>
      [...context.floor.queues.values()].some(({ members }) => members.has(a) && members.has(b)),
    finished: wrapUps.finished,

    presence: (agentId: string) => context.floor.desks.get(agentId)?.presence.state ?? 'offline',
    /** May this agent be rung for something of this channel, asked by name (extension, transfer)? */
    isBusy: (agentId: string) => context.floor.desks.get(agentId)?.busy ?? false,
    queue: (queueId: string) => context.floor.queues.get(queueId)?.config,
    /** The queue that a person means by typing its name or id. */
    queueNamed(text: string): string | undefined {
      const wanted = text.trim().toLowerCase();
      for (const { config } of context.floor.queues.values()) {
        if (config.active && (config.id === wanted || config.name.toLowerCase() === wanted)) return config.id;
      }
      return undefined;
    },
    queues: () => [...context.floor.queues.values()].map(({ config }) => config),
    waitingIn: (queueId: string) => context.floor.queues.get(queueId)?.entries.size ?? 0,
    offersOf: store.offersOf,
    /** For tests and metrics: what is in memory. */
    floor: () => context.floor,
    pendingOffers: () => offers.count(),
  };
}
