import type { TransferTarget } from '#appliance/contract/bus.ts';
import { AppError, messageOf } from '#appliance/kernel/errors.ts';
import type { Leg } from '#appliance/telephony/calls/index.ts';
import type { VoiceDeps } from './deps.ts';
import type { Errands } from './errands.ts';
import { RINGS, ringHeader, ringInTurn } from './ring-plan.ts';
import type { Talks } from './talks.ts';
import type { Transfers } from './transfers.ts';
import { type Guest, MOST_PARTIES, type VoiceCall } from './voice-call.ts';

export type Consultations = ReturnType<typeof createConsultations>;

const RING_MS = 30_000;

/**
 * The agent asks somebody while the customer waits with music, or the conference goes on without them; then hands over, comes
 * back, or all talk together. Whom a queue is asked for waits in it as an internal call of its own.
 */
export function createConsultations(
  deps: VoiceDeps,
  { talks, transfers, errands }: { talks: Talks; transfers: Transfers; errands: Errands },
) {
  const { calls, clock, interactions, endpoints, registry, router, sounds } = deps;
  /** What stops asking, by interaction. */
  const asking = new Map<string, () => void>();

  async function start(call: VoiceCall, to: TransferTarget): Promise<void> {
    const agent = talks.agentOf(call);
    if (call.third || call.asking) throw new AppError('conflict', 'consulting', 'A consultation is going on already');
    if (call.guests.length + call.monitors.size + 2 >= MOST_PARTIES)
      throw new AppError('conflict', 'conference-full', `A conference takes ${MOST_PARTIES} parties`);
    const ask = to.kind === 'queue' ? prepareQueue(call, to.queueId) : preparePhone(call, to);
    if (call.guests.length > 0) await stepAside(call);
    else if (call.stage !== 'held') await talks.hold(call);
    call.asking = ask.asked;
    call.enter('consulting');
    if (to.kind !== 'queue') agent.leg.play(sounds.ringback, { loop: true });
    const stops = [call.customer.on('ended', () => stop(call)), agent.leg.on('ended', () => stop(call))];
    const over = () => {
      for (const off of stops.splice(0)) off();
    };
    await ask.begin(over);
  }

  function preparePhone(call: VoiceCall, to: TransferTarget) {
    const agent = talks.agentOf(call);
    const where = transfers.destination(to);
    if (where.agentId === agent.id) throw new AppError('conflict', 'transfer-to-self', 'That is your own phone');
    return {
      asked: { label: where.label, agentId: where.agentId, queue: false },
      async begin(over: () => void): Promise<void> {
        const attempt = ringInTurn(calls, clock, where.stages, {
          from: where.outside ? endpoints.callerId(call.queueId) : endpoints.party(agent.id),
          near: call.customer,
          ringTimeoutMs: RING_MS,
          tag: { interactionId: call.id, role: 'third', agentId: where.agentId ?? null, label: where.label },
          ...(where.outside ? {} : { headers: [ringHeader(RINGS.internal)] }),
        });
        asking.set(call.id, () => attempt.cancel({ q850: 16 }));
        attempt.answered
          .then((leg) => answered(call, { id: leg.id, label: where.label, agentId: where.agentId, leg }))
          .catch((error) => notReached(call, where.label, messageOf(error)))
          .catch((error) => talks.failed(call, error))
          .finally(over);
      },
    };
  }

  /** An internal call waits in the queue; the agent hears its music until one of its agents is there. */
  function prepareQueue(call: VoiceCall, queueId: string) {
    const agent = talks.agentOf(call);
    const queue = router.queue(queueId);
    if (!queue?.active) throw new AppError('not-found', 'queue-unknown', 'There is no such queue');
    const { name } = queue;
    return {
      asked: { label: name, agentId: undefined, queue: true },
      async begin(over: () => void): Promise<void> {
        const from = endpoints.party(agent.id);
        const row = await interactions.open({
          channel: 'voice',
          direction: 'internal',
          from: from.number,
          to: name,
          queueId,
          state: 'waiting',
        });
        const gone = () => {
          errands.delete(row.id);
          over();
        };
        const release = async (): Promise<void> => {
          gone();
          await router.remove(row.id, 'abandoned');
          await interactions.end(row.id, { reason: 'consultation-ended' }).catch(() => {});
        };
        errands.set(row.id, {
          from,
          near: agent.leg,
          async found(agentId, leg) {
            gone();
            await answered(call, {
              id: leg.id,
              label: `${deps.agents.get(agentId)?.name ?? name}`,
              agentId,
              leg,
              errand: row.id,
            });
          },
          left() {
            gone();
            void interactions.end(row.id, { reason: 'not-reached' }).catch(() => {});
            void notReached(call, name, 'Nobody of the queue is there').catch((error) => talks.failed(call, error));
          },
        });
        registry.alias(row.id, call);
        asking.set(call.id, () => void release().catch((error) => talks.failed(call, error)));
        await interactions.event(row.id, 'consultation-for', { interactionId: call.id, by: agent.id });
        agent.leg.play(sounds.music(queueId), { loop: true });
        // The customer hung up, or the agent thought better of it, while the books were written.
        if (call.stage !== 'consulting' || !asking.has(call.id)) return release();
        try {
          await router.enqueue({
            interactionId: row.id,
            queueId,
            channel: 'voice',
            from: from.number,
            avoidAgentId: agent.id,
          });
        } catch (error) {
          await release();
          await notReached(call, name, messageOf(error));
        }
      },
    };
  }

  async function answered(call: VoiceCall, third: Guest): Promise<void> {
    const { leg } = third;
    asking.delete(call.id);
    if (call.stage !== 'consulting' || !call.agent || leg.state === 'ended') {
      leg.hangup({ q850: 16 });
      return talks.left(call, third);
    }
    call.asking = undefined;
    call.third = third;
    leg.saveTag({ interactionId: call.id, role: 'third', agentId: third.agentId ?? null, label: third.label });
    call.joined(leg, 'third');
    interactions.startSegment(call.id, { kind: 'consult', agentId: third.agentId ?? call.agent.id });
    // Who is asked is busy: nothing is offered to them meanwhile.
    if (third.agentId && !third.errand) router.engage(third.agentId, call.id, 'voice', {});
    follow(call, third);
    await calls.bridge(call.agent.leg, leg);
    call.changed();
  }

  /** Their hanging up ends the consultation, or they leave the conference. */
  function follow(call: VoiceCall, third: Guest): void {
    third.leg.on('ended', () => {
      if (call.third === third) void cancel(call).catch((error) => talks.failed(call, error));
      else if (call.guests.includes(third)) void remove(call, third).catch((error) => talks.failed(call, error));
    });
  }

  async function notReached(call: VoiceCall, label: string, why: string): Promise<void> {
    asking.delete(call.id);
    await interactions.event(call.id, 'consultation-failed', { to: label, why });
    if (call.stage === 'consulting') await comeBack(call);
  }

  function stop(call: VoiceCall): void {
    const off = asking.get(call.id);
    asking.delete(call.id);
    off?.();
  }

  /** Back to the customer; the third party is released. */
  async function cancel(call: VoiceCall): Promise<void> {
    const third = call.third;
    call.third = undefined;
    stop(call);
    third?.leg.hangup({ q850: 16 });
    await endSegment(call);
    if (third) await talks.left(call, third);
    if (call.stage === 'consulting') await comeBack(call);
  }

  async function comeBack(call: VoiceCall): Promise<void> {
    call.asking = undefined;
    if (call.customer.state === 'ended' || !call.agent) return;
    if (call.guests.length > 0) {
      await talks.join(call);
      call.enter('conference');
      return;
    }
    call.enter('held');
    await talks.resume(call);
  }

  /** Attended transfer. */
  async function complete(call: VoiceCall): Promise<void> {
    need(call);
    await endSegment(call);
    await talks.handOver(call);
  }

  /** Customer, agent, whoever is there already, and the third party hear each other. */
  async function conference(call: VoiceCall): Promise<void> {
    const third = need(call);
    const agent = talks.agentOf(call);
    call.third = undefined;
    call.guests.push(third);
    third.leg.saveTag({ interactionId: call.id, role: 'guest', agentId: third.agentId ?? null, label: third.label });
    await endSegment(call);
    // They waited with music; a mix alone does not end that.
    await call.customer.resume();
    await talks.join(call);
    if (call.guests.length === 1)
      interactions.startSegment(call.id, { kind: 'agent', agentId: agent.id, queueId: call.queueId });
    await interactions.event(call.id, 'conference', { with: third.label, parties: call.guests.length + 2 });
    call.enter('conference');
  }

  /** The agent leaves the conference for a moment; the others talk on. */
  async function stepAside(call: VoiceCall): Promise<void> {
    const others: Leg[] = call.guests.map(({ leg }) => leg);
    if (others.length === 1) await calls.bridge(call.customer, others[0]!);
    else
      await calls.mix(
        call.id,
        [call.customer, ...others].map((leg) => ({ leg })),
      );
  }

  /** Out of the conference. */
  async function remove(call: VoiceCall, guest: Guest): Promise<void> {
    const index = call.guests.indexOf(guest);
    if (index < 0) return;
    call.guests.splice(index, 1);
    guest.leg.hangup({ q850: 16 });
    await interactions.event(call.id, 'left-conference', { who: guest.label });
    await talks.left(call, guest);
    if (call.stage !== 'conference') return call.changed();
    await talks.join(call);
    call.enter(call.guests.length > 0 ? 'conference' : 'talking');
  }

  async function removeParty(call: VoiceCall, partyId: string): Promise<void> {
    const guest = call.guests.find(({ id }) => id === partyId);
    if (guest) return remove(call, guest);
    if (call.third?.id === partyId || (partyId === 'asked' && call.asking)) return cancel(call);
    throw new AppError('not-found', 'party-unknown', 'They are not on this call');
  }

  function need(call: VoiceCall): Guest {
    if (!call.third) throw new AppError('conflict', 'no-consultation', 'Nobody has answered a consultation');
    return call.third;
  }

  async function endSegment(call: VoiceCall): Promise<void> {
    for (const { id, kind } of interactions.openSegments(call.id))
      if (kind === 'consult') await interactions.endSegment(id, 'completed');
  }

  return { start, cancel, complete, conference, removeParty, remove, follow };
}
