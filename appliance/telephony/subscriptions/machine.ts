// When a subscriber is told what: RFC 6665 §4.2 and the packages' limits on how often. Pure; subscription.ts runs it.

export interface SubscriptionState {
  /** `ending`: the last word waits until the one before it is answered. */
  phase: 'active' | 'ending' | 'over';
  /** A NOTIFY is on its way; the next one waits, so that the subscriber gets them in order. */
  inFlight: boolean;
  /** The last NOTIFY was less than a second ago (RFC 3842 §3.11, RFC 4235 §3.10). */
  held: boolean;
  /** What waits: a change, or a SUBSCRIBE, which is answered with the whole state at once (§4.2.1.2). */
  pending: 'nothing' | 'change' | 'refresh';
  /** NOTIFYs in a row that were refused though the subscription goes on. */
  refused: number;
}

export type SubscriptionInput =
  | { kind: 'subscribed' }
  | { kind: 'changed' }
  | { kind: 'released' }
  | { kind: 'answered'; how: Answer }
  /** Expired, taken back, or no longer wanted by us. */
  | { kind: 'end' };

export type Effect = 'notify' | 'last-notify' | 'forget';
export type Answer = 'taken' | 'refused' | 'gone';

export const NEW: SubscriptionState = { phase: 'active', inFlight: false, held: false, pending: 'nothing', refused: 0 };

/** Refused that often, a subscriber is not interested. */
const MAX_REFUSED = 5;

export function step(
  state: SubscriptionState,
  input: SubscriptionInput,
): { state: SubscriptionState; effect?: Effect | undefined } {
  if (state.phase === 'over') return { state };
  if (state.phase === 'ending') {
    if (input.kind !== 'answered') return { state };
    return {
      state: { ...state, phase: 'over', inFlight: false },
      effect: input.how === 'gone' ? 'forget' : 'last-notify',
    };
  }
  switch (input.kind) {
    case 'subscribed':
      return state.inFlight ? { state: { ...state, pending: 'refresh' } } : notify(state);
    case 'changed':
      if (!state.inFlight && !state.held) return notify(state);
      return { state: { ...state, pending: state.pending === 'refresh' ? 'refresh' : 'change' } };
    case 'released':
      if (state.pending !== 'nothing' && !state.inFlight) return notify(state);
      return { state: { ...state, held: false } };
    case 'answered': {
      const refused = input.how === 'refused' ? state.refused + 1 : 0;
      // §4.2.2: without an answer, or with one that says so, the subscription is removed.
      if (input.how === 'gone' || refused >= MAX_REFUSED)
        return { state: { ...state, phase: 'over', inFlight: false }, effect: 'forget' };
      const answered = { ...state, inFlight: false, refused };
      const isDue = state.pending === 'refresh' || (state.pending === 'change' && !state.held);
      return isDue ? notify(answered) : { state: answered };
    }
    case 'end':
      if (state.inFlight) return { state: { ...state, phase: 'ending' } };
      return { state: { ...state, phase: 'over' }, effect: 'last-notify' };
  }
}

function notify(state: SubscriptionState): { state: SubscriptionState; effect: Effect } {
  return { state: { ...state, inFlight: true, held: true, pending: 'nothing' }, effect: 'notify' };
}

/** RFC 6665 §4.2.2: answers that end a subscription. Others say nothing about it. */
const ENDS = new Set([404, 405, 408, 410, 416, 480, 481, 482, 483, 484, 485, 489, 501, 604]);

export function answerOf(status: number): Answer {
  if (status < 300) return 'taken';
  return ENDS.has(status) ? 'gone' : 'refused';
}
