import type { OfferState } from '#appliance/contract/work.ts';
import { AppError, messageOf } from '#appliance/kernel/errors.ts';
import { uuidv7 } from '#appliance/kernel/ids.ts';
import type { Offer, OfferFailure, OfferOutcome } from './channel-port.ts';
import { type Context, nowMs } from './context.ts';
import type { Desk } from './desk.ts';
import type { Entry } from './line.ts';

interface Pending {
  offer: Offer;
  entry: Entry;
  desk: Desk;
  state: 'pending' | 'assigning' | 'over';
  /** A person chose this agent: not to answer is no miss. */
  byHand: boolean;
  stopTimer: () => void;
}

/** What offers need from the other parts of the router. */
export interface OfferPorts {
  /** Nobody took it: it waits again, at its place. */
  returned(entry: Entry): void;
  /** It does not wait any more. */
  left(entry: Entry): void;
  missed(desk: Desk, entry: Entry, why: 'no-answer' | 'unreachable'): void;
  begin(desk: Desk, entry: Entry, at: Date): boolean;
}

/** Who refused or missed an interaction is not asked again for so long while it waits. */
export const AVOID_MS = 30_000;

const ENDS = { declined: 'declined', 'no-answer': 'timed-out', unreachable: 'failed' } as const;

export type Offers = ReturnType<typeof createOffers>;

