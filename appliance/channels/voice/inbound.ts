import { within } from '#appliance/kernel/async.ts';
import type { IncomingCall } from '#appliance/telephony/calls/index.ts';
import type { VoiceDeps } from './deps.ts';
import type { DidTarget } from './ports.ts';
import type { Talks } from './talks.ts';
import type { Transfers } from './transfers.ts';
import { VoiceCall } from './voice-call.ts';
import type { WaitingRoom } from './waiting-room.ts';

/** Longer than a busy database takes, shorter than a carrier waits before it tries elsewhere. */
const COMMITTED_WITHIN_MS = 4000;

export type Inbound = ReturnType<typeof createInbound>;

/** A customer calls one of our numbers: the interaction is committed, then answered by its flow or for its queue. */
export function createInbound(
  deps: VoiceDeps,
  { talks, waitingRoom, transfers }: { talks: Talks; waitingRoom: WaitingRoom; transfers: Transfers },
) {
  const { interactions, customers, flows, recorder, clock } = deps;

  async function open(leg: IncomingCall['leg'], did: DidTarget) {
    const known = leg.from.number !== 'anonymous';
    const customer = known ? await customers.findOrCreate({ kind: 'phone', value: leg.from.number }) : null;
    const row = await interactions.open({
      channel: 'voice',
      direction: 'in',
      from: leg.from.number,
      to: did.number,
      did: did.number,
      trunkId: leg.trunkId ?? null,
      customerId: customer?.id ?? null,
      queueId: did.target.kind === 'queue' ? did.target.queueId : null,
      language: did.language,
    });
    return { row, customer };
  }

  async function take({ leg, forwarded }: IncomingCall, did: DidTarget): Promise<void> {
    const opening = open(leg, did);
    const { row, customer } = await within(COMMITTED_WITHIN_MS, opening, 'not committed in time').catch((error) => {
      // The caller is told to try again. What is committed after all is in the books as what it was.
      opening.then(({ row: late }) => interactions.end(late.id, { reason: 'refused' })).catch(() => {});
      throw error;
    });
    for (const one of forwarded) void interactions.event(row.id, 'forwarded-by', { ...one });
    const call = new VoiceCall(
      {
        interactionId: row.id,
        direction: 'in',
        from: leg.from.number,
        to: did.number,
        customer,
        trunkId: leg.trunkId ?? null,
        language: did.language,
      },
      leg,
      clock,
      'flow',
    );
    talks.watch(call);
    if (leg.state === 'ended') {
      await talks.over(
        call,
        { by: 'party', q850: 16, text: 'Hung up before the answer' },
        clock.now(),
        'customer-hung-up',
      );
      return;
    }
    call.save();
    if (did.target.kind === 'flow') return flows.start(did.target.flowId, call);
    if (did.target.kind === 'agent') return toAgent(call, did.target.agentId);
    await leg.answer();
    await intoQueue(call, did.target.queueId);
  }

  /** A number of somebody's own: their phones ring, then their rules and their mailbox count. */
  async function toAgent(call: VoiceCall, agentId: string): Promise<void> {
    call.customer.ring();
    const end = await transfers.toOutside(call, { kind: 'agent', agentId }, { voicemail: true });
    if (end === 'connected' || end === 'voicemail' || call.customer.state === 'ended') return;
    call.customer.hangup({ q850: end === 'busy' ? 17 : end === 'no-answer' ? 19 : 20 });
  }

  async function intoQueue(call: VoiceCall, queueId: string): Promise<void> {
    const announcement = recorder.announcement(
      { queueId, trunkId: call.facts.trunkId, agentId: null },
      call.facts.language,
    );
    if (announcement.length) await call.customer.play(announcement).done;
    if (call.stage === 'ended') return;
    await waitingRoom.receive(call, { queueId });
  }

  return { take, intoQueue };
}
