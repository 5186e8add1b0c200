// What the web role's routes work with: every service over one database, one bus.
import { join } from 'node:path';
import type { ResponseObject, ResponseToolkit } from '@hapi/hapi';
import { createAgents } from '#appliance/agents/index.ts';
import { createMailboxStore } from '#appliance/channels/voice/index.ts';
import type { Role } from '#appliance/contract/identity.ts';
import type { InteractionTrace } from '#appliance/contract/work.ts';
import { createCustomers } from '#appliance/customers/index.ts';
import { createFlowAdmin, createPrompts, createTraffic } from '#appliance/flows/index.ts';
import { createInteractions } from '#appliance/interactions/index.ts';
import type { Clock } from '#appliance/kernel/clock.ts';
import { AppError } from '#appliance/kernel/errors.ts';
import type { Bus } from '#appliance/platform/bus/index.ts';
import type { Config } from '#appliance/platform/config/index.ts';
import { createFiles } from '#appliance/platform/files/index.ts';
import type { Heartbeat } from '#appliance/platform/health/index.ts';
import type { Jobs } from '#appliance/platform/jobs/index.ts';
import type { Log } from '#appliance/platform/log/index.ts';
import type { Batch, Database } from '#appliance/platform/postgres/index.ts';
import { openKeyRing, type Secrets } from '#appliance/platform/secrets/index.ts';
import { createAlarms, createMessages } from '#appliance/realtime/index.ts';
import { createKeeping, noteStore, recordingStore, recordingsOf, soundSender } from '#appliance/recordings/index.ts';
import { createReporting } from '#appliance/reporting/index.ts';
import { createRoutingStore } from '#appliance/routing/index.ts';
import { allows, createSecurity, fileHead } from '#appliance/security/index.ts';
import { createBanStore } from '#appliance/telephony/guard/index.ts';
import { createPhoneStore, createPhones } from '#appliance/telephony/phones/index.ts';
import { createTrunkStore } from '#appliance/telephony/trunks/index.ts';
import { backupStore } from './backups/index.ts';
import { allowedStore } from './sip-guard-routes.ts';
import { SIP_REALM } from './sip-realm.ts';

export interface WebDeps {
  config: Config;
  db: Database;
  batch: Batch;
  bus: Bus;
  secrets: Secrets;
  jobs: Jobs;
  clock: Clock;
  log: Log;
  /** What the roles last said about themselves. */
  heartbeats: () => Promise<Heartbeat[]>;
}

export type WebServices = ReturnType<typeof createWebServices>;

export function createWebServices({ config, db, batch, bus, secrets, jobs, clock, log, heartbeats }: WebDeps) {
  const head = fileHead({
    file: join(config.dataDir, 'audit-head.json'),
    key: secrets.derive('audit-head'),
    onError: (error) => log.error({ err: error }, 'the head of the audit chain could not be kept'),
  });
  const security = createSecurity({ db, bus, secrets, clock, log, head });
  const agents = createAgents({ db, batch, bus, clock });
  const interactions = createInteractions({ db, batch, bus, clock, log });
  const routing = createRoutingStore(db, batch);
  interactions.addTraceParts({
    recordings: recordingsOf(db),
    offers: routing.offersOf,
    quality: (interactionId) => qualityOf(db, interactionId),
  });
  const files = createFiles({ dir: config.paths.files, keys: openKeyRing(config.paths.keys) });
  const recordings = recordingStore(db);
  const send = soundSender(files);
  const reporting = createReporting({ db, clock });
  const prompts = createPrompts({ db, dir: config.paths.prompts, log });
  const named = (table: 'queue' | 'skill') => async (): Promise<{ id: string; name: string }[]> =>
    db(table).orderBy('name').select('id', 'name');
  const queues = named('queue');
  const phoneStore = createPhoneStore(db);

  return {
    config,
    db,
    bus,
    secrets,
    jobs,
    clock,
    heartbeats,
    security,
    agents,
    interactions,
    prompts,
    queues,
    phoneStore,
    customers: createCustomers({ db }),
    alarms: createAlarms({ db, bus, clock }),
    messages: createMessages({ db, bus, clock }),
    missedBy: routing.missedBy,
    mailboxes: createMailboxStore({ db, batch, bus }),
    isSupervisor: (role: string) => allows(role as Role, 'calls:monitor'),
    /** Somebody, or a phone of nobody, has this internal number. */
    isExtension: async (extension: string): Promise<boolean> =>
      agents.byExtension(extension) !== undefined || (await db('phone').where({ extension }).first('id')) !== undefined,
    async sendRecording(id: string, range: unknown, h: ResponseToolkit): Promise<ResponseObject> {
      const row = await recordings.get(id);
      if (row?.state !== 'ready')
        throw new AppError('conflict', 'recording-not-ready', 'This message is not finished yet, or is gone.');
      return send(row, range, h);
    },
    flows: createFlowAdmin({ db, prompts, references: { queues, skills: named('skill') } }),
    traffic: createTraffic({ db, clock }),
    recordings,
    files,
    notes: noteStore(db),
    keeping: createKeeping({
      ...{ db, clock, log, bus, files },
      event: (interactionId, type, data) => void interactions.event(interactionId, type, data),
    }),
    phones: createPhones({
      store: phoneStore,
      clock,
      log,
      realm: SIP_REALM,
      changed: (id) => bus.publish({ type: 'config.changed', entity: 'phone', id }),
    }),
    trunks: createTrunkStore(db),
    bans: createBanStore(db),
    allowed: allowedStore(db),
    backups: backupStore(db),
    async hasPrompt(name: string): Promise<boolean> {
      await prompts.load();
      return prompts.names().has(name);
    },
    /** The agent of a user, as `GET /me` shows it. */
    async agentOf(userId: string): Promise<object | null> {
      const agent = agents.get(userId);
      if (!agent) return null;
      const { id, extension, teamId, teamName, capacity, ringOn } = agent;
      return { id, extension, teamId, teamName, capacity, ringOn };
    },
    ringOn: async (agentId: string) => agents.get(agentId)?.ringOn,
    reporting,
    /** Today, where the box stands. */
    figures: (queueIds: string[]) => reporting.todayFigures(queueIds, Intl.DateTimeFormat().resolvedOptions().timeZone),
    async start(): Promise<void> {
      await Promise.all([agents.load(), prompts.load()]);
    },
    async close(): Promise<void> {
      agents.close();
      await security.close();
    },
  };
}

/** What `voice` measured on each leg, from the interaction's own events. */
async function qualityOf(db: Database, interactionId: string): Promise<InteractionTrace['quality']> {
  const rows: { data: InteractionTrace['quality'][number] }[] = await db('interaction_event')
    .where({ interaction_id: interactionId, type: 'quality' })
    .orderBy('at')
    .select('data');
  return rows.map(({ data: { leg, party, mos, lossPct, jitterMs, rttMs } }) => ({
    leg,
    party,
    mos,
    lossPct,
    jitterMs,
    rttMs,
  }));
}
