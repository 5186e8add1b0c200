import type { QueueExit } from '#appliance/routing/index.ts';
import type { VoiceDeps } from './deps.ts';
import type { Transfers } from './transfers.ts';
import type { VoiceCall } from './voice-call.ts';
import type { Voicemail } from './voicemail.ts';
import type { WaitingRoom } from './waiting-room.ts';

export type QueueExits = ReturnType<typeof createQueueExits>;

/** What becomes of a caller whose wait ended without an agent, by the queue's own rules. */
export function createQueueExits(
  deps: VoiceDeps,
  parts: { transfers: Transfers; voicemail: Voicemail; waitingRoom: WaitingRoom },
) {
  const { flows, sounds } = deps;
  const { transfers, voicemail, waitingRoom } = parts;

  async function take(call: VoiceCall, exit: QueueExit): Promise<void> {
    switch (exit.to) {
      case 'queue':
        await waitingRoom.receive(call, { queueId: exit.queueId });
        return;
      case 'voicemail':
        return message(call);
      case 'callback':
        // Who hides the number cannot be called back, but can say how.
        if (!/^\+?[0-9]{3,}$/.test(call.party.number)) return message(call);
        await voicemail.promiseCallback(call, { queueId: call.queueId!, number: call.party.number });
        return goodbye(call, 'callback-confirmed');
      case 'number': {
        const end = await transfers.toOutside(call, { kind: 'number', number: exit.number });
        if (end !== 'connected') return goodbye(call);
        return;
      }
      case 'flow':
        call.enter('flow');
        return flows.start(exit.flowId, call);
      case 'hang-up':
        return goodbye(call);
    }
  }

  async function message(call: VoiceCall): Promise<void> {
    const end = await voicemail.take(call, { queueId: call.queueId });
    await goodbye(call, end === 'recorded' ? 'voicemail-thanks' : 'goodbye');
  }

  async function goodbye(call: VoiceCall, last: Parameters<typeof sounds.prompt>[0] = 'goodbye'): Promise<void> {
    if (call.customer.state === 'ended') return;
    await call.customer.play(sounds.prompt(last, call.facts.language)).done;
    call.customer.hangup({ q850: 16 });
  }

  return { take, goodbye };
}
