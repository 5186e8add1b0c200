// The role `voice`: SIP, calls, flows, the router.
import { createAgents } from '#appliance/agents/index.ts';
import { createMailboxStore, createVoiceChannel, type VoiceChannel } from '#appliance/channels/voice/index.ts';
import { createCustomers } from '#appliance/customers/index.ts';
import {
  createFlows,
  createPrompts,
  createSounds,
  EntryHost,
  hoursAt,
  isEntry,
  VoiceHost,
} from '#appliance/flows/index.ts';
import { createInteractions } from '#appliance/interactions/index.ts';
import { within } from '#appliance/kernel/async.ts';
import { systemClock } from '#appliance/kernel/clock.ts';
import { createBus } from '#appliance/platform/bus/index.ts';
import { createJobs } from '#appliance/platform/jobs/index.ts';
import { createBatch, openDatabase } from '#appliance/platform/postgres/index.ts';
import { openSecrets } from '#appliance/platform/secrets/index.ts';
import { createAlarms } from '#appliance/realtime/index.ts';
import { createRecordings, declareRecordingJobs } from '#appliance/recordings/index.ts';
import { createRouter } from '#appliance/routing/index.ts';
import type { StartRole } from './context.ts';
import { createMailboxes, createMessageCounts } from './mailboxes.ts';
import { createTelephony } from './telephony.ts';
import { createTestCalls } from './test-calls.ts';
import { createVoiceEndpoints } from './voice-endpoints.ts';

const LOOK_UP_MS = 1000;
const FULL = {
  ports: 'all ports for audio are in use, new calls are refused',
  load: 'more calls than can be served in time, some new ones are refused',
};

