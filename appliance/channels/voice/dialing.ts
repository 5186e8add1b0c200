import type { Direction } from '#appliance/contract/work.ts';
import { AppError } from '#appliance/kernel/errors.ts';
import {
  DialFailed,
  type DialTarget,
  type IncomingCall,
  type Leg,
  type Ringing,
} from '#appliance/telephony/calls/index.ts';
import type { VoiceDeps } from './deps.ts';
import { featureOf } from './features.ts';
import type { Inbound } from './inbound.ts';
import type { Keys } from './keys.ts';
import type { Mailbox } from './mailbox.ts';
import { type Reach, type ReachEnd, tellRedirect } from './reach.ts';
import { RINGS, ringHeader } from './ring-plan.ts';
import type { Talks } from './talks.ts';
import type { Transfers } from './transfers.ts';
import { VoiceCall } from './voice-call.ts';
import type { Watchdog } from './watchdog.ts';

export type Dialing = ReturnType<typeof createDialing>;

const RING_MS = 60_000;

/** Calls our people start: from their phone or their screen, to a number outside or a colleague. */
export function createDialing(
  deps: VoiceDeps,
  parts: {
    talks: Talks;
    inbound: Inbound;
    watchdog: Watchdog;
    reach: Reach;
    mailbox: Mailbox;
    keys: Keys;
    transfers: Transfers;
  },
) {
  const { calls, router, interactions, agents, customers, endpoints, dids, sounds, clock, log } = deps;
  const { talks, inbound, watchdog, reach, mailbox, keys, transfers } = parts;

  /** A phone of ours dialled something. */
  async function fromPhone(incoming: IncomingCall): Promise<void> {
    const { leg, dialled } = incoming;
    const agentId = leg.phoneId ? endpoints.agentOfPhone(leg.phoneId) : undefined;
    // Somebody's extension is never taken for a feature.
    const feature = endpoints.isExtension(dialled) ? undefined : featureOf(dialled);
    if (feature) return keys.press(feature, leg, agentId);
    const did = dids.find(dialled);
    if (did) return inbound.take(incoming, did);
    leg.ring();
    if (/^\+?[0-9]{5,15}$/.test(dialled) && !endpoints.isExtension(dialled)) {
      if (!agentId) return leg.hangup({ q850: 57, sip: 403, text: 'This phone may not call outside' }); // Q.850 57: bearer capability not authorized
      await outside(leg, agentId, dialled, null);
      return;
    }
    await internal(leg, agentId, dialled);
  }

  /** From the screen: the agent's own phone rings first. Resolves with the interaction once it does. */
  async function fromScreen(request: {
    agentId: string;
    to: string;
    from?: string;
    queueId?: string;
  }): Promise<string> {
    const targets = endpoints.targets(request.agentId);
    if (targets.length === 0)
      throw new AppError(
        'conflict',
        'no-phone',
        'You have no phone that could ring: start the browser phone or register your desk phone',
      );
    const internalCall = endpoints.isExtension(request.to) || /^[0-9]{2,4}$/.test(request.to);
    const id = await open(request.agentId, internalCall ? 'internal' : 'out', request.to, request.queueId ?? null);
    const attempt = calls.dial(targets, {
      from: { number: request.to, name: 'Your call' },
      ringTimeoutMs: 30_000,
      tag: { interactionId: id, role: 'agent', agentId: request.agentId },
      headers: [['X-Interaction', id], ringHeader(RINGS.own)],
    });
    void attempt.answered
      .then((leg) =>
        ring(
          id,
          leg,
          request.agentId,
          internalCall ? { kind: 'extension', extension: request.to } : { kind: 'number', number: request.to },
          request.queueId ?? null,
        ),
      )
      .catch((error) => giveUp(id, request.agentId, error))
      .catch((error) => log.error({ interaction: id, error }, 'a call from the screen failed'));
    return id;
  }

  async function outside(leg: Leg, agentId: string, number: string, queueId: string | null): Promise<void> {
    const id = await open(agentId, 'out', number, queueId);
    leg.saveTag({ interactionId: id, role: 'agent', agentId });
    try {
      await ring(id, leg, agentId, { kind: 'number', number }, queueId);
    } catch (error) {
      await giveUp(id, agentId, error, leg);
    }
  }

  async function open(agentId: string, direction: Direction, to: string, queueId: string | null): Promise<string> {
    const customer =
      direction === 'out' ? await customers.findOrCreate({ kind: 'phone', value: to }).catch(() => null) : null;
    const row = await interactions.open({
      channel: 'voice',
      direction,
      from: endpoints.party(agentId).number,
      to,
      agentId,
      queueId,
      customerId: customer?.id ?? null,
      state: 'active',
    });
    interactions.startSegment(row.id, { kind: 'dial', agentId, queueId });
    router.engage(agentId, row.id, 'voice', queueId ? { queueId } : {});
    return row.id;
  }

  /** The agent's leg is here; the other end rings. Rejects with DialFailed. */
  async function ring(
    id: string,
    agentLeg: Leg,
    agentId: string,
    target: Extract<DialTarget, { kind: 'number' | 'extension' }>,
    queueId: string | null,
  ): Promise<void> {
    if (agentLeg.state === 'up') agentLeg.play(sounds.ringback, { loop: true });
    const row = interactions.get(id);
    const found =
      target.kind === 'number'
        ? await world(id, agentLeg, target, queueId)
        : await colleagueOf(id, agentLeg, agentId, target.extension);
    if (found.end === 'failed') throw new DialFailed(found.cause);
    if (found.end === 'voicemail') return message(id, agentLeg, agentId, found.agentId);
    const { leg: customer } = found;
    if (agentLeg.state !== 'up') await agentLeg.answer();
    const to = row?.to ?? customer.to.number;
    const call = new VoiceCall(
      {
        interactionId: id,
        direction: target.kind === 'number' ? 'out' : 'internal',
        from: endpoints.party(agentId).number,
        to,
        customer: row?.customerId ? ((await customers.get(row.customerId)) ?? null) : null,
        trunkId: customer.trunkId ?? null,
        language: 'en',
      },
      customer,
      clock,
      'dialing',
    );
    call.queueId = queueId;
    const colleague = found.agentId ?? (customer.phoneId ? endpoints.agentOfPhone(customer.phoneId) : undefined);
    if (colleague) {
      call.alsoEngaged.push(colleague);
      router.engage(colleague, id, 'voice', {});
    }
    talks.watch(call);
    // A call-back is the agent's since they accepted it.
    if (!interactions.openSegments(id).some(({ kind }) => kind === 'agent'))
      interactions.startSegment(id, { kind: 'agent', agentId, queueId });
    await talks.connect(call, agentId, agentLeg);
  }

  async function world(
    id: string,
    agentLeg: Leg,
    target: Extract<DialTarget, { kind: 'number' }>,
    queueId: string | null,
  ): Promise<ReachEnd> {
    const attempt = calls.dial([target], {
      from: endpoints.callerId(queueId),
      near: agentLeg,
      ringTimeoutMs: RING_MS,
      tag: { interactionId: id, role: 'customer' },
      onRedirect: tellRedirect(interactions, id),
    });
    return { end: 'answered', leg: await answeredWhile(agentLeg, attempt), agentId: undefined, label: target.number };
  }

  function colleagueOf(id: string, leg: Leg, agentId: string | undefined, extension: string): Promise<ReachEnd> {
    return reach({
      interactionId: id,
      to: { kind: 'extension', extension },
      from: agentId ? endpoints.party(agentId) : leg.from,
      near: leg,
      ring: RINGS.internal,
      ringMs: RING_MS,
      voicemail: true,
      tag: { interactionId: id, role: 'customer' },
    });
  }

  /** Nobody answers: whoever calls leaves a message, and is the one who is heard and recorded. */
  async function message(id: string, leg: Leg, callerId: string | undefined, agentId: string): Promise<void> {
    const row = interactions.get(id);
    const call = new VoiceCall(
      {
        interactionId: id,
        direction: 'internal',
        from: row?.from ?? leg.from.number,
        to: row?.to ?? '',
        customer: null,
        trunkId: null,
        language: 'en',
      },
      leg,
      clock,
      'voicemail',
    );
    if (callerId) call.alsoEngaged.push(callerId);
    talks.watch(call);
    await mailbox.leave(call, agentId);
  }

  /** A phone without an agent, or an agent's phone, calls an extension. */
  async function internal(leg: Leg, agentId: string | undefined, extension: string): Promise<void> {
    if (agentId) {
      const id = await open(agentId, 'internal', extension, null);
      leg.saveTag({ interactionId: id, role: 'agent', agentId });
      try {
        return await ring(id, leg, agentId, { kind: 'extension', extension }, null);
      } catch (error) {
        return giveUp(id, agentId, error, leg);
      }
    }
    if (endpoints.agentOfExtension(extension)) return toAgentFromNobody(leg, extension);
    const attempt = calls.dial([{ kind: 'extension', extension }], {
      from: leg.from,
      near: leg,
      ringTimeoutMs: RING_MS,
      headers: [ringHeader(RINGS.internal)],
    });
    try {
      await joinPhones(leg, await answeredWhile(leg, attempt));
    } catch (error) {
      leg.hangup(
        error instanceof DialFailed
          ? { q850: error.cause_.q850, ...(error.cause_.sip ? { sip: error.cause_.sip } : {}) }
          : { sip: 500 },
      );
    }
  }

  /** A phone that belongs to nobody (lobby, workshop) calls somebody: booked, so that their rules and their mailbox count. */
  async function toAgentFromNobody(leg: Leg, extension: string): Promise<void> {
    const row = await interactions.open({
      channel: 'voice',
      direction: 'internal',
      from: leg.from.number,
      to: extension,
      state: 'active',
    });
    interactions.startSegment(row.id, { kind: 'dial' });
    leg.saveTag({ interactionId: row.id, role: 'caller' });
    const found = await colleagueOf(row.id, leg, undefined, extension);
    if (found.end === 'voicemail') return message(row.id, leg, undefined, found.agentId);
    if (found.end === 'failed') {
      const { cause } = found;
      leg.hangup({ q850: cause.q850, ...(cause.sip ? { sip: cause.sip } : {}) });
      await interactions.event(row.id, 'not-reached', { q850: cause.q850, text: cause.text });
      await interactions.end(row.id, { reason: 'not-reached', segmentEnd: 'failed' });
      return;
    }
    await leg.answer();
    const call = new VoiceCall(
      {
        interactionId: row.id,
        direction: 'in',
        from: leg.from.number,
        to: extension,
        customer: null,
        trunkId: null,
        language: 'en',
      },
      leg,
      clock,
      'dialing',
    );
    talks.watch(call);
    await transfers.joined(call, found);
  }

  async function joinPhones(leg: Leg, other: Leg): Promise<void> {
    await leg.answer();
    watchdog.watch(leg, 'caller');
    watchdog.watch(other, 'callee');
    leg.on('ended', () => other.hangup({ q850: 16 }));
    other.on('ended', () => leg.hangup({ q850: 16 }));
    await calls.bridge(leg, other);
  }

  /** The caller hanging up cancels what rings. */
  async function answeredWhile(leg: Leg, attempt: Ringing): Promise<Leg> {
    if (leg.state === 'ended') attempt.cancel({ q850: 16 });
    const off = leg.on('ended', () => attempt.cancel({ q850: 16 }));
    try {
      return await attempt.answered;
    } finally {
      off();
    }
  }

  async function giveUp(id: string, agentId: string, error: unknown, leg?: Leg): Promise<void> {
    const cause = error instanceof DialFailed ? error.cause_ : undefined;
    const agent = agents.get(agentId)?.name ?? agentId;
    log.info({ interaction: id, agent, cause: cause?.text ?? String(error) }, 'a call of an agent did not come about');
    leg?.hangup({ q850: cause?.q850 ?? 41, ...(cause?.sip ? { sip: cause.sip } : {}) });
    await interactions.event(id, 'not-reached', { q850: cause?.q850 ?? 41, text: cause?.text ?? String(error) });
    await router.finished(id, agentId, { wrapUp: false });
    await interactions.end(id, { reason: 'not-reached', segmentEnd: 'failed' });
  }

  return { fromPhone, fromScreen, outside, ring, giveUp };
}
