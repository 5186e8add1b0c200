import { AppError, messageOf } from '#appliance/kernel/errors.ts';
import type { ChannelPort, Offer, OfferOutcome } from '#appliance/routing/index.ts';
import { DialFailed, type Ringing } from '#appliance/telephony/calls/index.ts';
import type { VoiceDeps } from './deps.ts';
import type { Dialing } from './dialing.ts';

/** Promised call-backs: the agent's phone rings with the customer's number; picking up dials the customer. */
export function createCallbacks(deps: VoiceDeps, { dialing }: { dialing: Dialing }): ChannelPort {
  const { calls, interactions, endpoints, clock, log } = deps;
  const ringing = new Map<string, Ringing>();

  async function ring(offer: Offer, outcome: OfferOutcome): Promise<void> {
    const row = interactions.get(offer.interactionId);
    const targets = endpoints.targets(offer.agentId);
    if (!row || targets.length === 0) return outcome.failed(row ? 'unreachable' : 'withdrawn');
    const attempt = calls.dial(targets, {
      from: { number: row.to, name: 'Call back' },
      ringTimeoutMs: Math.max(1000, offer.expiresAt.getTime() - clock.now().getTime()),
      tag: { interactionId: row.id, role: 'agent', agentId: offer.agentId, offerId: offer.id },
      headers: [['X-Interaction', row.id]],
    });
    ringing.set(offer.id, attempt);
    try {
      const leg = await attempt.answered;
      if (!(await outcome.accepted())) return leg.hangup({ q850: 26 });
      try {
        await dialing.ring(row.id, leg, offer.agentId, { kind: 'number', number: row.to }, offer.queueId);
      } catch (error) {
        await dialing.giveUp(row.id, offer.agentId, error, leg);
      }
    } catch (error) {
      if (!(error instanceof DialFailed))
        log.error({ offer: offer.id, error: messageOf(error) }, 'a call-back could not be offered');
      outcome.failed(
        error instanceof DialFailed && (error.cause_.q850 === 17 || error.cause_.q850 === 21)
          ? 'declined'
          : 'no-answer',
      );
    } finally {
      ringing.delete(offer.id);
    }
  }

  return {
    channel: 'callback',
    // A promise does not lapse: whatever the queue's rules for callers say, it waits until somebody calls back.
    keepsPlace: true,
    offer(offer, outcome) {
      void ring(offer, outcome);
    },
    withdraw(offerId) {
      ringing.get(offerId)?.cancel({ q850: 16 });
      ringing.delete(offerId);
    },
    async accept() {
      throw new AppError(
        'conflict',
        'answer-on-phone',
        'Answer on your phone: the customer is called when you pick up',
      );
    },
    expired(interactionId) {
      log.error({ interaction: interactionId }, 'a call-back left its queue');
    },
  };
}
