// The presence of one agent as a table. Pure: who stores, publishes and withdraws offers is the router.
import type { PresenceState } from '#appliance/contract/work.ts';

export interface Presence {
  state: PresenceState;
  reason: string | null;
  /** Asked for while busy: takes effect when the work is done. */
  pending: { state: 'not-ready' | 'offline'; reason: string | null } | null;
}

export type PresenceInput =
  | { on: 'set'; state: PresenceState; reason: string | null; busy: boolean }
  /** Set by the router itself: RONA, unreachable, after wrap-up. Takes effect at once. */
  | { on: 'forced'; state: 'not-ready'; reason: string }
  /** The last work is done. */
  | { on: 'idle' };

/** The next presence; the same object when nothing changes. */
export function step(presence: Presence, input: PresenceInput): Presence {
  switch (input.on) {
    case 'set':
      if (input.state === 'ready') {
        if (presence.state === 'ready' && !presence.pending) return presence;
        return { state: 'ready', reason: null, pending: null };
      }
      // Somebody who works goes on until the work is done; who is not ready already just changes the reason.
      if (input.busy && (presence.state === 'ready' || input.state === 'offline')) {
        return { ...presence, pending: { state: input.state, reason: input.reason } };
      }
      if (presence.state === input.state && presence.reason === input.reason && !presence.pending) return presence;
      return { state: input.state, reason: input.state === 'offline' ? null : input.reason, pending: null };
    case 'forced':
      if (presence.state === 'offline') return presence;
      if (presence.pending)
        return {
          state: presence.state === 'ready' ? input.state : presence.state,
          reason: input.reason,
          pending: presence.pending,
        };
      return { state: input.state, reason: input.reason, pending: null };
    case 'idle': {
      const { pending } = presence;
      if (!pending) return presence;
      return { state: pending.state, reason: pending.state === 'offline' ? null : pending.reason, pending: null };
    }
  }
}
