import type { TransferTarget } from '#appliance/contract/bus.ts';
import { AppError } from '#appliance/kernel/errors.ts';
import { DialFailed, type DialTarget, type Leg, type Party } from '#appliance/telephony/calls/index.ts';
import type { VoiceDeps } from './deps.ts';
import type { Talks } from './talks.ts';
import type { VoiceCall } from './voice-call.ts';
import type { WaitingRoom } from './waiting-room.ts';

export type TransferEnd = 'connected' | 'busy' | 'no-answer' | 'failed';
export type Transfers = ReturnType<typeof createTransfers>;

const RING_MS = 30_000;

/** What a transfer or consultation rings, and whose it is. */
export interface Destination {
  label: string;
  agentId: string | undefined;
  targets: DialTarget[];
}

/** Blind transfers: the agent is released at once, the customer hears ringing, then the new party. */
export function createTransfers(deps: VoiceDeps, { talks, waitingRoom }: { talks: Talks; waitingRoom: WaitingRoom }) {
  const { calls, router, interactions, agents, endpoints, sounds } = deps;

  /** @throws {AppError} not-found for an unknown extension or agent, invalid for a queue (that is not rung). */
  function destination(to: TransferTarget): Destination {
    switch (to.kind) {
      case 'agent': {
        const agent = agents.get(to.agentId);
        if (!agent) throw new AppError('not-found', 'agent-unknown', 'There is no such agent');
        const targets = endpoints.targets(to.agentId);
        if (targets.length === 0)
          throw new AppError('conflict', 'agent-has-no-phone', `${agent.name} has no phone that could ring`);
        return { label: agent.name, agentId: to.agentId, targets };
      }
      case 'extension': {
        const agentId = endpoints.agentOfExtension(to.extension);
        return { label: to.extension, agentId, targets: [{ kind: 'extension', extension: to.extension }] };
      }
      case 'number':
        return { label: to.number, agentId: undefined, targets: [{ kind: 'number', number: to.number }] };
      case 'queue':
        throw new AppError('invalid', 'queue-not-rung', 'A queue cannot be rung; transfer to it instead');
    }
  }

  /** From an agent's phone bar or a phone's REFER. Resolves once the customer is on the way; what follows is an event. */
  async function blind(call: VoiceCall, to: TransferTarget): Promise<void> {
    const agent = talks.agentOf(call);
    if (to.kind === 'queue') {
      await interactions.event(call.id, 'transferred', { to: to.queueId, how: 'queue', by: agent.id });
      // The queue segment begins before the agent is released: the interaction is never nowhere.
      await waitingRoom.receive(
        call,
        { queueId: to.queueId, avoidAgentId: agent.id },
        { refused: () => back(call, null, agent.id) },
      );
      // The next agent may have answered by now: it is this one who leaves.
      await talks.releaseAgent(call, agent);
      return;
    }
    const where = destination(to);
    if (where.agentId === agent.id) throw new AppError('conflict', 'transfer-to-self', 'That is your own phone');
    const from = call.queueId;
    await interactions.event(call.id, 'transferred', { to: where.label, how: 'blind', by: agent.id });
    interactions.startSegment(call.id, { kind: 'dial', queueId: from, previous: 'transferred' });
    call.enter('dialing');
    await talks.releaseAgent(call);
    void ring(call, where)
      .then(async (end) => {
        if (end === 'connected' || call.customer.state === 'ended') return;
        await interactions.event(call.id, 'transfer-failed', { to: where.label, why: end });
        await back(call, from, agent.id);
      })
      .catch((error) => talks.failed(call, error));
  }

  /** The customer comes back to the queue they came from, at its front, to the same agent if free. */
  async function back(call: VoiceCall, queueId: string | null, agentId: string): Promise<void> {
    if (call.customer.state === 'ended') return;
    if (queueId === null) {
      await call.customer.play(sounds.prompt('unavailable', call.facts.language)).done;
      call.customer.hangup({ q850: 20 });
      return;
    }
    await waitingRoom.receive(call, { queueId, priority: 10, preferredAgentId: agentId });
  }

  /** Rings while the customer hears music or ringing; bridges on answer. */
  async function ring(
    call: VoiceCall,
    where: Destination,
    timeoutMs = RING_MS,
    music?: string[],
  ): Promise<TransferEnd> {
    call.customer.play(music?.length ? music : sounds.ringback, { loop: true });
    const attempt = calls.dial(where.targets, {
      from: where.agentId ? customerParty(call) : endpoints.callerId(call.queueId),
      near: call.customer,
      ringTimeoutMs: timeoutMs,
      tag: { interactionId: call.id, role: where.agentId ? 'agent' : 'outside', agentId: where.agentId ?? null },
      headers: [['X-Interaction', call.id]],
    });
    const off = call.customer.on('ended', () => attempt.cancel({ q850: 16 }));
    let leg: Leg;
    try {
      leg = await attempt.answered;
    } catch (error) {
      return endOf(error);
    } finally {
      off();
    }
    if (call.customer.state === 'ended') {
      leg.hangup({ q850: 16 });
      return 'failed';
    }
    if (where.agentId) {
      interactions.startSegment(call.id, { kind: 'agent', agentId: where.agentId, queueId: call.queueId });
      router.engage(where.agentId, call.id, 'voice', { queueId: call.queueId });
      await talks.connect(call, where.agentId, leg);
    } else {
      talks.joinOutside(call, leg);
      await calls.bridge(call.customer, leg);
      call.enter('talking');
    }
    return 'connected';
  }

  /** From a flow or a queue's rule. */
  async function toOutside(
    call: VoiceCall,
    to: TransferTarget,
    options: { timeoutMs?: number; music?: string[] } = {},
  ): Promise<TransferEnd> {
    let where: Destination;
    try {
      where = destination(to);
    } catch {
      return 'failed';
    }
    interactions.startSegment(call.id, { kind: 'dial', queueId: call.queueId });
    call.enter('dialing');
    await interactions.event(call.id, 'transferred', { to: where.label, how: 'flow' });
    return ring(call, where, options.timeoutMs, options.music);
  }

  return { destination, blind, back, ring, toOutside };
}

function customerParty(call: VoiceCall): Party {
  const name = call.facts.customer?.name;
  return { number: call.facts.from, ...(name ? { name } : {}) };
}

function endOf(error: unknown): TransferEnd {
  if (!(error instanceof DialFailed)) return 'failed';
  if (error.cause_.q850 === 17 || error.cause_.q850 === 21) return 'busy';
  return error.cause_.q850 === 18 || error.cause_.q850 === 19 ? 'no-answer' : 'failed';
}
