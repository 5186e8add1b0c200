import { duration } from '#lib/i18n/time.ts';
import { m } from '#lib/paraglide/messages.js';

const EVENT: Record<string, () => string> = {
  transferred: m.event_transferred,
  'transfer-failed': m.event_transfer_failed,
  monitored: m.event_monitored,
  'taken-over': m.event_taken_over,
  'callback-promised': m.event_callback_promised,
  'agent-audio-lost': m.event_audio_lost,
  'agent-audio-back': m.event_audio_back,
  'agent-lost': m.event_agent_lost,
  'agent-moved': m.event_agent_moved,
  'forwarded-by': m.event_forwarded_by,
  redirected: m.event_redirected,
  'redirect-refused': m.event_redirect_refused,
  'agent-not-back': m.event_agent_lost,
  voicemail: m.event_voicemail,
  'resumed-after-restart': m.event_restarted,
  quality: m.event_quality,
  'party-vanished': m.event_vanished,
  'not-reached': m.event_not_reached,
  'hung-up-by-agent': m.event_hung_up_by_agent,
  'digits-sent': m.event_digits,
  'consultation-failed': m.event_consultation_failed,
  conference: m.event_conference,
  'call-ended': m.event_call_ended,
  'recording-started': m.event_recording_started,
  'recording-ended': m.event_recording_ended,
  'recording-ready': m.event_recording_ready,
  'recording-deleted': m.event_recording_deleted,
  'recording-held': m.event_recording_held,
  'recording-released': m.event_recording_released,
  'flow-started': m.event_flow_started,
  'flow-step': m.event_flow_step,
  'flow-failed': m.event_flow_failed,
  'flow-ended': m.event_flow_ended,
  'flow-resumed': m.event_flow_resumed,
  'queue.pulled': m.event_pulled,
  'queue.priority': m.event_priority,
  'queue.moved': m.event_moved,
  'queue.left': m.event_left_queue,
  'notes.changed': m.event_notes,
  'customer.linked': m.event_customer,
};
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-/;

/** What happened, in the person's language; an event that has no word yet keeps the box's own. */
export function eventName(type: string): string {
  return EVENT[type]?.() ?? type;
}

/** The rest of an event for a reader: ids say nothing to people, numbers get their units. `nameOf` knows people and queues. */
export function eventDetail(all: Record<string, unknown>, nameOf: (id: string) => string | undefined): string {
  const { walk, data } = walked(all);
  const { before, priority, ...others } = data;
  const change = typeof before === 'number' && typeof priority === 'number';
  const rest = Object.entries(change ? others : data)
    .map(([key, value]) => {
      if (value === null || value === '') return undefined;
      if (typeof value === 'string' && UUID.test(value)) return nameOf(value);
      if (typeof value === 'number') return figure(key, value);
      return typeof value === 'object' ? JSON.stringify(value) : String(value);
    })
    .filter((part) => part !== undefined);
  return [...walk, ...(change ? [`${before} → ${priority}`] : []), ...rest].join(' · ');
}

/** A step of a flow reads as a way: its name, what was chosen, where that led; its kind and its id say nothing more. */
function walked(all: Record<string, unknown>): { walk: string[]; data: Record<string, unknown> } {
  const { step, name, edge, to, type: _kind, ...data } = all;
  if (typeof step !== 'string' || typeof edge !== 'string') return { walk: [], data: all };
  const way = edge === 'next' ? `→ ${to}` : `${edge.replace(/^[a-z]+[.]/, '')} → ${to}`;
  return { walk: [typeof name === 'string' ? name : step, way], data };
}

function figure(key: string, value: number): string {
  const [, name = key, unit] = /^(.*?)(Ms|Pct|S)$/.exec(key) ?? [];
  if (unit === 'S') return duration(value);
  if (key === 'ms') return duration(value / 1000);
  const round = Math.round(value * 10) / 10;
  const word = name === 'mos' ? 'MOS' : name;
  return `${word} ${round}${unit === 'Ms' ? ' ms' : unit === 'Pct' ? ' %' : ''}`;
}
