import type { Agents } from '#appliance/agents/index.ts';
import type { Customers } from '#appliance/customers/index.ts';
import type { Interactions } from '#appliance/interactions/index.ts';
import type { Clock } from '#appliance/kernel/clock.ts';
import type { Bus } from '#appliance/platform/bus/index.ts';
import type { Log } from '#appliance/platform/log/index.ts';
import type { Router } from '#appliance/routing/index.ts';
import type { Calls } from '#appliance/telephony/calls/api.ts';
import type { CallRecorder, Dids, Endpoints, FlowRunner, Mailboxes, Sounds } from './ports.ts';
import type { CallRegistry } from './registry.ts';

/** Handed to every part of the voice channel; each takes what it names. */
export interface VoiceDeps {
  calls: Calls;
  router: Router;
  interactions: Interactions;
  agents: Agents;
  customers: Customers;
  flows: FlowRunner;
  recorder: CallRecorder;
  sounds: Sounds;
  dids: Dids;
  endpoints: Endpoints;
  mailboxes: Mailboxes;
  registry: CallRegistry;
  bus: Bus;
  clock: Clock;
  log: Log;
}