export const start: StartRole = async ({ config, log, instance, health, metrics }) => {
  const clock = systemClock;
  const db = openDatabase(config.postgresUrl, { poolMax: 8, applicationName: 'strongroom voice' });
  // One connection writes: it keeps the plans of all statements.
  const writer = openDatabase(config.postgresUrl, {
    poolMax: 1,
    applicationName: 'strongroom voice writer',
    byKey: true,
  });
  const batch = createBatch(writer, { log });
  // A caller's customer is one who has an interaction: the commit of that is what counts.
  const callers = openDatabase(config.postgresUrl, {
    poolMax: 1,
    applicationName: 'strongroom voice callers',
    byKey: true,
    commitsLater: true,
  });
  const bus = await createBus({ redisUrl: config.redisUrl, instance, log });
  const secrets = openSecrets(config.paths.keys);

  const customers = createCustomers({ db, bus, callers });
  const agents = createAgents({ db, batch, bus, clock });
  const interactions = createInteractions({ db, batch, bus, clock, log });
  // Perhaps for a customer whom the database has lost.
  interactions.on('refused', () => customers.forget());
  const prompts = createPrompts({ db, dir: config.paths.prompts, log });
  const refusals = metrics.counter('strongroom_calls_refused_total', 'New calls answered 503, by what was missing', [
    'why',
  ]);
  const condition = { switchAway: false, unwritten: false, full: '' };
  const report = (): void => {
    if (condition.switchAway) health.report('degraded', 'the media switch is away');
    else if (condition.unwritten) health.report('degraded', 'what happens waits to be written, new calls are refused');
    else if (condition.full) health.report('degraded', condition.full);
    else health.report('ok');
  };
  const mailboxStore = createMailboxStore({ db, batch, bus });
  const telephony = createTelephony({
    config,
    db,
    batch,
    bus,
    secrets,
    clock,
    log,
    instance,
    people: agents,
    messages: createMessageCounts({ store: mailboxStore, agents, bus }),
    unwritten(is) {
      condition.unwritten = is;
      report();
    },
    refused(why) {
      if (why) refusals.inc({ why });
      // That the database is away is PostgreSQL's trouble, and named there.
      const full = why === 'ports' || why === 'load' ? FULL[why] : '';
      if (condition.full === full || (why && condition.full)) return;
      condition.full = full;
      report();
    },
  });
  const { calls, media, phones, registrar } = telephony;

  // The voice channel is made after the router, whose hooks ask it: they are called later only.
  let voice: VoiceChannel | undefined;
  const flows = createFlows({
    db,
    batch,
    clock,
    log,
    bus,
    prompts,
    secrets,
    lookUpCustomer: async (number) => {
      const found = await customers.find({ kind: 'phone', value: number }).catch(() => undefined);
      return found ? { id: found.id, name: found.name ?? '', known: found.known } : undefined;
    },
    // A caller waits for this: without an answer the flow goes on as for somebody new.
    lastAgent: async ({ customerId }) =>
      customerId
        ? within(LOOK_UP_MS, interactions.lastAgent(String(customerId)), 'too slow').catch(() => undefined)
        : undefined,
    event: (interactionId, type, data) => void interactions.event(interactionId, type, data),
  });
  const router = createRouter({
    db,
    batch,
    bus,
    clock,
    log,
    agents,
    interactions,
    instance,
    hooks: {
      isOpen(hoursId, _queueId, at) {
        const hours = hoursId === null ? undefined : flows.hours(hoursId);
        return hours ? hoursAt(hours, at).state === 'open' : true;
      },
      callView: (interactionId, agentId) => voice?.registry.about(interactionId)?.view(agentId) ?? null,
      phoneOnline: (agentId) =>
        phones.book.byAgent(agentId).some((phone) => phone.kind === 'fixed' || registrar.online(phone.id)),
      recoverOffer(offer) {
        const call = voice?.registry.get(offer.interactionId);
        return call?.agent?.id === offer.agentId ? 'accepted' : 'gone';
      },
    },
  });
  const jobs = createJobs({ redisUrl: config.redisUrl, log });
  declareRecordingJobs(jobs);
  const sounds = createSounds({ prompts, musicOf: (queueId) => router.queue(queueId)?.announcements.music });
  const recorder = createRecordings({
    db,
    batch,
    clock,
    log,
    bus,
    instance,
    spool: config.paths.spool,
    recorder: media,
    jobs,
    event: (interactionId, type, data) => void interactions.event(interactionId, type, data),
    alarms: createAlarms({ db, bus, clock }),
    sound: sounds.named,
  });
  const mailboxes = createMailboxes({ store: mailboxStore, db, config, prompts });
  const endpoints = createVoiceEndpoints({ agents, phones, registrar, did: flows });

  voice = createVoiceChannel(
    {
      calls,
      router,
      interactions,
      agents,
      customers,
      bus,
      clock,
      log,
      endpoints,
      mailboxes,
      recorder,
      sounds,
      dids: {
        find(number) {
          const did = flows.did(number);
          if (!did) return undefined;
          const { flowId, queueId, agentId } = did;
          const language = did.language ?? (flowId && flows.published(flowId)?.document.language) ?? 'en';
          if (flowId) return { number: did.number, target: { kind: 'flow', flowId }, language };
          if (agentId) return { number: did.number, target: { kind: 'agent', agentId }, language };
          return queueId ? { number: did.number, target: { kind: 'queue', queueId }, language } : undefined;
        },
      },
      flows: {
        async start(flowId, call) {
          const language = call.facts.language;
          interactions.startSegment(call.id, {
            kind: 'flow',
            flowVersionId: flows.published(flowId)?.versionId ?? null,
          });
          try {
            await flows.start({
              interactionId: call.id,
              flowId,
              language,
              host: new VoiceHost(call, voice!, recorder, clock),
            });
          } catch (error) {
            log.error({ interaction: call.id, flow: flowId, err: error }, 'a flow could not be started');
            call.customer.hangup({ q850: 41, sip: 503 });
          }
        },
        async resume(call) {
          return (await flows.resume(call.id, new VoiceHost(call, voice!, recorder, clock))) !== undefined;
        },
        entries: () =>
          flows
            .all()
            .filter(({ document }) => isEntry(document))
            .map(({ flowId, name }) => ({ flowId, name }))
            .sort((a, b) => a.name.localeCompare(b.name)),
        async enter(flowId, call, watch) {
          const host = new EntryHost(call, voice!, recorder, clock, watch);
          try {
            const { end } = await flows.start({ interactionId: call.id, flowId, language: call.facts.language, host });
            return watch.stopped || end === 'gone' ? 'cancelled' : end === 'hung-up' ? host.outcome : 'failed';
          } catch (error) {
            log.error({ interaction: call.id, flow: flowId, err: error }, 'a form for digits could not be opened');
            return 'failed';
          } finally {
            // However it ended, keys are keys again and the recording goes on.
            await host
              .secure(false)
              .catch((error) => log.error({ interaction: call.id, err: error }, 'a secure entry was not ended'));
          }
        },
        async abandonEntry(call) {
          const gone = { stopped: true, told() {}, collected() {} };
          await flows.resume(call.id, new EntryHost(call, voice!, recorder, clock, gone));
        },
        stop() {
          // The host says HostGone to whatever the flow does next.
        },
      },
    },
    { probeAfterMs: config.silenceProbeS * 1000 },
  );

  await Promise.all([agents.load(), flows.load()]);
  await telephony.start();
  await recorder.recover();
  const { adopted, lost } = await voice.adopt();
  if (adopted || lost) log.info({ adopted, lost }, 'calls of a former process');
  await router.start();
  await interactions.reconcile();
  await voice.start();
  await telephony.openForBrowsers();

  const stops = [
    bus.handle(
      'voice',
      'trunk.test-call',
      createTestCalls({ calls, trunks: telephony.trunks, clock, sounds: sounds.prompt('beep', 'en') }),
    ),
    bus.handle('voice', 'health.voice', async () => ({
      status: media.connected ? 'ok' : 'degraded',
      detail: `${calls.legs.size} legs`,
    })),
    media.on('disconnected', () => {
      condition.switchAway = true;
      report();
    }),
    media.on('connected', () => {
      condition.switchAway = false;
      report();
    }),
  ];
  return {
    async stop() {
      for (const stop of stops) stop();
      voice?.stop();
      await router.stop();
      await telephony.stop();
      flows.close();
      agents.close();
      recorder.close();
      await recorder.flushed();
      await jobs.close();
      await batch.close();
      await writer.destroy();
      await callers.destroy();
      await bus.close();
      await db.destroy();
    },
  };
};
