import type { TransferTarget } from '#appliance/contract/bus.ts';
import { NO_FORWARDING } from '#appliance/contract/calls.ts';
import { AppError, messageOf } from '#appliance/kernel/errors.ts';
import { DialFailed, type DialTarget, type EndCause, type Leg } from '#appliance/telephony/calls/index.ts';
import type { VoiceDeps } from './deps.ts';
import type { Mailbox } from './mailbox.ts';
import { type Reach, tellRedirect } from './reach.ts';
import { RINGS, type RingStage, ringInTurn } from './ring-plan.ts';
import type { Talks } from './talks.ts';
import type { VoiceCall } from './voice-call.ts';
import type { WaitingRoom } from './waiting-room.ts';

export type TransferEnd = 'connected' | 'busy' | 'no-answer' | 'failed' | 'voicemail';
export type Transfers = ReturnType<typeof createTransfers>;

const RING_MS = 30_000;

/** What a transfer or consultation rings, and whose it is. */
export interface Destination {
  label: string;
  agentId: string | undefined;
  stages: RingStage[];
  /** Not one of our phones. */
  outside: boolean;
}

/** Blind transfers: the agent is released at once, the customer hears ringing, then the new party. */
export function createTransfers(
  deps: VoiceDeps,
  parts: { talks: Talks; waitingRoom: WaitingRoom; reach: Reach; mailbox: Mailbox },
) {
  const { calls, router, interactions, agents, endpoints, sounds, clock } = deps;
  const { talks, waitingRoom, reach, mailbox } = parts;

  /** @throws {AppError} not-found for an unknown extension or agent, invalid for a queue (that is not rung). */
  function destination(to: TransferTarget): Destination {
    switch (to.kind) {
      case 'agent': {
        const agent = agents.get(to.agentId);
        if (!agent) throw new AppError('not-found', 'agent-unknown', 'There is no such agent');
        const stages = endpoints.turns(to.agentId);
        const { always, notRegistered } = agent.forwarding ?? NO_FORWARDING;
        if (stages.length === 0 && !always && !notRegistered)
          throw new AppError('conflict', 'agent-has-no-phone', `${agent.name} has no phone that could ring`);
        return { label: agent.name, agentId: to.agentId, stages, outside: false };
      }
      case 'extension': {
        const agentId = endpoints.agentOfExtension(to.extension);
        const stages = agentId ? endpoints.turns(agentId) : [];
        return {
          label: to.extension,
          agentId,
          stages: stages.length ? stages : atOnce({ kind: 'extension', extension: to.extension }),
          outside: false,
        };
      }
      case 'number':
        return {
          label: to.number,
          agentId: undefined,
          stages: atOnce({ kind: 'number', number: to.number }),
          outside: true,
        };
      case 'queue':
        throw new AppError('invalid', 'queue-not-rung', 'A queue cannot be rung; transfer to it instead');
    }
  }

  /** From an agent's phone bar or a phone's REFER. Resolves once the customer is on the way; what follows is an event. */
  async function blind(call: VoiceCall, to: TransferTarget): Promise<void> {
    const agent = talks.agentOf(call);
    if (to.kind === 'queue') {
      await interactions.event(call.id, 'transferred', { to: to.queueId, how: 'queue', by: agent.id });
      await leaveHold(call);
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
    if (call.guests.length > 0)
      throw new AppError('conflict', 'in-conference', 'Leave the conference: the others go on with the customer');
    const from = call.queueId;
    await interactions.event(call.id, 'transferred', { to: where.label, how: 'blind', by: agent.id });
    interactions.startSegment(call.id, { kind: 'dial', queueId: from, previous: 'transferred' });
    call.enter('dialing');
    call.customer.play(sounds.ringback, { loop: true });
    await leaveHold(call);
    await talks.releaseAgent(call);
    void person(call, to, where, { voicemail: false })
      .then(async ({ end, cause }) => {
        if (end === 'connected' || end === 'voicemail' || call.customer.state === 'ended') return;
        await interactions.event(call.id, 'transfer-failed', { to: where.label, why: end, ...reason(cause) });
        await back(call, from, agent.id);
      })
      .catch((error) => talks.failed(call, error));
  }

  /** Who was on hold hears what comes next, and the agent they leave nothing of it. */
  async function leaveHold(call: VoiceCall): Promise<void> {
    await calls.unbridge(call.customer);
    await call.customer.resume();
  }

  /** By name or extension the person's own rules count; a number is a number. */
  async function person(
    call: VoiceCall,
    to: TransferTarget,
    where: Destination,
    { voicemail, timeoutMs = RING_MS, music }: { voicemail: boolean; timeoutMs?: number; music?: string[] | undefined },
  ): Promise<{ end: TransferEnd; cause?: EndCause }> {
    if (to.kind !== 'agent' && to.kind !== 'extension') return ring(call, where, timeoutMs, music);
    call.customer.play(music?.length ? music : sounds.ringback, { loop: true });
    const found = await reach({
      interactionId: call.id,
      to,
      from: call.party,
      near: call.customer,
      customer: call.facts.customer,
      queueId: call.queueId,
      ring: call.facts.direction === 'in' ? RINGS.external : RINGS.internal,
      ringMs: timeoutMs,
      voicemail,
      tag: { interactionId: call.id, role: 'agent' },
    });
    if (found.end === 'failed') return { end: endOfCause(found.cause), cause: found.cause };
    if (found.end === 'voicemail') {
      if ((call.customer.state as string) === 'ended') return { end: 'failed' };
      void mailbox.leave(call, found.agentId).catch((error) => talks.failed(call, error));
      return { end: 'voicemail' };
    }
    if ((call.customer.state as string) === 'ended') {
      found.leg.hangup({ q850: 16 });
      return { end: 'failed' };
    }
    return joined(call, found);
  }

  /** The new party has answered. */
  async function joined(
    call: VoiceCall,
    { leg, agentId }: { leg: Leg; agentId: string | undefined },
  ): Promise<{ end: TransferEnd }> {
    if (call.customer.state !== 'up') await call.customer.answer();
    if (agentId) {
      interactions.startSegment(call.id, { kind: 'agent', agentId, queueId: call.queueId });
      router.engage(agentId, call.id, 'voice', { queueId: call.queueId });
      await talks.connect(call, agentId, leg);
    } else {
      talks.joinOutside(call, leg);
      await calls.bridge(call.customer, leg);
      call.enter('talking');
    }
    return { end: 'connected' };
  }

  /** The customer comes back to the queue they came from, at its front, to the same agent if free. */
  async function back(call: VoiceCall, queueId: string | null, preferredAgentId?: string): Promise<void> {
    if (call.customer.state === 'ended') return;
    if (queueId === null) {
      if (call.customer.state !== 'up') return call.customer.hangup({ q850: 20 });
      await call.customer.play(sounds.prompt('unavailable', call.facts.language)).done;
      call.customer.hangup({ q850: 20 });
      return;
    }
    await waitingRoom.receive(call, {
      queueId,
      priority: 10,
      ...(preferredAgentId ? { preferredAgentId } : {}),
    });
  }

  /** Rings while the customer hears music or ringing; bridges on answer. */
  async function ring(
    call: VoiceCall,
    where: Destination,
    timeoutMs = RING_MS,
    music?: string[],
  ): Promise<{ end: TransferEnd; cause?: EndCause }> {
    call.customer.play(music?.length ? music : sounds.ringback, { loop: true });
    const attempt = ringInTurn(calls, clock, where.stages, {
      from: where.agentId ? call.party : endpoints.callerId(call.queueId),
      near: call.customer,
      ringTimeoutMs: timeoutMs,
      tag: { interactionId: call.id, role: where.agentId ? 'agent' : 'outside', agentId: where.agentId ?? null },
      headers: [['X-Interaction', call.id]],
      onRedirect: tellRedirect(interactions, call.id),
    });
    const off = call.customer.on('ended', () => attempt.cancel({ q850: 16 }));
    let leg: Leg;
    try {
      leg = await attempt.answered;
    } catch (error) {
      const cause = error instanceof DialFailed ? error.cause_ : undefined;
      return cause ? { end: endOfCause(cause), cause } : { end: 'failed' };
    } finally {
      off();
    }
    if (call.customer.state === 'ended') {
      leg.hangup({ q850: 16 });
      return { end: 'failed' };
    }
    return joined(call, { leg, agentId: where.agentId });
  }

  /** From a flow, a queue's rule, or a number that leads to somebody. Says how it ended; why it failed is an event. */
  async function toOutside(
    call: VoiceCall,
    to: TransferTarget,
    options: { timeoutMs?: number; music?: string[]; voicemail?: boolean } = {},
  ): Promise<TransferEnd> {
    if (!(await call.confirmed())) return 'failed';
    let where: Destination;
    try {
      where = destination(to);
    } catch (error) {
      const known = to.kind === 'agent' && agents.get(to.agentId);
      // Nothing of theirs could ring: their rules, or their mailbox, may know better.
      if (!known || !(error instanceof AppError) || error.code !== 'agent-has-no-phone') {
        await interactions.event(call.id, 'transfer-failed', { to: nameOf(to), why: messageOf(error) });
        return 'failed';
      }
      where = { label: known.name, agentId: known.id, stages: [], outside: false };
    }
    interactions.startSegment(call.id, { kind: 'dial', queueId: call.queueId });
    call.enter('dialing');
    await interactions.event(call.id, 'transferred', { to: where.label, how: 'flow' });
    const { end, cause } = await person(call, to, where, { voicemail: false, ...options });
    if (end !== 'connected' && end !== 'voicemail')
      await interactions.event(call.id, 'transfer-failed', { to: where.label, why: end, ...reason(cause) });
    return end;
  }

  return { destination, blind, back, joined, toOutside };
}

/** What the far side said, for whoever reads the trace. */
function reason(cause: EndCause | undefined): Record<string, unknown> {
  return cause ? { q850: cause.q850, sip: cause.sip ?? null, text: cause.text } : {};
}

function endOfCause({ q850 }: EndCause): TransferEnd {
  if (q850 === 17 || q850 === 21) return 'busy';
  return q850 === 18 || q850 === 19 ? 'no-answer' : 'failed';
}

function atOnce(target: DialTarget): RingStage[] {
  return [{ targets: [target], afterMs: 0, forMs: null }];
}

function nameOf(to: TransferTarget): string {
  switch (to.kind) {
    case 'agent':
      return to.agentId;
    case 'queue':
      return to.queueId;
    case 'extension':
      return to.extension;
    case 'number':
      return to.number;
  }
}
