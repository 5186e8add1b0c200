import { messageOf } from '#appliance/kernel/errors.ts';
import type { Leg } from '#appliance/telephony/calls/index.ts';
import type { VoiceDeps } from './deps.ts';
import type { VoiceCall } from './voice-call.ts';

export type Watchdog = ReturnType<typeof createWatchdog>;

/** A peer that is there answers at once; this is five attempts over UDP. */
const ANSWER_WITHIN_MS = 8000;

/**
 * Parties that vanished without a word: power cut, network gone, program killed. Silence alone ends nothing, for phones
 * may be muted, on hold, or suppress silence; after `afterMs` of it the peer is asked, and who does not answer is gone.
 */
export function createWatchdog({ interactions, log }: VoiceDeps, { afterMs }: { afterMs: number }) {
  const watched = new WeakSet<Leg>();

  /** `absent`: who vanished is given time to come back, and ended by whoever is told here. */
  function watch(leg: Leg, party: string, interactionId?: string, absent?: () => boolean): void {
    if (watched.has(leg)) return;
    watched.add(leg);
    let asking = false;
    leg.on('silent', ({ ms }) => {
      if (ms < afterMs || asking || leg.state !== 'up') return;
      asking = true;
      leg
        .probe(ANSWER_WITHIN_MS, { end: absent === undefined })
        .then((there) => {
          if (there || (absent && leg.state !== 'up')) return;
          // Nobody waits for them: asked once more, and now it counts.
          if (absent && !absent()) void leg.probe(ANSWER_WITHIN_MS);
          log.warn({ leg: leg.id, party, interaction: interactionId }, 'a party vanished without hanging up');
          if (interactionId) return interactions.event(interactionId, 'party-vanished', { party, silentMs: ms });
        })
        .catch((error) => log.error({ leg: leg.id, error: messageOf(error) }, 'a silent party could not be asked'))
        .finally(() => {
          asking = false;
        });
    });
  }

  /** Everybody on the call, now and later. `agentAbsent`: whether somebody waits for an agent who vanished. */
  function guard(call: VoiceCall, agentAbsent?: (call: VoiceCall, leg: Leg) => boolean): void {
    watch(call.customer, 'customer', call.id);
    call.events.on('joined', ({ leg, party }) =>
      watch(leg, party, call.id, party === 'agent' && agentAbsent ? () => agentAbsent(call, leg) : undefined),
    );
  }

  return { watch, guard };
}
