import { AppError, messageOf } from '#appliance/kernel/errors.ts';
import type { ChannelPort, Offer, OfferOutcome } from '#appliance/routing/index.ts';
import { DialFailed, type Leg, type Ringing } from '#appliance/telephony/calls/index.ts';
import type { VoiceDeps } from './deps.ts';
import type { Dialing } from './dialing.ts';
import { RINGS, ringHeader, ringInTurn } from './ring-plan.ts';

/** Promised call-backs: the agent's phone rings with the customer's number; picking up dials the customer. */
export function createCallbacks(deps: VoiceDeps, { dialing }: { dialing: Dialing }): ChannelPort {
  const { calls, interactions, endpoints, router, clock, log } = deps;
  const ringing = new Map<string, Ringing>();
  /** How often each was tried; after a restart its events say so. */
  const attempts = new Map<string, number>();

  async function ring(offer: Offer, outcome: OfferOutcome): Promise<void> {
    const row = interactions.get(offer.interactionId);
    const turns = endpoints.turns(offer.agentId);
    if (!row || turns.length === 0) return outcome.failed(row ? 'unreachable' : 'withdrawn');
    const attempt = ringInTurn(calls, clock, turns, {
      from: { number: row.to, name: 'Call back' },
      ringTimeoutMs: Math.max(1000, offer.expiresAt.getTime() - clock.now().getTime()),
      tag: { interactionId: row.id, role: 'agent', agentId: offer.agentId, offerId: offer.id },
      headers: [
        ['X-Interaction', row.id],
        ringHeader((offer.queueId && router.queue(offer.queueId)?.distinctiveRing) || RINGS.queue),
      ],
    });
    ringing.set(offer.id, attempt);
    try {
      const leg = await attempt.answered;
      if (!(await outcome.accepted())) return leg.hangup({ q850: 26 });
      try {
        await dialing.ring(row.id, leg, offer.agentId, { kind: 'number', number: row.to }, offer.queueId);
      } catch (error) {
        await notAnswered(offer, error, leg);
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

  /** The customer was not reached: tried again by the queue's rule, at its place in the queue; after the last time it is closed. */
  async function notAnswered(offer: Offer, error: unknown, leg: Leg): Promise<void> {
    const { interactionId, agentId, queueId } = offer;
    const row = interactions.get(interactionId);
    const queue = queueId === null ? undefined : router.queue(queueId);
    const tried =
      (attempts.get(interactionId) ??
        (await interactions.countEvents(interactionId, 'callback-tried').catch(() => 0))) + 1;
    attempts.set(interactionId, tried);
    const cause = error instanceof DialFailed ? error.cause_ : undefined;
    const text = cause?.text ?? messageOf(error);
    const again = row && queue?.active && tried < queue.callbackAttempts && leg.state !== 'ended';
    // Who hangs up their own phone while the customer's rings wants to be left in peace, not to lose the customer.
    const agentGone = row && queue?.active && leg.state === 'ended';
    if (!again && !agentGone) {
      attempts.delete(interactionId);
      await interactions.event(interactionId, 'callback-tried', {
        attempt: tried,
        q850: cause?.q850 ?? 41,
        text,
        last: true,
      });
      return dialing.giveUp(interactionId, agentId, error, leg);
    }
    if (agentGone) attempts.set(interactionId, tried - 1);
    const notBefore = new Date(clock.now().getTime() + (agentGone ? 0 : queue.callbackIntervalS * 1000));
    if (!agentGone)
      await interactions.event(interactionId, 'callback-tried', {
        attempt: tried,
        q850: cause?.q850 ?? 41,
        text,
        againAt: notBefore.toISOString(),
      });
    // Into the queue before the agent is free: it is never nowhere.
    await router.enqueue({
      interactionId,
      queueId: queue.id,
      channel: 'callback',
      from: row.to,
      ...(agentGone ? { avoidAgentId: agentId } : { notBefore }),
    });
    leg.hangup({ q850: cause?.q850 ?? 41 });
    await router.finished(interactionId, agentId, { wrapUp: false });
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
