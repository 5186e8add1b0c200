import type { SegmentEnd } from '#appliance/contract/work.ts';
import { AppError, messageOf } from '#appliance/kernel/errors.ts';
import { uuidv7 } from '#appliance/kernel/ids.ts';
import type { QueueExit } from './channel-port.ts';
import { type Context, isOpen, mustLead, nowMs } from './context.ts';
import { estimatedWaitS } from './estimate.ts';
import type { QueueState } from './floor.ts';
import type { Entry } from './line.ts';
import { AVOID_MS, type Offers } from './offers.ts';
import { due, type Leaving, nextLook, refusal } from './overflow.ts';
import type { EntryRow } from './store.ts';
import type { EnqueueInput } from './types.ts';

export type RemoveWhy = 'abandoned' | 'voicemail' | 'callback' | 'transferred' | 'flow';

export interface Place {
  /** 1 is next. */
  position: number;
  estimatedWaitS: number | null;
  waitedS: number;
}

export interface Enqueued {
  queueId: string;
  position: number;
  estimatedWaitS: number | null;
  /** Where it went instead, when the queue was closed or full: the channel was told by `expired`. */
  exit: QueueExit | null;
}

export type Waiting = ReturnType<typeof createWaiting>;

const SEGMENT_END: Record<Exclude<RemoveWhy, 'abandoned'>, SegmentEnd> = {
  voicemail: 'voicemail',
  callback: 'callback',
  transferred: 'transferred',
  flow: 'overflow',
};

