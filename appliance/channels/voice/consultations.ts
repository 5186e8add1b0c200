import type { TransferTarget } from '#appliance/contract/bus.ts';
import { AppError, messageOf } from '#appliance/kernel/errors.ts';
import type { Ringing } from '#appliance/telephony/calls/index.ts';
import type { VoiceDeps } from './deps.ts';
import type { Talks } from './talks.ts';
import type { Transfers } from './transfers.ts';
import type { VoiceCall } from './voice-call.ts';

export type Consultations = ReturnType<typeof createConsultations>;

/** The agent asks somebody while the customer waits with music; then hands over, comes back, or all talk together. */
export function createConsultations(deps: VoiceDeps, { talks, transfers }: { talks: Talks; transfers: Transfers }) {
  const { calls, interactions, endpoints, sounds } = deps;
  const segments = new Map<string, string>();
  /** Phones that ring for a consultation, by interaction. */
  const ringing = new Map<string, Ringing>();

  async function start(call: VoiceCall, to: TransferTarget): Promise<void> {
    const agent = talks.agentOf(call);
    if (call.third) throw new AppError('conflict', 'consulting', 'A consultation is going on already');
    const where = transfers.destination(to);
    if (call.stage !== 'held') await talks.hold(call);
    call.asking = where.label;
    call.enter('consulting');
    agent.leg.play(sounds.ringback, { loop: true });
    const attempt = calls.dial(where.targets, {
      from: endpoints.party(agent.id),
      near: call.customer,
      ringTimeoutMs: 30_000,
      tag: { interactionId: call.id, role: 'third', agentId: where.agentId ?? null },
    });
    ringing.set(call.id, attempt);
    const stop = [call.customer.on('ended', () => attempt.cancel()), agent.leg.on('ended', () => attempt.cancel())];
    attempt.answered
      .then(async (leg) => {
        if (call.stage !== 'consulting') return leg.hangup({ q850: 16 });
        call.asking = undefined;
        call.third = { label: where.label, agentId: where.agentId, leg };
        call.joined(leg, 'third');
        const segment = interactions.startSegment(call.id, { kind: 'consult', agentId: where.agentId ?? agent.id });
        segments.set(call.id, segment.id);
        leg.on('ended', () => {
          if (call.third?.leg === leg) void cancel(call).catch((error) => talks.failed(call, error));
        });
        await calls.bridge(agent.leg, leg);
        call.changed();
      })
      .catch(async (error) => {
        await interactions.event(call.id, 'consultation-failed', { to: where.label, why: messageOf(error) });
        if (call.stage === 'consulting') await comeBack(call);
      })
      .catch((error) => talks.failed(call, error))
      .finally(() => {
        if (ringing.get(call.id) === attempt) ringing.delete(call.id);
        for (const off of stop) off();
      });
  }

  /** Back to the customer; the third party is released. */
  async function cancel(call: VoiceCall): Promise<void> {
    const third = call.third;
    call.third = undefined;
    ringing.get(call.id)?.cancel({ q850: 16 });
    third?.leg.hangup({ q850: 16 });
    await endSegment(call);
    if (call.stage === 'consulting' || call.stage === 'conference') await comeBack(call);
  }

  async function comeBack(call: VoiceCall): Promise<void> {
    call.asking = undefined;
    if (call.customer.state === 'ended' || !call.agent) return;
    call.enter('held');
    await talks.resume(call);
  }

  /** Attended transfer. */
  async function complete(call: VoiceCall): Promise<void> {
    need(call);
    await endSegment(call);
    await talks.handOver(call);
  }

  /** Customer, agent and third party hear each other. */
  async function conference(call: VoiceCall): Promise<void> {
    const third = need(call);
    const agent = talks.agentOf(call);
    // They waited with music; a mix alone does not end that.
    await call.customer.resume();
    await calls.mix(call.id, [{ leg: call.customer }, { leg: agent.leg }, { leg: third.leg }]);
    interactions.startSegment(call.id, { kind: 'agent', agentId: agent.id, queueId: call.queueId });
    await interactions.event(call.id, 'conference', { with: third.label });
    call.enter('conference');
  }

  function need(call: VoiceCall): NonNullable<VoiceCall['third']> {
    if (!call.third) throw new AppError('conflict', 'no-consultation', 'Nobody has answered a consultation');
    return call.third;
  }

  async function endSegment(call: VoiceCall): Promise<void> {
    const id = segments.get(call.id);
    segments.delete(call.id);
    if (id) await interactions.endSegment(id, 'completed');
  }

  return { start, cancel, complete, conference };
}
