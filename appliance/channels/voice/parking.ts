import type { CallToTake } from '#appliance/contract/calls.ts';
import { AppError } from '#appliance/kernel/errors.ts';
import { DialFailed, type Leg, type Ringing } from '#appliance/telephony/calls/index.ts';
import type { VoiceDeps } from './deps.ts';
import { SLOTS } from './features.ts';
import type { Mailbox } from './mailbox.ts';
import type { PickUps } from './pickups.ts';
import { RINGS, ringHeader, ringInTurn } from './ring-plan.ts';
import type { Talks } from './talks.ts';
import type { Transfers } from './transfers.ts';
import type { VoiceCall } from './voice-call.ts';

export type Parking = ReturnType<typeof createParking>;

/** So long a parked customer waits before whoever parked them is asked again. */
const BACK_AFTER_MS = 120_000;
const RING_MS = 20_000;

/** Parked customers: in a slot that everybody sees, with music, until somebody picks them up or the slot's time is over. */
export function createParking(
  deps: VoiceDeps,
  { talks, transfers, mailbox, pickUps }: { talks: Talks; transfers: Transfers; mailbox: Mailbox; pickUps: PickUps },
) {
  const { agents, bus, calls, clock, endpoints, interactions, router, sounds } = deps;
  const slots = new Map<string, { call: VoiceCall; stop: () => void; taker: Ringing | 'phone' | undefined }>();

  /** The agent is free at once, without a wrap-up: the work is not done. */
  async function park(call: VoiceCall): Promise<{ slot: string; backAt: string }> {
    const agent = talks.agentOf(call);
    if ((call.stage !== 'talking' && call.stage !== 'held') || call.guests.length > 0)
      throw new AppError('conflict', 'not-talking', 'Only a conversation, or a customer on hold, can be parked');
    const slot = SLOTS.find((one) => !slots.has(one));
    if (!slot) throw new AppError('conflict', 'no-slot-free', 'All slots are taken');
    const since = clock.now();
    call.parked = { slot, by: agent.id, since, backAt: new Date(since.getTime() + BACK_AFTER_MS) };
    slots.set(slot, { call, stop: () => {}, taker: undefined });
    try {
      await call.customer.hold(sounds.music(call.queueId));
      await calls.unbridge(call.customer);
      interactions.startSegment(call.id, { kind: 'parked', queueId: call.queueId });
    } catch (error) {
      slots.delete(slot);
      call.parked = undefined;
      throw error;
    }
    call.enter('parked');
    keep(call);
    await interactions.event(call.id, 'parked', { slot, by: agent.id });
    await talks.releaseAgent(call, agent, { wrapUp: false });
    return { slot, backAt: call.parked.backAt.toISOString() };
  }

  /** The slot is this customer's until they leave it; also after a restart. */
  function keep(call: VoiceCall): void {
    const { slot, backAt } = call.parked!;
    const off = call.customer.on('ended', () => free(call));
    const timer = clock.after(Math.max(0, backAt.getTime() - clock.now().getTime()), () => {
      void back(call).catch((error) => talks.failed(call, error));
    });
    slots.set(slot, {
      call,
      taker: undefined,
      stop: () => {
        off();
        timer();
      },
    });
    changed(slot);
  }

  function free(call: VoiceCall): void {
    const { slot } = call.parked ?? {};
    const entry = slot === undefined ? undefined : slots.get(slot);
    if (!slot || entry?.call !== call) return;
    slots.delete(slot);
    entry.stop();
    call.parked = undefined;
    if (typeof entry.taker === 'object') entry.taker.cancel({ q850: 16 });
    changed(slot);
  }

  function changed(slot: string): void {
    bus.publish({ type: 'parked.changed', slot });
  }

  /** Out of the slot, to this agent. */
  async function connect(call: VoiceCall, agentId: string, leg: Leg, how: Record<string, unknown>): Promise<void> {
    const slot = call.parked?.slot;
    free(call);
    interactions.startSegment(call.id, { kind: 'agent', agentId, queueId: call.queueId });
    router.engage(agentId, call.id, 'voice', { queueId: call.queueId });
    await interactions.event(call.id, 'unparked', { slot, by: agentId, ...how });
    await call.customer.resume();
    await talks.connect(call, agentId, leg);
  }

  function inSlot(slot: string) {
    const entry = slots.get(slot);
    if (entry?.call.stage !== 'parked') throw empty(slot);
    if (entry.taker) throw new AppError('conflict', 'being-picked-up', 'A colleague is just picking them up');
    return entry;
  }

  /** A desk phone dialled the slot. */
  async function fromPhone(slot: string, agentId: string, leg: Leg): Promise<void> {
    const entry = inSlot(slot);
    entry.taker = 'phone';
    try {
      await leg.answer();
      if (slots.get(slot) !== entry) throw empty(slot);
      await connect(entry.call, agentId, leg, {});
    } finally {
      entry.taker = undefined;
    }
  }

  /** My phone rings; picking up takes the customer. Resolves while it rings. */
  function fromScreen(slot: string, agentId: string): { interactionId: string } {
    const entry = inSlot(slot);
    const { call } = entry;
    const targets = endpoints.targets(agentId);
    if (targets.length === 0) throw new AppError('conflict', 'no-phone', 'You have no phone that could ring');
    const attempt = calls.dial(targets, {
      from: call.party,
      near: call.customer,
      ringTimeoutMs: RING_MS,
      tag: { interactionId: call.id, role: 'picking-up', agentId },
      headers: [['X-Interaction', call.id], ringHeader(RINGS.own)],
    });
    entry.taker = attempt;
    attempt.answered
      .then(async (leg) => {
        if (slots.get(slot) !== entry || call.customer.state === 'ended') return leg.hangup({ q850: 16 });
        entry.taker = undefined;
        await connect(call, agentId, leg, {});
      })
      .catch((error: unknown) => {
        entry.taker = undefined;
        if (!(error instanceof DialFailed)) talks.failed(call, error);
        // Its time may have been over meanwhile.
        else if (slots.get(slot) === entry && call.parked && call.parked.backAt <= clock.now())
          void back(call).catch((failure) => talks.failed(call, failure));
      });
    return { interactionId: call.id };
  }

  /** Nobody picked them up: whoever parked them is rung; gone or busy, the customer is next in the queue they came from. */
  async function back(call: VoiceCall): Promise<void> {
    const { parked } = call;
    const entry = parked && slots.get(parked.slot);
    if (!parked || !entry || call.stage !== 'parked' || entry.taker) return;
    const agent = agents.get(parked.by);
    const turns = endpoints.turns(parked.by);
    // A call of a queue is for people at work; any other is for that person, wherever they are.
    const there = call.queueId === null || router.presence(parked.by) !== 'offline';
    if (agent?.active && there && !router.isBusy(parked.by) && turns.length > 0) {
      const attempt = ringInTurn(calls, clock, turns, {
        from: { ...call.party, name: `Parked ${parked.slot}` },
        near: call.customer,
        ringTimeoutMs: RING_MS,
        tag: { interactionId: call.id, role: 'picking-up', agentId: parked.by },
        headers: [['X-Interaction', call.id], ringHeader(RINGS.internal)],
      });
      // It stays in its slot: a colleague may still take it there, and then this stops ringing.
      const off = call.customer.on('ended', () => attempt.cancel({ q850: 16 }));
      const gone = presentBack(call, attempt, parked.by);
      try {
        const leg = await attempt.answered;
        if (call.parked !== parked) leg.hangup({ q850: 26 });
        else await connect(call, parked.by, leg, { back: true });
        return;
      } catch (error) {
        if (!(error instanceof DialFailed)) throw error;
      } finally {
        off();
        gone();
      }
    }
    if (call.parked !== parked || call.customer.state === 'ended' || entry.taker) return;
    free(call);
    await interactions.event(call.id, 'unparked', {
      slot: parked.slot,
      back: true,
      to: call.queueId ? 'queue' : 'voicemail',
    });
    await call.customer.resume();
    if (call.queueId) await transfers.back(call, call.queueId, parked.by);
    else await mailbox.leave(call, parked.by);
  }

  function presentBack(call: VoiceCall, attempt: Ringing, agentId: string): () => void {
    const stopped = pickUps.present({
      interactionId: call.id,
      agentId,
      from: call.party,
      customer: call.facts.customer,
      queueId: call.queueId,
      near: call.customer,
      legs: () => attempt.legs,
      take: (by) => ({
        async accepted(leg) {
          if (!call.parked || call.customer.state === 'ended') return false;
          await connect(call, by, leg, {});
          attempt.cancel({ q850: 26, text: 'Call completed elsewhere' });
          return true;
        },
        failed() {},
        watch() {},
      }),
    });
    const unwatch = call.events.on('changed', () => {
      if (!call.parked) attempt.cancel({ q850: 26, text: 'Call completed elsewhere' });
    });
    return () => {
      stopped();
      unwatch();
    };
  }

  return {
    park,
    fromPhone,
    fromScreen,
    /** After a restart: music goes on, and so does the time. */
    async adopt(call: VoiceCall): Promise<void> {
      await call.customer.hold(sounds.music(call.queueId));
      keep(call);
    },
    list(): Extract<CallToTake, { kind: 'parked' }>[] {
      return [...slots.values()]
        .filter(({ call }) => call.parked && call.stage === 'parked')
        .map(({ call }) => {
          const { slot, by, since, backAt } = call.parked!;
          return {
            kind: 'parked',
            id: slot,
            slot,
            interactionId: call.id,
            from: call.party.number,
            customer: call.facts.customer,
            queueId: call.queueId,
            queueName: call.queueId ? (router.queue(call.queueId)?.name ?? null) : null,
            parkedBy: { id: by, name: agents.get(by)?.name ?? '' },
            since: since.toISOString(),
            backAt: backAt.toISOString(),
          };
        });
    },
  };
}

function empty(slot: string): AppError {
  return new AppError('not-found', 'slot-empty', `Nobody is parked in ${slot}`);
}
