import { messageOf } from '#appliance/kernel/errors.ts';
import { createCallbacks } from './callbacks.ts';
import { handleCommands } from './commands.ts';
import { createConsultations } from './consultations.ts';
import type { VoiceDeps } from './deps.ts';
import { createDialing } from './dialing.ts';
import type { Errands } from './errands.ts';
import { createInbound } from './inbound.ts';
import { createKeys } from './keys.ts';
import { createMailbox } from './mailbox.ts';
import { createMonitoring } from './monitoring.ts';
import { createVoiceOffers } from './offers.ts';
import { createParking } from './parking.ts';
import { createPickUps } from './pickups.ts';
import { keepQuality } from './quality.ts';
import { createQueueExits, type QueueExits } from './queue-exits.ts';
import { createQueueing } from './queueing.ts';
import { createReach } from './reach.ts';
import { createRecovery } from './recovery.ts';
import { followRefers } from './refers.ts';
import { CallRegistry } from './registry.ts';
import { createRejoining } from './rejoining.ts';
import { createReplacing } from './replacing.ts';
import { createSecureEntries } from './secure-entries.ts';
import { createTalks } from './talks.ts';
import { createTransfers } from './transfers.ts';
import { createVoicemail } from './voicemail.ts';
import { createWaitingRoom } from './waiting-room.ts';
import { createWatchdog } from './watchdog.ts';

export { createMailboxStore, type MailboxStore } from './mailbox-store.ts';
export type {
  CallRecorder,
  Dids,
  DidTarget,
  Endpoints,
  EntryWatch,
  FlowRunner,
  Mailboxes,
  NewMessage,
  QueueOutcome,
  RecordedCall,
  RecordingState,
  Sounds,
} from './ports.ts';
export type { QueueTicket } from './queueing.ts';
export { allTargets, type RingStage } from './ring-plan.ts';
export { recorded } from './talks.ts';
export type { TransferEnd } from './transfers.ts';
export { VoiceCall } from './voice-call.ts';
export type VoiceChannel = ReturnType<typeof createVoiceChannel>;

/** Interactions on channel voice, and the call-backs that end on it: calls become interactions here, and offers become ringing phones. */
export function createVoiceChannel(
  given: Omit<VoiceDeps, 'registry'>,
  { probeAfterMs = 30_000 }: { probeAfterMs?: number } = {},
) {
  const registry = new CallRegistry(given.bus);
  const deps: VoiceDeps = { ...given, registry };
  const { calls, router, dids, log } = deps;

  const talks = createTalks(deps);
  const queueing = createQueueing(deps);
  const voicemail = createVoicemail(deps);
  const waitingRoom = createWaitingRoom(deps, {
    queueing,
    exits: { take: (call, exit) => exits.take(call, exit), goodbye: (call) => exits.goodbye(call) },
  });
  const mailbox = createMailbox(deps, { voicemail });
  const pickUps = createPickUps(deps);
  const reach = createReach(deps, { pickUps });
  const transfers = createTransfers(deps, { talks, waitingRoom, reach, mailbox });
  const parking = createParking(deps, { talks, transfers, mailbox, pickUps });
  const errands: Errands = new Map();
  const exits: QueueExits = createQueueExits(deps, { transfers, voicemail, waitingRoom });
  const inbound = createInbound(deps, { talks, waitingRoom, transfers });
  const watchdog = createWatchdog(deps, { afterMs: probeAfterMs });
  const keys = createKeys(deps, { parking, pickUps, mailbox });
  const dialing = createDialing(deps, { talks, inbound, watchdog, reach, mailbox, keys, transfers });
  const consultations = createConsultations(deps, { talks, transfers, errands });
  const entries = createSecureEntries(deps, { talks });
  const monitoring = createMonitoring(deps, { talks });
  const rejoining = createRejoining(deps, { talks, transfers, monitoring, deskBackWithinMs: probeAfterMs });
  const replacing = createReplacing(deps, { rejoining, pickUps });
  const recovery = createRecovery(deps, { talks, waitingRoom, exits, consultations, parking, entries, mailbox });
  registry.onAdd(followRefers(deps, { talks, transfers, parking }));
  registry.onAdd(keepQuality(deps));
  registry.onAdd((call) => watchdog.guard(call, rejoining.absent));
  registry.onAdd(rejoining.follow);
  registry.onAdd((call) => call.events.on('customer-left', () => queueing.gone(call)));
  router.on('moved', ({ interactionId, queueId }) => {
    const call = registry.get(interactionId);
    if (!call) return;
    call.queueId = queueId;
    call.save();
    waitingRoom.moved(call);
  });
  // The books say that somebody else has this customer, or nobody any more: what was begun with this agent ends.
  router.on('refused', ({ interactionId, agentId }) => {
    const call = registry.get(interactionId);
    if (call) void talks.refused(call, agentId).catch((error) => talks.failed(call, error));
  });
  let stopCommands = (): void => {};

  router.registerChannel(createVoiceOffers(deps, { talks, queueing, exits, errands, pickUps }));
  router.registerChannel(createCallbacks(deps, { dialing }));

  return {
    registry,
    talks,
    queueing,
    transfers,
    voicemail,
    exits,
    /** What everybody in that queue begins with. */
    priorityOf: (queueId: string): number => router.queue(queueId)?.priority ?? 5,
    /** Before the router starts: makes the calls of a former process known again. */
    adopt: recovery.adopt,
    /** After the router started: calls go on, new ones are taken, commands are answered. */
    async start(): Promise<void> {
      stopCommands = handleCommands(deps, {
        talks,
        transfers,
        consultations,
        monitoring,
        dialing,
        rejoining,
        parking,
        pickUps,
        entries,
      });
      await recovery.goOn();
      calls.onIncoming(async (incoming) => {
        try {
          if (incoming.replaces) return await replacing.take(incoming.leg, incoming.replaces);
          if (incoming.source === 'phone') return await dialing.fromPhone(incoming);
          const did = dids.find(incoming.dialled);
          if (did) return await inbound.take(incoming, did);
          log.warn({ number: incoming.dialled, trunk: incoming.leg.trunkId }, 'a call to a number that leads nowhere');
          incoming.leg.hangup({ q850: 1, sip: 404 }); // Q.850 1: unallocated number
        } catch (error) {
          log.error({ error: messageOf(error), number: incoming.dialled }, 'an incoming call could not be taken');
          incoming.leg.hangup({ q850: 41, sip: 503 });
        }
      });
    },
    stop(): void {
      stopCommands();
    },
  };
}
