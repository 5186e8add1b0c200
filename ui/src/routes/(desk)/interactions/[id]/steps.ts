import type { InteractionTrace } from '#appliance/contract/work.ts';
import { endName, offerName, segmentName } from '#lib/i18n/names.ts';
import { duration } from '#lib/i18n/time.ts';
import { m } from '#lib/paraglide/messages.js';
import { eventDetail, eventName } from './event-words.ts';

export interface Step {
  key: string;
  at: string;
  kind: 'segment' | 'event' | 'offer' | 'recording';
  what: string;
  detail: string;
}

/** Segments, offers, events and recordings on one line, in the order in which they happened. */
export function steps(trace: InteractionTrace, nameOf: (id: string) => string | undefined = () => undefined): Step[] {
  const names = namesIn(trace);
  return [
    ...trace.segments.map(
      (segment): Step => ({
        key: `s-${segment.id}`,
        at: segment.startedAt,
        kind: 'segment',
        what: segmentName(segment.kind),
        detail: joined(
          segment.queueName,
          segment.agentName,
          segment.durationS === null ? null : duration(segment.durationS),
          segment.end && endName(segment.end),
        ),
      }),
    ),
    ...trace.offers.map(
      (offer): Step => ({
        key: `o-${offer.id}`,
        at: offer.offeredAt,
        kind: 'offer',
        what: m.offer_to({ agent: offer.agentName }),
        detail: joined(
          offerName(offer.state),
          offer.endedAt && duration((Date.parse(offer.endedAt) - Date.parse(offer.offeredAt)) / 1000),
        ),
      }),
    ),
    ...trace.recordings.map(
      (recording): Step => ({
        key: `r-${recording.id}`,
        at: recording.startedAt,
        kind: 'recording',
        what: m.recording_on(),
        detail: joined(
          recording.durationS === null ? null : duration(recording.durationS),
          recording.error,
          recording.silent ? m.recording_silent() : null,
        ),
      }),
    ),
    ...trace.events.map(
      (event, index): Step => ({
        key: `e-${index}`,
        at: event.at,
        kind: 'event',
        what: eventName(event.type),
        detail: eventDetail(event.data, (id) => names.get(id) ?? nameOf(id)),
      }),
    ),
  ].toSorted((a, b) => a.at.localeCompare(b.at));
}

function joined(...parts: (string | null | undefined)[]): string {
  return parts.filter(Boolean).join(' · ');
}

/** Whoever and whatever the trace itself names, by id. */
function namesIn(trace: InteractionTrace): Map<string, string> {
  const names = new Map<string, string>();
  for (const { agentId, agentName, queueId, queueName } of [trace, ...trace.segments, ...trace.offers]) {
    if (agentId && agentName) names.set(agentId, agentName);
    if (queueId && queueName) names.set(queueId, queueName);
  }
  return names;
}
