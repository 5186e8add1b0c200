import type {
  InteractionTrace,
  InteractionView,
  OfferView,
  RecordingView,
  SegmentView,
} from '#appliance/contract/work.ts';
import { AppError } from '#appliance/kernel/errors.ts';
import type { InteractionFilter, InteractionStore, NamedInteraction, NamedSegment } from './store.ts';

/** What higher rooms add to a trace; wired in by the role. */
export interface TraceParts {
  offers(interactionId: string): Promise<OfferView[]>;
  recordings(interactionId: string): Promise<RecordingView[]>;
  quality(interactionId: string): Promise<InteractionTrace['quality']>;
}

/** Reading interactions: the list, and one from cradle to grave. */
export function createTraces({ store }: { store: InteractionStore }) {
  const parts: TraceParts = { offers: async () => [], recordings: async () => [], quality: async () => [] };

  return {
    addTraceParts(more: Partial<TraceParts>): void {
      Object.assign(parts, more);
    },

    async list(filter: InteractionFilter): Promise<{ items: InteractionView[]; next: string | null }> {
      const { items, next } = await store.list(filter);
      return { items: items.map(view), next };
    },

    lastAgent: store.lastAgent,

    /** Everything known about one interaction, in the order it happened. */
    async trace(id: string): Promise<InteractionTrace> {
      const row = await store.named(id);
      if (!row) throw new AppError('not-found', 'interaction-unknown', `No interaction ${id}`);
      const [segments, events, offers, recordings, quality] = await Promise.all([
        store.segments(id),
        store.events(id),
        parts.offers(id),
        parts.recordings(id),
        parts.quality(id),
      ]);
      return {
        ...view(row),
        segments: segments.map(segmentView),
        events: events.map(({ at, type, data }) => ({ at: at.toISOString(), type, data })),
        offers,
        recordings,
        quality,
      };
    },
  };
}

function view(row: NamedInteraction): InteractionView {
  const { customerId, customerName } = row;
  return {
    id: row.id,
    channel: row.channel,
    direction: row.direction,
    state: row.state,
    from: row.from,
    to: row.to,
    customer: customerId === null ? null : { id: customerId, name: customerName, known: customerName !== null },
    queueId: row.queueId,
    queueName: row.queueName,
    agentId: row.agentId,
    agentName: row.agentName,
    disposition: row.disposition,
    notes: row.notes,
    createdAt: row.createdAt.toISOString(),
    answeredAt: row.answeredAt?.toISOString() ?? null,
    endedAt: row.endedAt?.toISOString() ?? null,
    endReason: row.endReason,
  };
}

function segmentView(row: NamedSegment): SegmentView {
  return {
    id: row.id,
    kind: row.kind,
    queueId: row.queueId,
    queueName: row.queueName,
    agentId: row.agentId,
    agentName: row.agentName,
    flowVersionId: row.flowVersionId,
    startedAt: row.startedAt.toISOString(),
    endedAt: row.endedAt?.toISOString() ?? null,
    durationS: row.endedAt === null ? null : (row.endedAt.getTime() - row.startedAt.getTime()) / 1000,
    end: row.end,
  };
}