/** Waiting in queues: entering, the place, what waiting long leads to, leaving. */
export function createWaiting(context: Context, offers: () => Offers) {
  const { floor, store, interactions, clock, log, announcer } = context;
  const timers = new WeakMap<Entry, () => void>();

  async function enqueue(input: EnqueueInput): Promise<Enqueued> {
    mustLead(context);
    const queue = known(input.queueId);
    if (floor.entries.has(input.interactionId)) {
      throw new AppError('conflict', 'already-waiting', `Interaction ${input.interactionId} waits already`);
    }
    const at = clock.now();
    const priority = Math.min(10, Math.max(0, Math.round(input.priority ?? queue.config.priority)));
    const entry = newEntry({
      interactionId: input.interactionId,
      queueId: input.queueId,
      channel: input.channel,
      priority,
      skills: input.skills ?? [],
      preferredAgentId: input.preferredAgentId ?? null,
      from: input.from,
      customer: input.customer ?? null,
      enqueuedAt: Math.min(input.enqueuedAt?.getTime() ?? at.getTime(), at.getTime()),
      enteredAt: at.getTime(),
      hops: 0,
      notBefore: input.notBefore?.getTime(),
    });
    if (input.avoidAgentId) entry.avoid = new Map([[input.avoidAgentId, at.getTime() + AVOID_MS]]);
    const segment = interactions.startSegment(input.interactionId, { kind: 'queue', queueId: input.queueId, at });
    const { left, written } = enter(entry, queue);
    try {
      await context.settled(Promise.all([segment.committed, written]));
    } catch (error) {
      log.error(
        { interaction: input.interactionId, error: messageOf(error) },
        'the database refused a place in a queue',
      );
      if (entry.state !== 'left') offers().gone(entry);
      throw error;
    }
    const place = position(input.interactionId);
    return {
      queueId: input.queueId,
      position: place?.position ?? 0,
      estimatedWaitS: place ? place.estimatedWaitS : null,
      exit: left?.exit ?? null,
    };
  }

  /** Takes its place, or leaves at once; then somebody free is asked. */
  function enter(entry: Entry, queue: QueueState): { left: Leaving | undefined; written: Promise<void> } {
    const now = nowMs(context);
    const facts = floor.facts(queue, isOpen(context, queue.config.id));
    const row = rowOf(entry);
    context.rows.set(entry, row);
    const written = store.enter(row);
    written.catch(() => {});
    floor.join(entry, now);
    announcer.queue(entry.queueId);
    const refused = refusal(queue.config, facts, entry.hops);
    if (refused && exit(entry, refused)) return { left: refused, written };
    return { left: look(entry), written };
  }

  /** Whatever waiting changed by now: overflow, relaxed skills, a reservation that is over; then somebody free is asked. */
  function look(entry: Entry): Leaving | undefined {
    timers.get(entry)?.();
    timers.delete(entry);
    if (entry.state !== 'waiting' || !context.leading()) return undefined;
    const queue = floor.queues.get(entry.queueId);
    if (!queue) return undefined;
    const now = nowMs(context);
    const leaving = due(queue.config, floor.facts(queue, isOpen(context, queue.config.id), entry), entry, now);
    if (leaving && exit(entry, leaving)) return leaving;
    floor.rearrange(entry, now);
    if (offers().tryEntry(entry)) return undefined;
    const rule = nextLook(queue.config, entry, now);
    const { notBefore = 0 } = entry;
    const next = notBefore > now ? Math.min(notBefore, rule ?? notBefore) : rule;
    if (next !== undefined && entry.state === 'waiting')
      timers.set(
        entry,
        clock.after(next - now, () => void look(entry)),
      );
    return undefined;
  }

  /** False when there is nowhere to go: it stays. */
  function exit(entry: Entry, leaving: Leaving): boolean {
    if (leaving.exit.to === 'queue') {
      const target = floor.queues.get(leaving.exit.queueId);
      if (!target?.config.active) {
        log.warn({ queue: entry.queueId, target: leaving.exit.queueId }, 'overflow leads to a queue that is not there');
        return false;
      }
      move(entry, leaving.exit.queueId, leaving.end, leaving.why);
      return true;
    }
    if (context.ports.get(entry.channel)?.keepsPlace) return false;
    const { interactionId, queueId } = entry;
    drop(entry);
    interactions.event(interactionId, 'queue.left', { queueId, why: leaving.why, exit: leaving.exit });
    // Back in the hands of its channel: it is never nowhere.
    try {
      interactions.startSegment(interactionId, { kind: 'flow', previous: leaving.end });
      context.ports.get(entry.channel)?.expired(interactionId, leaving.exit);
    } catch (error) {
      log.error(
        { interaction: interactionId, error: messageOf(error) },
        'the channel did not take an interaction back',
      );
    }
    return true;
  }

  /** To another queue, with the time waited so far. */
  function move(entry: Entry, queueId: string, end: SegmentEnd, why: string): void {
    const queue = floor.queue(queueId);
    const fromQueueId = entry.queueId;
    const { interactionId } = entry;
    drop(entry);
    const next = newEntry({
      ...entry,
      queueId,
      priority: Math.max(entry.priority, queue.config.priority),
      enteredAt: nowMs(context),
      hops: entry.hops + 1,
    });
    interactions.event(interactionId, 'queue.moved', { fromQueueId, queueId, why });
    interactions.startSegment(interactionId, { kind: 'queue', queueId, previous: end });
    context.events.emit('moved', { interactionId, fromQueueId, queueId });
    enter(next, queue);
  }

  function drop(entry: Entry): void {
    floor.leave(entry);
    left(entry);
  }

  /** After it left the floor: timers, the stored place. */
  function left(entry: Entry): void {
    timers.get(entry)?.();
    timers.delete(entry);
    announcer.queue(entry.queueId);
    const row = context.rows.get(entry);
    if (!row) return;
    store
      .leave(row, clock.now())
      .catch((error) =>
        log.error({ interaction: entry.interactionId, error: messageOf(error) }, 'the database refused a leave'),
      );
  }

  function position(interactionId: string): Place | undefined {
    const entry = floor.entries.get(interactionId);
    const queue = entry && floor.queues.get(entry.queueId);
    if (!entry || !queue) return undefined;
    const place = floor.place(entry);
    return {
      position: place,
      estimatedWaitS: estimatedWaitS(place, queue.handle.averageS, floor.serving(queue)),
      waitedS: Math.max(0, nowMs(context) - entry.enqueuedAt) / 1000,
    };
  }

  /** The interaction leaves its queue by its own will, `at` the moment that its end is booked with; false when it does not wait (any more). */
  async function remove(interactionId: string, why: RemoveWhy, at?: Date): Promise<boolean> {
    const entry = floor.entries.get(interactionId);
    if (!entry) return false;
    const place = interactions.openSegments(interactionId).find(({ kind }) => kind === 'queue');
    offers().gone(entry);
    const writes: Promise<void>[] = [];
    if (place && why === 'abandoned') writes.push(interactions.endSegment(place.id, 'abandoned', at));
    else if (place && why !== 'abandoned')
      writes.push(interactions.startSegment(interactionId, { kind: 'flow', previous: SEGMENT_END[why] }).committed);
    await context.settled(Promise.all(writes));
    return true;
  }

  function known(queueId: string): QueueState {
    const queue = floor.queues.get(queueId);
    if (!queue) throw new AppError('not-found', 'queue-unknown', `No queue ${queueId}`);
    if (!queue.config.active)
      throw new AppError('conflict', 'queue-inactive', `Queue ${queue.config.name} is switched off`);
    return queue;
  }

  /** After a restart: back at its place, without offering it yet. `row` is the stored place, if there is one. */
  function adopt(entry: Entry, row: EntryRow | undefined): void {
    const stored = row ?? rowOf(entry);
    context.rows.set(entry, stored);
    if (!row)
      store
        .enter(stored)
        .catch((error) =>
          log.error(
            { interaction: entry.interactionId, error: messageOf(error) },
            'the database refused a place in a queue',
          ),
        );
    floor.join(entry, nowMs(context));
  }

  /** Leadership is gone: nothing here moves any more; the database keeps the places. */
  function forget(): void {
    for (const entry of floor.entries.values()) {
      timers.get(entry)?.();
      entry.state = 'left';
    }
  }

  return { enqueue, adopt, look, position, remove, known, move, left, forget };
}

