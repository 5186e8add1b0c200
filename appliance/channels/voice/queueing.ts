import { messageOf } from '#appliance/kernel/errors.ts';
import type { VoiceDeps } from './deps.ts';
import type { QueueOutcome } from './ports.ts';
import type { VoiceCall } from './voice-call.ts';

export interface QueueRequest {
  queueId: string;
  priority?: number;
  skills?: { skillId: string; minLevel: number }[];
  preferredAgentId?: string;
  /** Has just handed the caller on. */
  avoidAgentId?: string;
}

/** One wait in a queue. `outcome` never rejects. */
export interface QueueTicket {
  readonly outcome: Promise<QueueOutcome>;
  position(): { position: number; estimatedWaitS: number | null } | undefined;
  /** Takes the caller out. False when an agent was faster: then await `outcome`. */
  leave(why: 'voicemail' | 'callback' | 'flow'): Promise<boolean>;
}

export type Queueing = ReturnType<typeof createQueueing>;

/** Calls in queues, from this channel's side: who waits here and what became of them. */
export function createQueueing({ router, log }: VoiceDeps) {
  const waits = new Map<string, (outcome: QueueOutcome) => void>();

  function settle(interactionId: string, outcome: QueueOutcome): void {
    const done = waits.get(interactionId);
    waits.delete(interactionId);
    done?.(outcome);
  }

  /** The ticket of a call that waits; with `resumed` it waits there already (after a restart). */
  async function enqueue(call: VoiceCall, request: QueueRequest, resumed = false): Promise<QueueTicket> {
    const outcome = new Promise<QueueOutcome>((resolve) => {
      waits.set(call.id, resolve);
    });
    call.queueId = request.queueId;
    if (!resumed) {
      if (await call.confirmed()) call.enter('waiting');
      else settle(call.id, { end: 'left', to: 'gone' });
    }
    if (waits.has(call.id) && !(resumed && router.position(call.id))) {
      try {
        await router.enqueue({
          interactionId: call.id,
          channel: 'voice',
          from: call.party.number,
          customer: call.facts.customer,
          ...request,
        });
      } catch (error) {
        log.warn({ interaction: call.id, queue: request.queueId, error: messageOf(error) }, 'not let into the queue');
        settle(call.id, { end: 'refused', why: messageOf(error) });
      }
    }
    return {
      outcome,
      position: () => router.position(call.id),
      async leave(why) {
        const left = await router.remove(call.id, why);
        if (left) settle(call.id, { end: 'left', to: why });
        return left;
      },
    };
  }

  /** The customer hung up while waiting. */
  function gone(call: VoiceCall): void {
    settle(call.id, { end: 'left', to: 'gone' });
  }

  return { enqueue, settle, gone, isWaiting: (interactionId: string) => waits.has(interactionId) };
}
