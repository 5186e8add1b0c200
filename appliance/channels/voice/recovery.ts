import { messageOf } from '#appliance/kernel/errors.ts';
import type { Leg } from '#appliance/telephony/calls/index.ts';
import type { Consultations } from './consultations.ts';
import type { VoiceDeps } from './deps.ts';
import type { Mailbox } from './mailbox.ts';
import type { Parking } from './parking.ts';
import type { QueueExits } from './queue-exits.ts';
import type { SecureEntries } from './secure-entries.ts';
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
  parked?: { slot: string; by: string; since: string; backAt: string } | null;
  mailboxOf?: string | null;
}

/**
 * After a death of this process: audio went on in the switch, the facts are in the database. First `adopt` (before the router
 * starts), which makes the calls known again; then `goOn` (after it), which lets each continue with what it was doing.
 */
export function createRecovery(
  deps: VoiceDeps,
  parts: {
    talks: Talks;
    waitingRoom: WaitingRoom;
    exits: QueueExits;
    consultations: Consultations;
    parking: Parking;
    entries: SecureEntries;
    mailbox: Mailbox;
  },
) {
  const { calls, interactions, router, flows, recorder, sounds, registry, clock, log } = deps;
  const { talks, waitingRoom, exits, consultations, parking, entries, mailbox } = parts;
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
    if (tag.parked)
      call.parked = { ...tag.parked, since: new Date(tag.parked.since), backAt: new Date(tag.parked.backAt) };
    call.mailboxOf = tag.mailboxOf ?? undefined;
    if (tag.away) call.away = { since: clock.now(), held: tag.away.held };
    talks.watch(call);
    for (const leg of legs) {
      if (leg === customer || leg.state !== 'up') continue;
      const agentId = leg.tag.agentId as string | null;
      if (leg.tag.role === 'agent' && agentId && (agentId === tag.agentId || tag.stage === 'waiting')) {
        call.setAgent(agentId, leg);
        // They had picked up; only the bridge was missing.
        if (tag.stage === 'waiting') call.enter('talking');
      } else if (leg.tag.role === 'guest' || (leg.tag.role === 'third' && tag.stage === 'consulting')) {
        const guest = { id: leg.id, label: String(leg.tag.label ?? ''), agentId: agentId ?? undefined, leg };
        if (leg.tag.role === 'guest') call.guests.push(guest);
        else call.third = guest;
        consultations.follow(call, guest);
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
      case 'parked':
        return parking.adopt(call);
      case 'secure':
        if (!call.agent) return call.customer.hangup({ q850: 41 });
        return entries.abandon(call);
      case 'consulting':
        if (call.third && call.agent) {
          // They go on as they were; the routes are in the switch still.
          await calls.bridge(call.agent.leg, call.third.leg);
          return;
        }
        await endConsultation(call);
        return goOnTalking(call);
      case 'talking':
      case 'conference':
        return goOnTalking(call);
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
        if (call.mailboxOf) await mailbox.rescue(call, call.mailboxOf);
        return exits.goodbye(call);
      case 'ended':
        return call.customer.hangup({ q850: 16 });
    }
  }

  async function goOnTalking(call: VoiceCall): Promise<void> {
    if (!call.agent && !call.outside) return call.customer.hangup({ q850: 41 });
    await call.customer.resume();
    await talks.join(call);
    call.enter(call.guests.length > 0 ? 'conference' : 'talking');
    if (call.recording !== 'off' && call.agent) await recorder.join(call.id, call.agent.leg, call.agent.id);
  }

  /** Who was being asked is free again. */
  async function endConsultation(call: VoiceCall): Promise<void> {
    for (const { id, kind, agentId } of interactions.openSegments(call.id)) {
      if (kind !== 'consult') continue;
      await interactions.endSegment(id, 'restarted');
      if (agentId && agentId !== call.agent?.id) await router.finished(call.id, agentId, { wrapUp: false });
    }
  }

  return { adopt, goOn };
}