type Fresh = Pick<
  Entry,
  | 'interactionId'
  | 'queueId'
  | 'channel'
  | 'priority'
  | 'skills'
  | 'preferredAgentId'
  | 'from'
  | 'customer'
  | 'enqueuedAt'
  | 'enteredAt'
  | 'hops'
  | 'notBefore'
>;

function newEntry(fresh: Fresh): Entry {
  return {
    ...fresh,
    id: uuidv7(fresh.enteredAt),
    rank: 0,
    need: { key: '', skills: [] },
    reservedFor: null,
    reservedUntil: 0,
    state: 'waiting',
    avoid: undefined,
  };
}

/** An entry as it stands in the database. */
export function entryOf(row: EntryRow, customer: Entry['customer']): Entry {
  const { id, interactionId, queueId, channel, priority, skills, preferredAgentId, from, hops } = row;
  const times = { enqueuedAt: row.enqueuedAt.getTime(), enteredAt: row.enteredAt.getTime() };
  return {
    ...newEntry({
      interactionId,
      queueId,
      channel,
      priority,
      skills,
      preferredAgentId,
      from,
      customer,
      hops,
      notBefore: row.notBefore?.getTime(),
      ...times,
    }),
    ...(id && { id }),
  };
}

function rowOf(entry: Entry): EntryRow {
  const { id, interactionId, queueId, channel, priority, skills, preferredAgentId, from, hops } = entry;
  return {
    ...{ id, interactionId, queueId, channel, priority, skills, preferredAgentId, from, hops },
    state: 'waiting',
    enqueuedAt: new Date(entry.enqueuedAt),
    enteredAt: new Date(entry.enteredAt),
    agentId: null,
    offerId: null,
    leftAt: null,
    notBefore: entry.notBefore ? new Date(entry.notBefore) : null,
  };
}
