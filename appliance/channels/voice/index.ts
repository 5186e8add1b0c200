import { messageOf } from '#appliance/kernel/errors.ts';
import { createCallbacks } from './callbacks.ts';
import { handleCommands } from './commands.ts';
import { createConsultations } from './consultations.ts';
import type { VoiceDeps } from './deps.ts';
import { createDialing } from './dialing.ts';
import { createInbound } from './inbound.ts';
import { createMonitoring } from './monitoring.ts';
import { createVoiceOffers } from './offers.ts';
import { keepQuality } from './quality.ts';
import { createQueueExits, type QueueExits } from './queue-exits.ts';
import { createQueueing } from './queueing.ts';
import { createRecovery } from './recovery.ts';
import { followRefers } from './refers.ts';
import { CallRegistry } from './registry.ts';
import { createRejoining } from './rejoining.ts';
import { createTalks } from './talks.ts';
import { createTransfers } from './transfers.ts';
import { createVoicemail } from './voicemail.ts';
import { createWaitingRoom } from './waiting-room.ts';
import { createWatchdog } from './watchdog.ts';

export type {
  CallRecorder,
  Dids,
  DidTarget,
  Endpoints,
  FlowRunner,
  QueueOutcome,
  RecordedCall,
  RecordingState,
  Sounds,
} from './ports.ts';
export type { QueueTicket } from './queueing.ts';
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
  const transfers = createTransfers(deps, { talks, waitingRoom });
  const exits: QueueExits = createQueueExits(deps, { transfers, voicemail, waitingRoom });
  const inbound = createInbound(deps, { talks, waitingRoom });
  const watchdog = createWatchdog(deps, { afterMs: probeAfterMs });
  const dialing = createDialing(deps, { talks, inbound, watchdog });
  const consultations = createConsultations(deps, { talks, transfers });
  const monitoring = createMonitoring(deps, { talks });
  const rejoining = createRejoining(deps, { talks, transfers, monitoring });
  const recovery = createRecovery(deps, { talks, waitingRoom, exits });
  registry.onAdd(followRefers(deps, { talks, transfers }));
  registry.onAdd(keepQuality(deps));
  registry.onAdd(watchdog.guard);
  registry.onAdd(rejoining.follow);
  registry.onAdd((call) => call.events.on('customer-left', () => queueing.gone(call)));
  router.on('moved', ({ interactionId, queueId }) => {
    const call = registry.get(interactionId);
    if (!call) return;
    call.queueId = queueId;
    call.save();
    waitingRoom.moved(call);
  });
  let stopCommands = (): void => {};

  router.registerChannel(createVoiceOffers(deps, { talks, queueing, exits }));
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
      stopCommands = handleCommands(deps, { talks, transfers, consultations, monitoring, dialing, rejoining });
      await recovery.goOn();
      calls.onIncoming(async (incoming) => {
        try {
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
