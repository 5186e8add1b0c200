import type { Commands } from '#appliance/contract/bus.ts';
import { AppError } from '#appliance/kernel/errors.ts';
import type { Consultations } from './consultations.ts';
import type { VoiceDeps } from './deps.ts';
import type { Dialing } from './dialing.ts';
import type { Monitoring } from './monitoring.ts';
import type { Rejoining } from './rejoining.ts';
import { recorded, type Talks } from './talks.ts';
import type { Transfers } from './transfers.ts';
import type { VoiceCall } from './voice-call.ts';

type Control = Commands['call.control']['in'];

/** What screens may ask of a call. An agent commands the calls they are on; supervisors any. */
export function handleCommands(
  deps: VoiceDeps,
  parts: {
    talks: Talks;
    transfers: Transfers;
    consultations: Consultations;
    monitoring: Monitoring;
    dialing: Dialing;
    rejoining: Rejoining;
  },
): () => void {
  const { bus, registry, recorder, interactions } = deps;
  const { talks, transfers, consultations, monitoring, dialing, rejoining } = parts;

  async function control(input: Control): Promise<Commands['call.control']['out']> {
    const call = registry.get(input.interactionId);
    if (!call) throw new AppError('not-found', 'call-unknown', 'This call is over');
    if (!input.supervisor && !call.agentIds.includes(input.actorId))
      throw new AppError('forbidden', 'not-your-call', 'You are not on this call');
    await act(call, input);
    return { call: call.view(input.actorId) };
  }

  async function act(call: VoiceCall, { action, actorId }: Control): Promise<void> {
    switch (action.do) {
      case 'hold':
        return talks.hold(call);
      case 'resume':
        return talks.resume(call);
      case 'mute':
        return talks.mute(call, action.muted);
      case 'hangup':
        return hangUp(call);
      case 'dtmf':
        await interactions.event(call.id, 'digits-sent', { count: action.digits.length });
        return call.customer.sendDigits(action.digits);
      case 'transfer':
        return transfers.blind(call, action.to);
      case 'consult':
        return consultations.start(call, action.to);
      case 'consult-complete':
        return consultations.complete(call);
      case 'consult-cancel':
        return consultations.cancel(call);
      case 'conference':
        return consultations.conference(call);
      case 'ring-me':
        return rejoining.ring(call, actorId);
      case 'record':
        call.recording = await recorder.control(recorded(call), action.mode, 'agent');
        if (action.mode === 'start' && call.agent) await recorder.join(call.id, call.agent.leg, call.agent.id);
        return call.changed();
      case 'monitor':
        if (action.mode === 'stop') return monitoring.stop(call, actorId);
        if (action.mode === 'takeover') return monitoring.takeOver(call, actorId);
        return monitoring.set(call, actorId, action.mode);
    }
  }

  /** The customer's leg ends first: everything else follows from that. */
  async function hangUp(call: VoiceCall): Promise<void> {
    await interactions.event(call.id, 'hung-up-by-agent', {});
    call.customer.hangup({ q850: 16 });
  }

  const stops = [
    bus.handle('voice', 'call.control', control),
    bus.handle('voice', 'call.dial', async (request) => ({ interactionId: await dialing.fromScreen(request) })),
  ];
  return () => {
    for (const stop of stops) stop();
  };
}
