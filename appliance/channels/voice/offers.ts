import { AppError, messageOf } from '#appliance/kernel/errors.ts';
import type { ChannelPort, Offer, OfferFailure, OfferOutcome } from '#appliance/routing/index.ts';
import { DialFailed, type Leg, type Ringing } from '#appliance/telephony/calls/index.ts';
import type { VoiceDeps } from './deps.ts';
import type { Errands } from './errands.ts';
import type { PickUps, Taking } from './pickups.ts';
import type { QueueExits } from './queue-exits.ts';
import type { Queueing } from './queueing.ts';
import { RINGS, ringHeader, ringInTurn } from './ring-plan.ts';
import type { Talks } from './talks.ts';

/** The router's offers become ringing phones; the first phone answered is the agent. */
export function createVoiceOffers(
  deps: VoiceDeps,
  parts: { talks: Talks; queueing: Queueing; exits: QueueExits; errands: Errands; pickUps: PickUps },
): ChannelPort {
  const { calls, registry, router, endpoints, clock, log } = deps;
  const { talks, queueing, exits, errands, pickUps } = parts;
  const ringing = new Map<string, Ringing>();

  async function ring(offer: Offer, outcome: OfferOutcome): Promise<void> {
    const errand = errands.get(offer.interactionId);
    const call = errand ? undefined : registry.get(offer.interactionId);
    const near = errand?.near ?? call?.customer;
    if (!near || near.state === 'ended') return outcome.failed('withdrawn');
    const turns = endpoints.turns(offer.agentId);
    if (turns.length === 0) return outcome.failed('unreachable');
    const from = errand?.from ?? call!.party;
    const attempt = ringInTurn(calls, clock, turns, {
      from,
      near,
      ringTimeoutMs: Math.max(1000, offer.expiresAt.getTime() - clock.now().getTime()),
      tag: { interactionId: offer.interactionId, role: 'agent', agentId: offer.agentId, offerId: offer.id },
      headers: [
        ['X-Interaction', offer.interactionId],
        ringHeader((offer.queueId && router.queue(offer.queueId)?.distinctiveRing) || RINGS.queue),
      ],
    });
    ringing.set(offer.id, attempt);
    const gone = pickUps.present({
      interactionId: offer.interactionId,
      agentId: offer.agentId,
      from,
      customer: call?.facts.customer ?? null,
      queueId: offer.queueId,
      near,
      legs: () => attempt.legs,
      take: (by) => take(offer, by),
    });
    try {
      const leg = await attempt.answered;
      if (!(await outcome.accepted())) {
        leg.hangup({ q850: 26, text: 'Taken elsewhere' }); // Q.850 26: non-selected user clearing
        return;
      }
      await connect(offer, leg);
    } catch (error) {
      if (!(error instanceof DialFailed))
        log.error({ offer: offer.id, error: messageOf(error) }, 'an offer could not be presented');
      outcome.failed(failureOf(error));
    } finally {
      gone();
      ringing.delete(offer.id);
    }
  }

  /** The assignment is committed. */
  async function connect(offer: Offer, leg: Leg): Promise<void> {
    const errand = errands.get(offer.interactionId);
    if (errand) return errand.found(offer.agentId, leg);
    const call = registry.get(offer.interactionId);
    if (!call) return leg.hangup({ q850: 16 });
    queueing.settle(call.id, { end: 'connected', agentId: offer.agentId });
    await talks.connect(call, offer.agentId, leg);
  }

  /** A colleague takes it: an offer of their own, so that the router knows who has it and counts it once. */
  function take(theirs: Offer, by: string): Taking {
    const { offer, outcome } = router.pickUp(theirs.interactionId, theirs.agentId, by);
    return {
      async accepted(leg) {
        try {
          if (!(await outcome.accepted())) return false;
          await connect(offer, leg);
          return true;
        } finally {
          ringing.delete(offer.id);
        }
      },
      failed() {
        ringing.delete(offer.id);
        outcome.failed('no-answer');
      },
      watch: (attempt) => void ringing.set(offer.id, attempt),
    };
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
      const errand = errands.get(interactionId);
      if (errand) return errand.left();
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
