import type { InteractionRow, SegmentRow } from '#appliance/interactions/index.ts';
import { messageOf } from '#appliance/kernel/errors.ts';
import type { Offer } from './channel-port.ts';
import { type Context, nowMs } from './context.ts';
import type { Shifts } from './shifts.ts';
import type { EntryRow } from './store.ts';
import { entryOf, type Waiting } from './waiting.ts';
import type { WrapUps } from './wrap-up.ts';

/**
 * Rebuilds the floor from the database: presence, those who wait (each at its place), conversations, wrap-ups with the time
 * that is left, and what became of offers that were under way.
 */
export async function rebuild(
  context: Context,
  parts: { waiting: Waiting; shifts: Shifts; wrapUps: WrapUps },
): Promise<void> {
  const { floor, store, agents, interactions, clock, log } = context;
  const [presences, live, entries, leftovers, offers, handled, handleTimes] = await Promise.all([
    agents.presences(),
    interactions.live(),
    store.entries(),
    store.entriesOfEnded(),
    store.pendingOffers(),
    store.handledSince(new Date(nowMs(context) - 12 * 3600_000)),
    store.handleTimes(),
  ]);
  for (const row of presences) {
    const desk = floor.desks.get(row.agentId);
    if (!desk) continue;
    const pending = row.pendingState ? { state: row.pendingState, reason: row.pendingReason } : null;
    desk.presence = { state: row.state, reason: row.reason, pending };
    desk.presenceSince = row.since.getTime();
    desk.idleSince = row.since.getTime();
    desk.handledInShift = handled.get(row.agentId) ?? 0;
  }
  for (const { queueId, handleS } of handleTimes) floor.queues.get(queueId)?.handle.add(handleS);

  const connected = new Map<string, { agentId: string; offerId: string }>();
  for (const row of offers) {
    const outcome = context.hooks.recoverOffer(row as Offer);
    if (outcome === 'accepted') connected.set(row.entryId, { agentId: row.agentId, offerId: row.id });
    else void store.closeOffer(row.id, 'withdrawn', clock.now()).catch(() => {});
  }

  const placeOf = new Map(entries.map((row) => [row.interactionId, row]));
  for (const row of leftovers) void store.leave(row, clock.now()).catch(() => {});
  for (const interaction of live) {
    const customer = interaction.customerId === null ? null : ((await store.customer(interaction.customerId)) ?? null);
    for (const segment of interaction.segments) resumeWork(interaction, segment, customer);
    const place = interaction.segments.find(({ kind }) => kind === 'queue');
    const row = placeOf.get(interaction.id);
    if (place?.queueId && floor.queues.has(place.queueId)) await resumeWaiting(interaction, place, row, customer);
    else if (row?.state === 'waiting') void store.leave(row, clock.now()).catch(() => {});
  }
  for (const desk of floor.desks.values()) {
    // A stop between the end of the work and its effect must not keep somebody on duty who asked to go.
    if (desk.presence.pending && !desk.busy) {
      const { state, reason } = desk.presence.pending;
      desk.presence = { state, reason: state === 'offline' ? null : reason, pending: null };
    }
    floor.refresh(desk);
  }

  function resumeWork(
    interaction: InteractionRow,
    segment: SegmentRow,
    customer: Awaited<ReturnType<typeof store.customer>> | null,
  ): void {
    if (segment.agentId === null || segment.kind === 'flow' || segment.kind === 'queue' || segment.kind === 'voicemail')
      return;
    const desk = floor.desks.get(segment.agentId);
    if (!desk) return;
    const { id: interactionId, channel, direction, from } = interaction;
    const queueId = segment.queueId ?? (interaction.agentId === desk.id ? interaction.queueId : null);
    const at = segment.startedAt.getTime();
    if (desk.work.has(interactionId) && segment.kind === 'wrap-up') return;
    const work = parts.shifts.take(desk, {
      interactionId,
      channel,
      queueId,
      direction,
      from,
      customer: customer ?? null,
      at,
    });
    if (segment.kind === 'wrap-up') parts.wrapUps.resume(desk, work, at);
  }

  async function resumeWaiting(
    interaction: InteractionRow,
    place: SegmentRow,
    row: EntryRow | undefined,
    customer: Awaited<ReturnType<typeof store.customer>> | null,
  ): Promise<void> {
    const queue = floor.queue(place.queueId!);
    if (row?.state === 'assigned' && row.leftAt && row.leftAt >= place.startedAt && row.agentId) {
      // Stopped between the assignment and the conversation: the agent has it. The channel says whether they talk.
      const desk = floor.desks.get(row.agentId);
      if (desk) parts.shifts.begin(desk, entryOf(row, customer ?? null), row.leftAt);
      return;
    }
    const known = row?.state === 'waiting' && row.queueId === place.queueId ? row : undefined;
    const entry = entryOf(
      known ?? {
        id: '',
        interactionId: interaction.id,
        queueId: place.queueId!,
        channel: interaction.channel,
        state: 'waiting',
        priority: queue.config.priority,
        skills: [],
        preferredAgentId: null,
        from: interaction.from,
        enqueuedAt: row?.enqueuedAt ?? place.startedAt,
        enteredAt: place.startedAt,
        hops: row?.hops ?? 0,
        agentId: null,
        offerId: null,
        leftAt: null,
      },
      customer ?? null,
    );
    if (!known) {
      if (row) await store.leave(row, clock.now()).catch(() => {});
      parts.waiting.adopt(entry, undefined);
      return;
    }
    parts.waiting.adopt(entry, known);
    const accepted = connected.get(entry.id);
    const desk = accepted && floor.desks.get(accepted.agentId);
    if (!accepted || !desk) return;
    const at = clock.now();
    try {
      await store.assign(known, { id: accepted.offerId, agentId: desk.id }, at);
      floor.leave(entry);
      parts.shifts.begin(desk, entry, at);
    } catch (error) {
      log.error(
        { interaction: interaction.id, error: messageOf(error) },
        'an accepted offer could not be kept after the restart',
      );
    }
  }
}
