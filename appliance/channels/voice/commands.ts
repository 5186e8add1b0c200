import type { Commands } from '#appliance/contract/bus.ts';
import { AppError } from '#appliance/kernel/errors.ts';
import type { Consultations } from './consultations.ts';
import type { VoiceDeps } from './deps.ts';
import type { Dialing } from './dialing.ts';
import type { Monitoring } from './monitoring.ts';
import type { Parking } from './parking.ts';
import type { PickUps } from './pickups.ts';
import type { Rejoining } from './rejoining.ts';
import type { SecureEntries } from './secure-entries.ts';
import { recorded, type Talks } from './talks.ts';
import type { Transfers } from './transfers.ts';
import type { VoiceCall } from './voice-call.ts';

type Control = Commands['call.control']['in'];

const DURING_ENTRY: ReadonlySet<string> = new Set(['hangup', 'mute', 'ring-me', 'secure-entry-cancel']);

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
    parking: Parking;
    pickUps: PickUps;
    entries: SecureEntries;
  },
): () => void {
  const { bus, registry, recorder, interactions, flows } = deps;
  const { talks, transfers, consultations, monitoring, dialing, rejoining, parking, pickUps, entries } = parts;

  async function control(input: Control): Promise<Commands['call.control']['out']> {
    const call = mine(input);
    // Whom the agent asked, or who is in the conference, may leave; the customer is the agent's.
    if (call.agent?.id !== input.actorId && call.agentIds.includes(input.actorId) && !input.supervisor) {
      if (input.action.do !== 'hangup')
        throw new AppError('forbidden', 'not-your-customer', 'The colleague who asked you has this customer');
      const guest = [call.third, ...call.guests].find((one) => one?.agentId === input.actorId);
      if (guest) await consultations.removeParty(call, guest.id);
      return { call: null };
    }
    // Nothing may join, lead elsewhere or record what is being entered.
    if (call.stage === 'secure' && !DURING_ENTRY.has(input.action.do))
      throw new AppError('conflict', 'secure-entry', 'The customer is entering digits: wait, or call it off first');
    await act(call, input);
    return { call: call.view(input.actorId) };
  }

  function mine({ interactionId, actorId, supervisor }: Pick<Control, 'interactionId' | 'actorId' | 'supervisor'>) {
    const call = registry.about(interactionId);
    if (!call) throw new AppError('not-found', 'call-unknown', 'This call is over');
    if (!supervisor && !call.agentIds.includes(actorId))
      throw new AppError('forbidden', 'not-your-call', 'You are not on this call');
    return call;
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
      case 'remove-party':
        return consultations.removeParty(call, action.partyId);
      case 'secure-entry':
        return entries.start(call, action.flowId);
      case 'secure-entry-cancel':
        return entries.cancel(call);
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
    bus.handle('voice', 'call.park', (input) => parking.park(mine(input))),
    bus.handle('voice', 'call.pick-up', async ({ agentId, supervisor, from }) =>
      'slot' in from ? parking.fromScreen(from.slot, agentId) : pickUps.fromScreen(from, agentId, supervisor),
    ),
    bus.handle('voice', 'live.calls', async ({ agentId, supervisor }) => [
      ...parking.list(),
      ...pickUps.list(agentId, supervisor),
    ]),
    bus.handle('voice', 'call.secure-entries', async () => flows.entries()),
    bus.handle('voice', 'call.dial', async (request) => ({ interactionId: await dialing.fromScreen(request) })),
  ];
  return () => {
    for (const stop of stops) stop();
  };
}
