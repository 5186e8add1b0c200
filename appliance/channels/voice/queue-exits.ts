import type { QueueExit } from '#appliance/routing/index.ts';
import type { VoiceDeps } from './deps.ts';
import type { Queueing } from './queueing.ts';
import type { Talks } from './talks.ts';
import type { Transfers } from './transfers.ts';
import type { VoiceCall } from './voice-call.ts';
import type { Voicemail } from './voicemail.ts';

export type QueueExits = ReturnType<typeof createQueueExits>;

/** What becomes of a caller whose wait ended without an agent, by the queue's own rules. */
export function createQueueExits(
  deps: VoiceDeps,
  parts: { talks: Talks; queueing: Queueing; transfers: Transfers; voicemail: Voicemail },
) {
  const { flows, sounds } = deps;
  const { queueing, transfers, voicemail } = parts;

  async function take(call: VoiceCall, exit: QueueExit): Promise<void> {
    switch (exit.to) {
      case 'queue': {
        const ticket = await queueing.enqueue(call, { queueId: exit.queueId });
        queueing.entertain(call, ticket, { everyS: 30 });
        return;
      }
      case 'voicemail':
        await voicemail.take(call, { queueId: call.queueId });
        return goodbye(call);
      case 'callback':
        await voicemail.promiseCallback(call, { queueId: call.queueId!, number: call.facts.from });
        return goodbye(call);
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

  async function goodbye(call: VoiceCall): Promise<void> {
    if (call.customer.state === 'ended') return;
    await call.customer.play(sounds.prompt('goodbye', call.facts.language)).done;
    call.customer.hangup({ q850: 16 });
  }

  return { take, goodbye };
}
