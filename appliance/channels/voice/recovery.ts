import { messageOf } from '#appliance/kernel/errors.ts';
import type { Leg } from '#appliance/telephony/calls/index.ts';
import type { VoiceDeps } from './deps.ts';
import type { QueueExits } from './queue-exits.ts';
import { recorded, type Talks } from './talks.ts';
import { type CallFacts, type Stage, VoiceCall } from './voice-call.ts';
import type { WaitingRoom } from './waiting-room.ts';

interface CustomerTag {
  interactionId: string;
  role: 'customer';
  stage: Stage;
  facts: CallFacts;
  queueId: string | null;
  agentId: string | null;
  alsoEngaged?: string[];
  away?: { held: boolean } | null;
}

/**
 * After a death of this process: audio went on in the switch, the facts are in the database. First `adopt` (before the router
 * starts), which makes the calls known again; then `goOn` (after it), which lets each continue with what it was doing.
 */
export function createRecovery(deps: VoiceDeps, parts: { talks: Talks; waitingRoom: WaitingRoom; exits: QueueExits }) {
  const { calls, interactions, router, flows, recorder, sounds, registry, clock, log } = deps;
  const { talks, waitingRoom, exits } = parts;
  const lost: { id: string; agentId: string | null }[] = [];

  async function adopt(): Promise<{ adopted: number; lost: number }> {
    const rows = await interactions.live();
    const legs = await calls.restore();
    const byInteraction = Map.groupBy(legs, (leg) => String(leg.tag.interactionId ?? ''));
    for (const row of rows) {
      if (row.endedAt) continue; // only its wrap-up is open: the router's
      const its = byInteraction.get(row.id) ?? [];
      byInteraction.delete(row.id);
      const customer = its.find((leg) => leg.tag.role === 'customer' && leg.state === 'up' && leg.tag.facts);
      if (customer) adoptCall(customer, its);
      else if (
        row.channel === 'voice' ||
        (row.channel === 'callback' && row.state !== 'waiting' && row.state !== 'offered')
      ) {
        for (const leg of its) leg.hangup({ q850: 41 });
        lost.push({ id: row.id, agentId: row.agentId });
      }
    }
    // Legs of interactions that are over, or of nobody.
    for (const legs of byInteraction.values()) for (const leg of legs) leg.hangup({ q850: 16 });
    return { adopted: registry.size, lost: lost.length };
  }

  function adoptCall(customer: Leg, legs: Leg[]): void {
    const tag = customer.tag as unknown as CustomerTag;
    const call = new VoiceCall(tag.facts, customer, clock, tag.stage);
    call.queueId = tag.queueId;
    call.alsoEngaged.push(...(tag.alsoEngaged ?? []));
    call.recording = recorder.state(call.id);
    if (tag.away) call.away = { since: clock.now(), held: tag.away.held };
    talks.watch(call);
    for (const leg of legs) {
      if (leg === customer || leg.state !== 'up') continue;
      const agentId = leg.tag.agentId as string | null;
      if (leg.tag.role === 'agent' && agentId && (agentId === tag.agentId || tag.stage === 'waiting')) {
        call.setAgent(agentId, leg);
        // They had picked up; only the bridge was missing.
        if (tag.stage === 'waiting') call.enter('talking');
      } else if (leg.tag.role === 'outside') talks.joinOutside(call, leg);
      else leg.hangup({ q850: 41 });
    }
  }

  async function goOn(): Promise<void> {
    for (const { id, agentId } of lost) {
      if (agentId) await router.finished(id, agentId, { wrapUp: true });
      else await router.remove(id, 'abandoned');
      await interactions.end(id, { reason: 'line-lost' });
      await recorder.end(id);
    }
    lost.length = 0;
    for (const call of [...registry.all()]) {
      await interactions.event(call.id, 'resumed-after-restart', { stage: call.stage });
      void goOnWith(call).catch((error) => {
        log.error({ interaction: call.id, error: messageOf(error) }, 'a call could not go on after the restart');
        call.customer.hangup({ q850: 41 });
      });
    }
  }

  async function goOnWith(call: VoiceCall): Promise<void> {
    switch (call.stage) {
      case 'flow':
      case 'waiting': {
        if (await flows.resume(call)) return;
        if (call.stage === 'flow' || !call.queueId) return exits.goodbye(call);
        await waitingRoom.receive(call, { queueId: call.queueId }, { resumed: true });
        return;
      }
      case 'talking':
      case 'consulting':
      case 'conference': {
        const other = call.agent?.leg ?? call.outside;
        if (!other) return call.customer.hangup({ q850: 41 });
        await calls.bridge(call.customer, other);
        call.enter('talking');
        if (call.recording !== 'off' && call.agent) await recorder.join(call.id, call.agent.leg, call.agent.id);
        return;
      }
      case 'held':
        if (!call.agent) return call.customer.hangup({ q850: 41 });
        call.customer.play(sounds.music(call.queueId), { loop: true });
        return;
      case 'dialing': {
        if (!call.queueId) return exits.goodbye(call);
        await waitingRoom.receive(call, { queueId: call.queueId, priority: 10 });
        return;
      }
      case 'voicemail':
        await recorder.control(recorded(call), 'stop', 'restart');
        return exits.goodbye(call);
      case 'ended':
        return call.customer.hangup({ q850: 16 });
    }
  }

  return { adopt, goOn };
}
