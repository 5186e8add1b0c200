import type { Channel, SegmentEnd, SegmentKind } from '#appliance/contract/work.ts';
import type { Clock } from '#appliance/kernel/clock.ts';
import { Emitter } from '#appliance/kernel/emitter.ts';
import { AppError, messageOf } from '#appliance/kernel/errors.ts';
import { uuidv7 } from '#appliance/kernel/ids.ts';
import type { Bus } from '#appliance/platform/bus/index.ts';
import type { Log } from '#appliance/platform/log/index.ts';
import { endAtLast, endBetween, stateIn } from './places.ts';
import type { InteractionStore } from './store.ts';
import {
  besides,
  type InteractionPatch,
  type InteractionRow,
  type NewSegment,
  type OpenInteraction,
  type SegmentRow,
} from './types.ts';

/** What this process knows about an interaction: its row, the place where it is, and what runs beside it. */
interface Live {
  row: InteractionRow;
  place: SegmentRow | undefined;
  beside: Map<string, SegmentRow>;
  /** When its last place ended: the interaction does not end before. */
  leftAt?: Date;
}

export type SpineEvents = {
  /** The contact is over (a wrap-up may follow). In memory, before the commit. */
  ended: { interactionId: string; reason: string };
  /** A row PostgreSQL refused: a bug or a second writer; somebody should look. */
  refused: { interactionId: string; what: string; error: string };
};

/** Ended interactions stay known for what follows the end (wrap-up), so many at most. */
const ENDED_KEPT = 2000;