/** The life of offers: proposed to one agent or several, accepted by one, or back to the line. */
export function createOffers(context: Context, ports: OfferPorts) {
  const { floor, store, clock, log, interactions, announcer, bus } = context;
  const pending = new Map<string, Pending>();
  const byEntry = new Map<Entry, Set<Pending>>();

  /** Proposes a waiting interaction if somebody is free for it. */
  function tryEntry(entry: Entry): boolean {
    if (!context.leading() || entry.state !== 'waiting' || !context.ports.has(entry.channel)) return false;
    const desks = floor.agentsFor(entry, nowMs(context));
    if (desks.length === 0) return false;
    propose(entry, desks);
    return true;
  }

  /** Looks for work for an agent who became free. */
  function tryDesk(desk: Desk): boolean {
    if (!context.leading()) return false;
    const entry = floor.entryFor(desk, nowMs(context));
    if (!entry) return false;
    const { strategy } = floor.queue(entry.queueId).config;
    propose(entry, strategy === 'ring-all' ? floor.agentsFor(entry, nowMs(context)) : [desk]);
    return true;
  }

  function propose(entry: Entry, desks: Desk[], byHand = false): void {
    floor.hold(entry);
    interactions.update(entry.interactionId, { state: 'offered' });
    const made = desks.map((desk) => make(entry, desk, byHand));
    announcer.queue(entry.queueId);
    for (const one of made) present(one);
  }

  function make(entry: Entry, desk: Desk, byHand = false): Pending {
    const offeredAt = clock.now();
    const timeoutMs = floor.queue(entry.queueId).config.offerTimeoutS * 1000;
    const offer: Offer = {
      id: uuidv7(offeredAt.getTime()),
      interactionId: entry.interactionId,
      agentId: desk.id,
      queueId: entry.queueId,
      channel: entry.channel,
      offeredAt,
      expiresAt: new Date(offeredAt.getTime() + timeoutMs),
    };
    const one: Pending = { offer, entry, desk, state: 'pending', byHand, stopTimer: () => {} };
    one.stopTimer = clock.after(timeoutMs, () => timedOut(one));
    pending.set(offer.id, one);
    const others = byEntry.get(entry);
    if (others) others.add(one);
    else byEntry.set(entry, new Set([one]));
    desk.offer = offer;
    floor.asked(desk);
    floor.refresh(desk);
    announcer.agent(desk.id);
    // The phone rings meanwhile: the offer's row proves what was asked, the assignment's guard decides who has it.
    store
      .insertOffer({
        ...offer,
        entryId: entry.id,
        queueId: entry.queueId,
        waitedS: Math.max(0, offeredAt.getTime() - entry.enqueuedAt) / 1000,
      })
      .then(() => told(offer))
      .catch((error) => log.error({ offer: offer.id, error: messageOf(error) }, 'the database refused an offer'));
    return one;
  }

  function present(one: Pending): void {
    if (one.state !== 'pending') return; // a phone of the same ring-all failed or answered at once
    try {
      context.ports.get(one.offer.channel)!.offer(one.offer, {
        accepted: () => accepted(one),
        failed: (why) => failed(one, why),
      });
    } catch (error) {
      log.error({ offer: one.offer.id, error: messageOf(error) }, 'the channel could not present an offer');
      failed(one, 'unreachable');
    }
  }

  async function accepted(one: Pending): Promise<boolean> {
    const { entry, desk, offer } = one;
    if (one.state !== 'pending' || entry.state !== 'offered') return false;
    one.state = 'assigning';
    one.stopTimer();
    entry.state = 'assigning';
    const at = clock.now();
    for (const other of of(entry)) if (other !== one) withdraw(other, 'taken');
    try {
      const write = store.assign(context.rows.get(entry)!, offer, at);
      if ((await context.settled(write)) === 'late') {
        write.catch(() => context.events.emit('refused', { interactionId: entry.interactionId, agentId: desk.id }));
      }
    } catch (error) {
      log.error(
        { interaction: entry.interactionId, agent: desk.id, error: messageOf(error) },
        'an assignment was refused',
      );
      if (pending.has(offer.id)) {
        over(one);
        floor.leave(entry);
        ports.left(entry);
        free(desk);
      }
      context.events.emit('refused', { interactionId: entry.interactionId, agentId: desk.id });
      return false;
    }
    if (!pending.has(offer.id)) return false; // the customer went away while we waited for the commit
    over(one);
    floor.leave(entry);
    ports.left(entry);
    desk.misses = 0;
    const begun = ports.begin(desk, entry, at);
    told(offer);
    announcer.queue(entry.queueId);
    free(desk);
    return begun;
  }

  function failed(one: Pending, why: OfferFailure): void {
    if (one.state !== 'pending') return;
    if (why === 'withdrawn') {
      gone(one.entry);
      return;
    }
    conclude(one, ENDS[why]);
    avoid(one);
    if (why !== 'declined' && !one.byHand) ports.missed(one.desk, one.entry, why);
    back(one);
  }

  function timedOut(one: Pending): void {
    if (one.state !== 'pending') return;
    tell(one, 'timed-out');
    failed(one, 'no-answer');
  }

  /** The customer is gone: every phone stops ringing and the agents are free. */
  function gone(entry: Entry): void {
    const desks = of(entry).map((one) => {
      if (one.state === 'pending') tell(one, 'gone');
      conclude(one, 'withdrawn');
      return one.desk;
    });
    floor.leave(entry);
    ports.left(entry);
    for (const desk of desks) free(desk);
  }

  /** Ends one offer without blame: taken by another, or the agent does something else now. */
  function withdraw(one: Pending, why: 'taken' | 'gone'): void {
    tell(one, why);
    conclude(one, 'withdrawn');
    free(one.desk);
  }

  function conclude(one: Pending, state: OfferState): void {
    over(one);
    store
      .closeOffer(one.offer.id, state, clock.now())
      .then(() => told(one.offer))
      .catch((error) =>
        log.error({ offer: one.offer.id, error: messageOf(error) }, 'the database refused the end of an offer'),
      );
  }

  function over(one: Pending): void {
    one.state = 'over';
    one.stopTimer();
    pending.delete(one.offer.id);
    const others = byEntry.get(one.entry);
    others?.delete(one);
    if (others?.size === 0) byEntry.delete(one.entry);
    if (one.desk.offer === one.offer) one.desk.offer = undefined;
    floor.refresh(one.desk);
    announcer.agent(one.desk.id);
  }

  /** After an offer that nobody took: the interaction goes back when no other phone rings for it, and the agent is free again. */
  function back(one: Pending): void {
    const { entry, desk } = one;
    if (entry.state === 'offered' && of(entry).length === 0) {
      floor.wait(entry, nowMs(context));
      interactions.update(entry.interactionId, { state: 'waiting' });
      announcer.queue(entry.queueId);
      ports.returned(entry);
    }
    free(desk);
  }

  function free(desk: Desk): void {
    floor.refresh(desk);
    if (desk.open) tryDesk(desk);
  }

  function avoid({ entry, desk }: Pending): void {
    entry.avoid ??= new Map();
    entry.avoid.set(desk.id, nowMs(context) + AVOID_MS);
  }

  function of(entry: Entry): Pending[] {
    return [...(byEntry.get(entry) ?? [])];
  }

  function tell(one: Pending, why: 'timed-out' | 'taken' | 'gone'): void {
    try {
      context.ports.get(one.offer.channel)?.withdraw(one.offer.id, why);
    } catch (error) {
      log.error({ offer: one.offer.id, error: messageOf(error) }, 'the channel could not withdraw an offer');
    }
  }

  function told({ id: offerId, agentId, interactionId }: Offer): void {
    bus.publish({ type: 'offer.changed', offerId, agentId, interactionId });
  }

  function own(offerId: string, agentId: string): Pending {
    const one = pending.get(offerId);
    if (!one || one.desk.id !== agentId) throw new AppError('not-found', 'offer-unknown', 'This offer is over.');
    if (one.state !== 'pending') throw new AppError('conflict', 'offer-accepted', 'This offer is being accepted.');
    return one;
  }

  /**
   * An agent takes what rings at a colleague's: an offer of their own beside it, so that the first who answers has it and
   * nothing is counted twice. The channel connects them and then says accepted, or failed.
   */
  function pickUp(interactionId: string, fromAgentId: string, desk: Desk): { offer: Offer; outcome: OfferOutcome } {
    const entry = floor.entries.get(interactionId);
    const theirs = entry && of(entry).find((one) => one.desk.id === fromAgentId && one.state === 'pending');
    if (!entry || !theirs || entry.state !== 'offered')
      throw new AppError('not-found', 'nothing-rings', 'Nothing rings there any more.');
    if (desk.offer) throw new AppError('conflict', 'offered', 'Your own phone rings: take that call first.');
    const one = make(entry, desk);
    one.stopTimer(); // the channel says when their phone has rung for long enough
    interactions.event(interactionId, 'picked-up', { by: desk.id, from: fromAgentId }).catch(() => {});
    return {
      offer: one.offer,
      outcome: {
        accepted: () => accepted(one),
        // Who wanted to take it and did not is not to blame: it rings on where it rang, or goes back.
        failed() {
          if (one.state !== 'pending') return;
          conclude(one, 'withdrawn');
          back(one);
        },
      },
    };
  }

  return {
    tryEntry,
    tryDesk,
    pickUp,
    free,
    gone,
    /** The agent pressed accept on screen. */
    async accept(offerId: string, agentId: string): Promise<void> {
      const one = own(offerId, agentId);
      await context.ports.get(one.offer.channel)!.accept(offerId);
    },
    /** A person hands it to this agent, past the line and whether ready or not: who else is asked for it stops ringing. */
    pull(entry: Entry, desk: Desk): void {
      const rang = of(entry);
      for (const one of rang) {
        tell(one, 'taken');
        conclude(one, 'withdrawn');
      }
      propose(entry, [desk], true);
      for (const one of rang) free(one.desk);
    },
    decline(offerId: string, agentId: string): void {
      const one = own(offerId, agentId);
      tell(one, 'gone');
      failed(one, 'declined');
    },
    /** The agent is not to be asked any more (not ready, dialling out): the interaction goes back to its place, nobody is blamed. */
    withdrawFrom(desk: Desk): void {
      const one = desk.offer && pending.get(desk.offer.id);
      if (one?.state !== 'pending') return;
      tell(one, 'gone');
      conclude(one, 'withdrawn');
      back(one);
    },
    /** Leadership is gone: nothing of this process rings any more, and nothing is written about it. */
    forget(): void {
      for (const one of [...pending.values()]) {
        if (one.state === 'pending') tell(one, 'gone');
        over(one);
      }
    },
    of: (entry: Entry): readonly Offer[] => of(entry).map(({ offer }) => offer),
    count: () => pending.size,
  };
}
