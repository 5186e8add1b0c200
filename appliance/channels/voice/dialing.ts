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
import type { Inbound } from './inbound.ts';
import type { Talks } from './talks.ts';
import { VoiceCall } from './voice-call.ts';
import type { Watchdog } from './watchdog.ts';

export type Dialing = ReturnType<typeof createDialing>;

const RING_MS = 60_000;

/** Calls our people start: from their phone or their screen, to a number outside or a colleague. */
export function createDialing(
  deps: VoiceDeps,
  { talks, inbound, watchdog }: { talks: Talks; inbound: Inbound; watchdog: Watchdog },
) {
  const { calls, router, interactions, agents, customers, endpoints, dids, sounds, clock, log } = deps;

  /** A phone of ours dialled something. */
  async function fromPhone(incoming: IncomingCall): Promise<void> {
    const { leg, dialled } = incoming;
    const did = dids.find(dialled);
    if (did) return inbound.take(incoming, did);
    const agentId = leg.phoneId ? endpoints.agentOfPhone(leg.phoneId) : undefined;
    leg.ring();
    if (/^\+?[0-9]{5,15}$/.test(dialled) && !endpoints.agentOfExtension(dialled)) {
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
    const internalCall = endpoints.agentOfExtension(request.to) !== undefined || /^[0-9]{2,4}$/.test(request.to);
    const id = await open(request.agentId, internalCall ? 'internal' : 'out', request.to, request.queueId ?? null);
    const attempt = calls.dial(targets, {
      from: { number: request.to, name: 'Your call' },
      ringTimeoutMs: 30_000,
      tag: { interactionId: id, role: 'agent', agentId: request.agentId },
      headers: [
        ['X-Interaction', id],
        ['Alert-Info', '<http://127.0.0.1>;info=alert-autoanswer'],
      ],
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
    target: DialTarget,
    queueId: string | null,
  ): Promise<void> {
    if (agentLeg.state === 'up') agentLeg.play(sounds.ringback, { loop: true });
    const attempt = calls.dial([target], {
      from: target.kind === 'number' ? endpoints.callerId(queueId) : endpoints.party(agentId),
      near: agentLeg,
      ringTimeoutMs: RING_MS,
      tag: { interactionId: id, role: 'customer' },
    });
    const customer = await answeredWhile(agentLeg, attempt);
    if (agentLeg.state !== 'up') await agentLeg.answer();
    const row = interactions.get(id);
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
    const colleague = customer.phoneId ? endpoints.agentOfPhone(customer.phoneId) : undefined;
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
    const attempt = calls.dial([{ kind: 'extension', extension }], {
      from: leg.from,
      near: leg,
      ringTimeoutMs: RING_MS,
    });
    try {
      const other = await answeredWhile(leg, attempt);
      await leg.answer();
      watchdog.watch(leg, 'caller');
      watchdog.watch(other, 'callee');
      leg.on('ended', () => other.hangup({ q850: 16 }));
      other.on('ended', () => leg.hangup({ q850: 16 }));
      await calls.bridge(leg, other);
    } catch (error) {
      leg.hangup(
        error instanceof DialFailed
          ? { q850: error.cause_.q850, ...(error.cause_.sip ? { sip: error.cause_.sip } : {}) }
          : { sip: 500 },
      );
    }
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
