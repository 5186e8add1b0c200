import { AppError, messageOf } from '#appliance/kernel/errors.ts';
import type { ChannelPort, Offer, OfferFailure, OfferOutcome } from '#appliance/routing/index.ts';
import { DialFailed, type Ringing } from '#appliance/telephony/calls/index.ts';
import type { VoiceDeps } from './deps.ts';
import type { QueueExits } from './queue-exits.ts';
import type { Queueing } from './queueing.ts';
import type { Talks } from './talks.ts';

/** The router's offers become ringing phones; the first phone answered is the agent. */
export function createVoiceOffers(
  deps: VoiceDeps,
  parts: { talks: Talks; queueing: Queueing; exits: QueueExits },
): ChannelPort {
  const { calls, registry, endpoints, clock, log } = deps;
  const { talks, queueing, exits } = parts;
  const ringing = new Map<string, Ringing>();

  async function ring(offer: Offer, outcome: OfferOutcome): Promise<void> {
    const call = registry.get(offer.interactionId);
    if (!call || call.customer.state === 'ended') return outcome.failed('withdrawn');
    const targets = endpoints.targets(offer.agentId);
    if (targets.length === 0) return outcome.failed('unreachable');
    const attempt = calls.dial(targets, {
      from: { number: call.facts.from, ...(call.facts.customer?.name ? { name: call.facts.customer.name } : {}) },
      near: call.customer,
      ringTimeoutMs: Math.max(1000, offer.expiresAt.getTime() - clock.now().getTime()),
      tag: { interactionId: call.id, role: 'agent', agentId: offer.agentId, offerId: offer.id },
      headers: [['X-Interaction', call.id]],
    });
    ringing.set(offer.id, attempt);
    try {
      const leg = await attempt.answered;
      if (!(await outcome.accepted())) {
        leg.hangup({ q850: 26, text: 'Taken elsewhere' }); // Q.850 26: non-selected user clearing
        return;
      }
      queueing.settle(call.id, { end: 'connected', agentId: offer.agentId });
      await talks.connect(call, offer.agentId, leg);
    } catch (error) {
      if (!(error instanceof DialFailed))
        log.error({ offer: offer.id, error: messageOf(error) }, 'an offer could not be presented');
      outcome.failed(failureOf(error));
    } finally {
      ringing.delete(offer.id);
    }
  }

  return {
    channel: 'voice',
    offer(offer, outcome) {
      void ring(offer, outcome);
    },
    withdraw(offerId, why) {
      const attempt = ringing.get(offerId);
      ringing.delete(offerId);
      if (why === 'taken') attempt?.cancel({ q850: 26, text: 'Call completed elsewhere' });
      else attempt?.cancel({ q850: why === 'gone' ? 16 : 19 });
    },
    async accept() {
      throw new AppError('conflict', 'answer-on-phone', 'Answer on your phone: a voice offer is taken by picking up');
    },
    expired(interactionId, exit) {
      const call = registry.get(interactionId);
      if (!call) return;
      queueing.settle(interactionId, { end: 'left', to: exit.to });
      void exits.take(call, exit).catch((error) => talks.failed(call, error));
    },
  };
}

/** Q.850 causes of a failed dial, in the router's words. */
function failureOf(error: unknown): OfferFailure {
  if (!(error instanceof DialFailed)) return 'unreachable';
  switch (error.cause_.q850) {
    case 17: // user busy
    case 21: // call rejected
      return 'declined';
    case 18: // no user responding
    case 19: // no answer
    case 102: // recovery on timer expiry
      return 'no-answer';
    case 16:
    case 26:
      return 'withdrawn';
    default:
      return 'unreachable';
  }
}
