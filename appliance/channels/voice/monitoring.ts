import { AppError } from '#appliance/kernel/errors.ts';
import type { VoiceDeps } from './deps.ts';
import type { Talks } from './talks.ts';
import { MOST_PARTIES, type VoiceCall } from './voice-call.ts';

export type Monitoring = ReturnType<typeof createMonitoring>;
export type MonitorMode = 'listen' | 'whisper' | 'barge';

/** Supervisors on a live call: who hears whom is a mix; the customer's phone notices nothing but the voice. */
export function createMonitoring(deps: VoiceDeps, { talks }: { talks: Talks }) {
  const { calls, interactions, endpoints } = deps;

  async function set(call: VoiceCall, supervisorId: string, mode: MonitorMode): Promise<void> {
    const agent = talks.agentOf(call);
    if (call.stage !== 'talking' && call.stage !== 'conference')
      throw new AppError('conflict', 'not-talking', 'There is no conversation to listen to now');
    const known = call.monitors.get(supervisorId);
    if (known) {
      known.mode = mode;
    } else {
      if (call.guests.length + call.monitors.size + 2 >= MOST_PARTIES)
        throw new AppError('conflict', 'conference-full', `A call takes ${MOST_PARTIES} parties`);
      const targets = endpoints.targets(supervisorId);
      if (targets.length === 0) throw new AppError('conflict', 'no-phone', 'You have no phone that could ring');
      const leg = await calls.dial(targets, {
        from: { number: call.party.number, name: `Monitor ${call.party.number}` },
        near: call.customer,
        ringTimeoutMs: 20_000,
        tag: { interactionId: call.id, role: 'monitor', agentId: supervisorId },
      }).answered;
      if (!call.agent || call.customer.state === 'ended') {
        leg.hangup({ q850: 16 });
        throw new AppError('conflict', 'call-over', 'The call ended before you answered');
      }
      call.monitors.set(supervisorId, { leg, mode });
      call.joined(leg, 'monitor');
      leg.on('ended', () => {
        if (call.monitors.delete(supervisorId)) void apply(call).catch((error) => talks.failed(call, error));
      });
    }
    await interactions.event(call.id, 'monitored', { by: supervisorId, mode, agentId: agent.id });
    await apply(call);
  }

  async function stop(call: VoiceCall, supervisorId: string): Promise<void> {
    const monitor = call.monitors.get(supervisorId);
    if (!monitor) return;
    call.monitors.delete(supervisorId);
    monitor.leg.hangup({ q850: 16 });
    await interactions.event(call.id, 'monitored', { by: supervisorId, mode: 'stop' });
    await apply(call);
  }

  /** The supervisor takes the customer; the agent is released to wrap up. */
  async function takeOver(call: VoiceCall, supervisorId: string): Promise<void> {
    if (!call.monitors.has(supervisorId)) await set(call, supervisorId, 'listen');
    const monitor = call.monitors.get(supervisorId)!;
    call.monitors.delete(supervisorId);
    await interactions.event(call.id, 'taken-over', { by: supervisorId, from: call.agent?.id ?? null });
    call.third = { id: monitor.leg.id, label: supervisorId, agentId: supervisorId, leg: monitor.leg };
    await talks.handOver(call);
  }

  /** Routes the audio as the monitors' modes say; while the customer is elsewhere (hold, consultation) nobody is joined. */
  async function apply(call: VoiceCall): Promise<void> {
    if (call.agent && (call.stage === 'talking' || call.stage === 'conference')) await talks.join(call);
  }

  return { set, stop, takeOver, apply };
}