/** The life of interactions: every change goes to memory at once and to the database with the next group commit. */
export function createSpine(deps: { store: InteractionStore; bus: Bus; clock: Clock; log: Log }) {
  const { store, bus, clock, log } = deps;
  const known = new Map<string, Live>();
  const ended = new Set<string>();
  const ownerOfSegment = new Map<string, Live>();
  const emitter = new Emitter<SpineEvents>();

  function live(id: string): Live {
    const found = known.get(id);
    if (!found) throw new AppError('not-found', 'interaction-not-live', `No live interaction ${id}`);
    return found;
  }

  function publish(row: InteractionRow): void {
    const { id: interactionId, state, queueId, agentId, channel } = row;
    bus.publish({ type: 'interaction.changed', interactionId, state, queueId, agentId, channel });
  }

  /** Waits for the commits and tells the others; a refused row is an alarm and the caller's failure, never silence. */
  async function committed(id: string, what: string, writes: Promise<void>[]): Promise<void> {
    try {
      await Promise.all(writes);
    } catch (error) {
      log.error({ interaction: id, what, error: messageOf(error) }, 'the database refused a write of the spine');
      emitter.emit('refused', { interactionId: id, what, error: messageOf(error) });
      throw error;
    }
    const found = known.get(id);
    if (found) publish(found.row);
  }

  /** For callers who do not wait: the failure was logged and told above. */
  function unwaited(promise: Promise<void>): Promise<void> {
    promise.catch(() => {});
    return promise;
  }

  function later(at: Date, than: Date): Date {
    return at.getTime() < than.getTime() ? than : at; // the machine's clock may be set back in between
  }

  function patch(entry: Live, change: InteractionPatch & { endedAt?: Date; endReason?: string }): Promise<void> {
    const { row } = entry;
    const { answeredAt, endedAt, endReason, ...fields } = change;
    if (row.state === 'ended' && fields.state && fields.state !== 'wrap-up') delete fields.state;
    // What is so already needs no write.
    if (fields.state === row.state) delete fields.state;
    if (fields.queueId === row.queueId) delete fields.queueId;
    if (fields.agentId === row.agentId) delete fields.agentId;
    Object.assign(row, fields);
    const written: Record<string, unknown> = { ...fields };
    // The first word counts for these, also among several in one flush.
    if (answeredAt && !row.answeredAt) {
      row.answeredAt = answeredAt;
      written.answeredAt = answeredAt;
    }
    if (endedAt && !row.endedAt) {
      row.endedAt = endedAt;
      row.endReason = endReason ?? null;
      Object.assign(written, { endedAt, endReason });
    }
    return Object.keys(written).length === 0
      ? Promise.resolve()
      : store.patchInteraction({ id: row.id, patch: written });
  }

  function close(segment: SegmentRow, end: SegmentEnd, at: Date): Promise<void> {
    segment.endedAt = later(at, segment.startedAt);
    segment.end = end;
    ownerOfSegment.delete(segment.id);
    return store.closeSegment(segment);
  }

  function remember(row: InteractionRow): Live {
    const entry: Live = { row, place: undefined, beside: new Map() };
    known.set(row.id, entry);
    return entry;
  }

  function settle(entry: Live): void {
    if (entry.row.state !== 'ended') return;
    ended.delete(entry.row.id);
    ended.add(entry.row.id);
    if (ended.size <= ENDED_KEPT) return;
    const [oldest] = ended;
    ended.delete(oldest!);
    if (known.get(oldest!)?.row.state === 'ended') known.delete(oldest!);
  }

  return {
    on: emitter.on.bind(emitter) as Emitter<SpineEvents>['on'],

    /** Resolves after COMMIT: only then is the contact ours. */
    async open(input: OpenInteraction): Promise<InteractionRow> {
      const at = input.at ?? clock.now();
      const row: InteractionRow = {
        id: input.id ?? uuidv7(at.getTime()),
        channel: input.channel,
        direction: input.direction,
        state: input.state ?? 'flow',
        from: input.from,
        to: input.to,
        customerId: input.customerId ?? null,
        queueId: input.queueId ?? null,
        agentId: input.agentId ?? null,
        did: input.did ?? null,
        trunkId: input.trunkId ?? null,
        language: input.language ?? null,
        disposition: null,
        notes: null,
        createdAt: at,
        answeredAt: null,
        endedAt: null,
        endReason: null,
      };
      if (known.has(row.id))
        throw new AppError('conflict', 'interaction-exists', `Interaction ${row.id} is open already`);
      remember(row);
      try {
        await committed(row.id, 'open', [store.insertInteraction(row)]);
      } catch (error) {
        known.delete(row.id);
        throw error;
      }
      return row;
    },

    /** The row as this process knows it; undefined when it never saw it or forgot it long after its end. */
    get(id: string): Readonly<InteractionRow> | undefined {
      return known.get(id)?.row;
    },

    /** The open segments known here: the place first. */
    openSegments(id: string): Readonly<SegmentRow>[] {
      const entry = known.get(id);
      if (!entry) return [];
      return entry.place ? [entry.place, ...entry.beside.values()] : [...entry.beside.values()];
    },

    /** Changes fields; the web role may do so for interactions that another process runs. */
    update(id: string, change: InteractionPatch): Promise<void> {
      const entry = known.get(id);
      const write = entry ? patch(entry, change) : store.patchInteraction({ id, patch: { ...change } });
      const told = committed(id, 'update', [write]).then(async () => {
        if (entry) return;
        const row = await store.find(id);
        if (row) publish(row);
      });
      return unwaited(told);
    },

    /**
     * The interaction goes to a new place: the segment it was in ends at the same instant, so there is no gap.
     * Consult and wrap-up open beside the place. Memory changes at once; `committed` follows.
     */
    startSegment(interactionId: string, segment: NewSegment): { id: string; committed: Promise<void> } {
      const entry = live(interactionId);
      let at = later(segment.at ?? clock.now(), entry.row.createdAt);
      const writes: Promise<void>[] = [];
      const beside = besides(segment.kind);
      if (!beside && entry.row.endedAt) {
        throw new AppError('conflict', 'interaction-ended', `Interaction ${interactionId} is over`);
      }
      if (!beside && entry.place) {
        at = later(at, entry.place.startedAt);
        const sameAgent =
          segment.kind === 'agent' && entry.place.kind === 'agent' && entry.place.agentId === segment.agentId;
        const usual = sameAgent ? 'resumed' : endBetween(entry.place.kind, segment.kind);
        writes.push(close(entry.place, segment.previous ?? usual, at));
      }
      // Hold and what follows it belong to the same agent and queue unless said otherwise.
      const same = staysWithAgent(entry.place?.kind) && staysWithAgent(segment.kind) ? entry.place : undefined;
      const row: SegmentRow = {
        id: uuidv7(at.getTime()),
        interactionId,
        kind: segment.kind,
        queueId: segment.queueId === undefined ? (same?.queueId ?? null) : segment.queueId,
        agentId: segment.agentId ?? same?.agentId ?? null,
        flowVersionId: segment.flowVersionId ?? null,
        startedAt: at,
        endedAt: null,
        end: null,
      };
      writes.push(store.openSegment(row));
      ownerOfSegment.set(row.id, entry);
      if (beside) entry.beside.set(row.id, row);
      else entry.place = row;
      const change: InteractionPatch = {};
      if (segment.kind === 'wrap-up') {
        if (entry.row.endedAt) change.state = 'wrap-up';
      } else if (!beside) {
        change.state = stateIn(segment.kind);
        if (segment.queueId) change.queueId = segment.queueId;
        if (segment.kind === 'agent') {
          change.agentId = row.agentId;
          change.answeredAt = at;
        } else if (segment.kind === 'queue' || segment.kind === 'flow' || segment.kind === 'parked')
          change.agentId = null;
      }
      writes.push(patch(entry, change));
      return { id: row.id, committed: unwaited(committed(interactionId, `${segment.kind} segment`, writes)) };
    },

    /** Ends one segment; unknown or closed ones are left as they are. */
    endSegment(segmentId: string, end: SegmentEnd, at: Date = clock.now()): Promise<void> {
      const entry = ownerOfSegment.get(segmentId);
      const segment = entry?.place?.id === segmentId ? entry.place : entry?.beside.get(segmentId);
      if (!entry || !segment) return Promise.resolve();
      const isPlace = segment === entry.place;
      if (isPlace) entry.place = undefined;
      else entry.beside.delete(segmentId);
      const written = close(segment, end, at);
      if (isPlace && segment.endedAt) entry.leftAt = segment.endedAt;
      return unwaited(committed(entry.row.id, `end of ${segment.kind} segment`, [written]));
    },

    /** Appends to the trace: what happened, in words of the one who saw it. */
    event(
      interactionId: string,
      type: string,
      data: Record<string, unknown> = {},
      at: Date = clock.now(),
    ): Promise<void> {
      const row = { id: uuidv7(at.getTime()), interactionId, at, type, data };
      return unwaited(committed(interactionId, `event ${type}`, [store.insertEvent(row)]));
    },

    /** How often something happened so far, also before this process. */
    countEvents: (interactionId: string, type: string): Promise<number> => store.countEvents(interactionId, type),

    /** The contact is over: closes the place and consultations. A wrap-up goes on, and with it the state `wrap-up`. */
    end(id: string, input: { reason: string; at?: Date; segmentEnd?: SegmentEnd }): Promise<void> {
      const entry = live(id);
      if (entry.row.endedAt) return Promise.resolve();
      const at = later(input.at ?? clock.now(), entry.place?.startedAt ?? entry.leftAt ?? entry.row.createdAt);
      const writes: Promise<void>[] = [];
      if (entry.place) writes.push(close(entry.place, input.segmentEnd ?? endAtLast(entry.place.kind), at));
      entry.place = undefined;
      for (const segment of [...entry.beside.values()]) {
        if (segment.kind !== 'consult') continue;
        entry.beside.delete(segment.id);
        writes.push(close(segment, 'completed', at));
      }
      const state = entry.beside.size > 0 ? 'wrap-up' : 'ended';
      writes.push(patch(entry, { state, endedAt: at, endReason: input.reason }));
      settle(entry);
      emitter.emit('ended', { interactionId: id, reason: input.reason });
      return unwaited(committed(id, 'end', writes));
    },

    /** Closes the agent's wrap-up with what the agent says about the contact; the last one ends the interaction. */
    finishWrapUp(
      id: string,
      input: { agentId: string; disposition: string | null; notes: string | null; at?: Date },
    ): Promise<void> {
      const entry = live(id);
      const at = input.at ?? clock.now();
      const writes: Promise<void>[] = [];
      for (const segment of [...entry.beside.values()]) {
        if (segment.kind !== 'wrap-up' || segment.agentId !== input.agentId) continue;
        entry.beside.delete(segment.id);
        writes.push(close(segment, 'completed', at));
      }
      const change: InteractionPatch = {};
      if (input.disposition !== null) change.disposition = input.disposition;
      if (input.notes !== null) change.notes = input.notes;
      if (entry.row.endedAt && entry.beside.size === 0) change.state = 'ended';
      writes.push(patch(entry, change));
      settle(entry);
      return unwaited(committed(id, 'wrap-up', writes));
    },

    /** Everything not ended, with its open segments, from the database; known here from now on. For recovery. */
    async live(channel?: Channel): Promise<(InteractionRow & { segments: SegmentRow[] })[]> {
      const [rows, segments] = [await store.live(channel), await store.openSegments()];
      const bySegment = Map.groupBy(segments, (segment) => segment.interactionId);
      return rows.map((row) => {
        let entry = known.get(row.id);
        if (!entry) {
          entry = remember(row);
          for (const segment of bySegment.get(row.id) ?? []) {
            if (besides(segment.kind)) entry.beside.set(segment.id, segment);
            else entry.place = segment;
            ownerOfSegment.set(segment.id, entry);
          }
        }
        const open = entry.place ? [entry.place, ...entry.beside.values()] : [...entry.beside.values()];
        return { ...entry.row, segments: open };
      });
    },

    /**
     * Repairs what a crash left between two commits: a live interaction that is nowhere ends now, a segment left open after
     * the end closes at the end. Run at start, after `live()` and after channels adopted what they still have.
     */
    async reconcile(): Promise<{ ended: string[]; closed: string[] }> {
      const found = await store.contradictions();
      const ids: string[] = [];
      for (const id of found.nowhere) {
        const entry = known.get(id);
        if (!entry || entry.place || entry.beside.size > 0) continue; // known by now to be somewhere
        await this.event(id, 'reconciled', { found: 'nowhere' });
        if (entry.row.endedAt) await committed(id, 'reconcile', [patch(entry, { state: 'ended' })]);
        else await this.end(id, { reason: 'lost' });
        ids.push(id);
      }
      const closed: string[] = [];
      for (const { interactionEndedAt, ...segment } of found.openAfterEnd) {
        known.get(segment.interactionId)?.beside.delete(segment.id);
        await close(segment, 'restarted', interactionEndedAt);
        closed.push(segment.id);
      }
      if (ids.length + closed.length > 0) log.warn({ ended: ids, closed }, 'reconciled what a stop had left half done');
      return { ended: ids, closed };
    },
  };
}

function staysWithAgent(kind: SegmentKind | undefined): boolean {
  return kind === 'agent' || kind === 'hold';
}
