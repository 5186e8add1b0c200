import { m } from '#lib/paraglide/messages.js';

const CHANNEL: Record<string, () => string> = {
  voice: m.channel_voice,
  email: m.channel_email,
  chat: m.channel_chat,
  sms: m.channel_sms,
  fax: m.channel_fax,
  tty: m.channel_tty,
  webform: m.channel_webform,
  mail: m.channel_mail,
  social: m.channel_social,
  callback: m.channel_callback,
};
const DIRECTION: Record<string, () => string> = {
  in: m.direction_in,
  out: m.direction_out,
  internal: m.direction_internal,
};
const STATE: Record<string, () => string> = {
  flow: m.state_flow,
  waiting: m.state_waiting,
  offered: m.state_offered,
  active: m.state_active,
  'wrap-up': m.state_wrap_up,
  ended: m.state_ended,
};
const SEGMENT: Record<string, () => string> = {
  flow: m.segment_flow,
  queue: m.segment_queue,
  dial: m.segment_dial,
  agent: m.segment_agent,
  hold: m.segment_hold,
  consult: m.segment_consult,
  'wrap-up': m.segment_wrap_up,
  voicemail: m.segment_voicemail,
};
const END: Record<string, () => string> = {
  answered: m.end_answered,
  abandoned: m.end_abandoned,
  overflow: m.end_overflow,
  'timed-out': m.end_timed_out,
  callback: m.end_callback,
  voicemail: m.end_voicemail,
  queued: m.end_queued,
  transferred: m.end_transferred,
  hold: m.end_hold,
  resumed: m.end_resumed,
  completed: m.end_completed,
  failed: m.end_failed,
  rejected: m.end_rejected,
  pulled: m.end_pulled,
  restarted: m.end_restarted,
};
const OFFER: Record<string, () => string> = {
  pending: m.offer_pending,
  accepted: m.offer_accepted,
  declined: m.offer_declined,
  'timed-out': m.offer_timed_out,
  withdrawn: m.offer_withdrawn,
  failed: m.offer_failed,
};

/** The box's words in the person's language; a word we do not know yet is shown as it is. */
const named = (table: Record<string, () => string>) => (word: string) => table[word]?.() ?? word;

export const channelName = named(CHANNEL);
export const directionName = named(DIRECTION);
export const stateName = named(STATE);
export const segmentName = named(SEGMENT);
export const endName = named(END);
export const offerName = named(OFFER);
