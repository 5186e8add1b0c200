// Which SIP dialogs belonged to which interaction, and what was said in them.
import type { SipRing, TracedCall, TracedMessage } from './ring.ts';

/** A leg as far as a trace is interested. */
export interface TracedLeg {
  readonly callId?: string | undefined;
  readonly tag: Record<string, unknown>;
}

export interface SipTrace {
  /** A leg has ended: its dialog is remembered with its interaction. */
  ended(leg: TracedLeg): void;
  /** Of an interaction or of a Call-ID; without either nothing. Masked. */
  messages(of: { interactionId?: string | undefined; callId?: string | undefined }, limit?: number): TracedMessage[];
  calls(limit?: number, every?: boolean): TracedCall[];
}

const MAX_INTERACTIONS = 3000;
const MAX_DIALOGS = 50;

export function createSipTrace(options: { ring: SipRing; live(): Iterable<TracedLeg> }): SipTrace {
  const { ring } = options;
  const past = new Map<string, Set<string>>();
  return {
    ended({ callId, tag }) {
      const id = tag.interactionId;
      if (typeof id !== 'string' || callId === undefined) return;
      let known = past.get(id);
      if (!known) {
        if (past.size >= MAX_INTERACTIONS) past.delete(past.keys().next().value!);
        known = new Set();
        past.set(id, known);
      }
      if (known.size < MAX_DIALOGS) known.add(callId);
    },
    messages({ interactionId, callId }, limit) {
      const ids = new Set(callId === undefined ? [] : [callId]);
      if (interactionId !== undefined) {
        for (const one of past.get(interactionId) ?? []) ids.add(one);
        for (const leg of options.live())
          if (leg.tag.interactionId === interactionId && leg.callId !== undefined) ids.add(leg.callId);
      }
      return ids.size === 0 ? [] : ring.messages(ids, limit);
    },
    calls: (limit, every) => ring.calls(limit, every),
  };
}
