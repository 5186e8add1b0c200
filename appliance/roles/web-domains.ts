// Every domain's routes and topics: adding a domain is one line.
import type { Server } from '@hapi/hapi';
import { callSettingsRoutes } from '#appliance/agents/call-settings-routes.ts';
import { presenceRoutes } from '#appliance/agents/me-routes.ts';
import { phoneChoiceRoutes } from '#appliance/agents/phone-choice-routes.ts';
import { agentRoutes } from '#appliance/agents/routes.ts';
import { todayRoutes } from '#appliance/agents/today-routes.ts';
import { registerCallTopics } from '#appliance/channels/voice/feed.ts';
import { callRoutes } from '#appliance/channels/voice/routes.ts';
import { voicemailRoutes } from '#appliance/channels/voice/voicemail-routes.ts';
import { customerRoutes } from '#appliance/customers/routes.ts';
import { registerFlowRoutes } from '#appliance/flows/routes.ts';
import { registerInteractionTopic } from '#appliance/interactions/feed.ts';
import { interactionRoutes } from '#appliance/interactions/routes.ts';
import {
  alarmRoutes,
  helpRoutes,
  messageRoutes,
  registerCoreTopics,
  registerMessageTopic,
  type Topics,
} from '#appliance/realtime/index.ts';
import { recordingRoutes } from '#appliance/recordings/routes.ts';
import { reportRoutes } from '#appliance/reporting/routes.ts';
import { byHandRoutes } from '#appliance/routing/by-hand-routes.ts';
import { offerRoutes } from '#appliance/routing/offer-routes.ts';
import { queueRoutes } from '#appliance/routing/routes.ts';
import { auditRoutes, sessionRoutes, userRoutes } from '#appliance/security/index.ts';
import { backupRoutes } from './backups/index.ts';
import { jobRoutes } from './job-routes.ts';
import { phoneRoutes } from './phone-routes.ts';
import { sipGuardRoutes } from './sip-guard-routes.ts';
import { sipRoutes } from './sip-routes.ts';
import { systemRoutes } from './system-routes.ts';
import { trunkRoutes } from './trunk-routes.ts';
import type { WebServices } from './web-services.ts';

export async function registerDomains(server: Server, services: WebServices): Promise<void> {
  const { db, bus, clock, config, secrets, security, agents, customers, interactions, prompts, flows } = services;

  await server.register([
    { plugin: sessionRoutes, options: { security, agentOf: services.agentOf } },
    { plugin: userRoutes, options: { security } },
    { plugin: auditRoutes, options: { security } },
    { plugin: alarmRoutes, options: { alarms: services.alarms } },
    { plugin: agentRoutes, options: { db, agents } },
    { plugin: customerRoutes, options: { db, customers } },
    { plugin: queueRoutes, options: { db } },
    { plugin: reportRoutes, options: { reporting: services.reporting } },
    { plugin: interactionRoutes, options: { db, interactions } },
  ]);
  presenceRoutes(server, { bus });
  phoneChoiceRoutes(server, { db, bus });
  todayRoutes(server, { db, bus, clock });
  byHandRoutes(server, { bus });
  offerRoutes(server, { bus, missedBy: services.missedBy });
  callRoutes(server, { bus });
  callSettingsRoutes(server, { agents, isExtension: services.isExtension });
  voicemailRoutes(server, { store: services.mailboxes, send: services.sendRecording });
  helpRoutes(server, { alarms: services.alarms, bus, nameOf: (id) => agents.get(id)?.name });
  messageRoutes(server, { messages: services.messages });
  registerFlowRoutes(server, { admin: flows, prompts, secrets, traffic: services.traffic });
  recordingRoutes(server, {
    ...{ store: services.recordings, files: services.files, clock, hasPrompt: services.hasPrompt },
    ...{ keeping: services.keeping, notes: services.notes },
  });
  phoneRoutes(server, {
    db,
    bus,
    store: services.phoneStore,
    phones: services.phones,
    config,
    ringOn: services.ringOn,
  });
  trunkRoutes(server, { db, store: services.trunks, secrets, bus });
  sipRoutes(server, { bus });
  sipGuardRoutes(server, { bans: services.bans, allowed: services.allowed, bus, clock });
  backupRoutes(server, { store: services.backups, jobs: services.jobs, config, clock });
  jobRoutes(server, { jobs: services.jobs });
  systemRoutes(server, { config, heartbeats: services.heartbeats });
}

export function registerTopics(topics: Topics, services: WebServices): void {
  registerCoreTopics(topics, services);
  registerInteractionTopic(topics, services);
  registerMessageTopic(topics, services);
  registerCallTopics(topics, services);
}
