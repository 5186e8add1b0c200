// The telephony rooms wired together: SIP, media, edge, trunks, phones, registrar, calls.
import { readFileSync } from 'node:fs';
import type { Clock } from '#appliance/kernel/clock.ts';
import { messageOf } from '#appliance/kernel/errors.ts';
import { createReread } from '#appliance/kernel/reread.ts';
import type { Bus } from '#appliance/platform/bus/index.ts';
import type { Config } from '#appliance/platform/config/index.ts';
import type { Log } from '#appliance/platform/log/index.ts';
import type { Batch, Database } from '#appliance/platform/postgres/index.ts';
import type { Secrets } from '#appliance/platform/secrets/index.ts';
import { createCalls, createLegStore } from '#appliance/telephony/calls/index.ts';
import { createEdge } from '#appliance/telephony/media/edge/edge.ts';
import { createMediaClient } from '#appliance/telephony/media/index.ts';
import { createPhoneStore, createPhones } from '#appliance/telephony/phones/index.ts';
import {
  askOptions,
  createAuthenticator,
  createRegistrar,
  createRegistrationStore,
  isPing,
} from '#appliance/telephony/registrar/index.ts';
import { createSipStack } from '#appliance/telephony/sip/index.ts';
import type { MessageCounts } from '#appliance/telephony/subscriptions/index.ts';
import { createSipTrace, SipRing } from '#appliance/telephony/trace/index.ts';
import { createTrunkStore, createTrunks, trunkStatusWriter } from '#appliance/telephony/trunks/index.ts';
import { createLoadGate, type LoadGateOptions } from './load.ts';
import { createPhoneEvents, type People } from './phone-events.ts';
import { createSipGuard } from './sip-guard.ts';
import { SIP_REALM } from './sip-realm.ts';
import { listenForBrowsers } from './sip-websocket.ts';

export interface TelephonyDeps {
  config: Config;
  db: Database;
  batch: Batch;
  bus: Bus;
  secrets: Secrets;
  clock: Clock;
  log: Log;
  instance: string;
  /** Whose extensions desk phones can watch, besides those of phones. */
  people?: People;
  /** Voicemail, for the lamps of desk phones. */
  messages?: MessageCounts;
  /** New calls are refused, from now on and until it is called again. */
  refused?: LoadGateOptions['refused'];
  unwritten?: LoadGateOptions['unwritten'];
}

export type Telephony = ReturnType<typeof createTelephony>;

export function createTelephony({
  config,
  db,
  batch,
  bus,
  secrets,
  clock,
  log,
  instance,
  refused,
  unwritten,
  people,
  messages,
}: TelephonyDeps) {
  const media = createMediaClient({ socketPath: config.paths.mediaSocket, log });
  const edge = createEdge({ url: config.rtpengine, log });
  const ring = new SipRing();
  const load = createLoadGate({ batch, clock, log, refused, unwritten });
  const guard = createSipGuard({
    config,
    db,
    bus,
    clock,
    log,
    load,
    rooms: () => ({ phones, registrar, trunks, calls }),
  });
  const sip = createSipStack({
    listen: {
      udp: { host: config.bind, port: config.sipPort },
      tcp: { host: config.bind, port: config.sipPort },
      tls: {
        host: config.bind,
        port: config.sipTlsPort,
        key: readFileSync(config.tlsKey, 'utf8'),
        cert: readFileSync(config.tlsCert, 'utf8'),
      },
    },
    userAgent: 'Strongroom',
    log,
    clock,
    supported: ['replaces'],
    resolveFlow: (uri) => registrar.resolveFlow(uri),
    admit: (flow, request) => guard.admit(flow, request),
    trace: (entry) => {
      if (!isPing(entry)) ring.add(entry);
    },
    adopting: true,
  });
  const phones = createPhones({
    store: createPhoneStore(db),
    clock,
    log,
    realm: SIP_REALM,
    changed: (id) => bus.publish({ type: 'config.changed', entity: 'phone', id }),
  });
  const authenticator = createAuthenticator({ phones, realm: SIP_REALM, secret: secrets.derive('sip digest') });
  const registrar = createRegistrar({
    store: createRegistrationStore(db, batch),
    authenticator,
    clock,
    log,
    instance,
    flowTo: sip.flowTo,
    ping: (contact) => askOptions(sip, contact),
    isUser: async (name) =>
      phones.book.byExtension(name).length > 0 || (await phones.findByUsername(name)) !== undefined,
    suspicious: (flow, what, username) => guard.suspicious(flow, what, `REGISTER ${username ?? ''}`),
  });
  const trunks = createTrunks({
    store: createTrunkStore(db),
    sip,
    clock,
    log,
    instance,
    open: (sealed) => secrets.open(sealed, 'trunk'),
    changed: (trunkId, up) => bus.publish({ type: 'trunk.changed', trunkId, up }),
    saveStatus: trunkStatusWriter(batch),
  });
  const calls = createCalls({
    sip,
    media,
    edge,
    trunks,
    phones,
    registrar,
    authenticator,
    store: createLegStore(db, batch),
    clock,
    log,
    instance,
    ended: (leg) => trace.ended(leg),
    changed: (leg) => phoneEvents.changed(leg),
    subscribe: (incoming) => phoneEvents.subscribe(incoming),
    suspicious: ({ flow, request }, what) => guard.suspicious(flow, what, `INVITE ${request.uri.user ?? ''}`),
  });
  const unguard = bus.handle('voice', 'sip.guard', async () => ({
    hours: guard.hours().map(({ at, counts }) => ({ at: at.toISOString(), counts })),
    suspects: guard.suspects().map((one) => ({ ...one, at: one.at.toISOString() })),
    sources: guard.sources,
  }));
  const phoneEvents = createPhoneEvents({
    sip,
    phones,
    registrar,
    authenticator,
    db,
    batch,
    bus,
    clock,
    log,
    instance,
    people,
    messages,
    suspicious: (flow, what, username) => guard.suspicious(flow, what, `SUBSCRIBE ${username}`),
  });
  const trace = createSipTrace({ ring, live: () => calls.legs.values() });
  const untrace = bus.handle('voice', 'sip.trace', async ({ interactionId, callId, limit, every }) => {
    const asked = interactionId !== undefined || callId !== undefined;
    return {
      messages: asked ? trace.messages({ interactionId, callId }, Math.min(limit ?? 500, 500)) : [],
      calls: asked ? [] : trace.calls(Math.min(limit ?? 50, 500), every),
    };
  });
  registrar.onChange((phoneId, online) => {
    bus.publish({ type: 'phone.changed', phoneId, online });
    const agentId = phones.book.get(phoneId)?.agentId;
    if (agentId) bus.publish({ type: 'agent.changed', agentId });
  });
  const reread = (what: string, read: () => Promise<void>) =>
    createReread({
      clock,
      read,
      failed: (error, againInMs) => log.warn({ error: messageOf(error), againInMs }, `${what} could not be read again`),
    });
  const rereads = {
    phones: reread('phones', () => phones.reload()),
    trunks: reread('trunks', () => trunks.reload()),
    bans: reread('bans', () => guard.reload()),
  };
  const unsubscribe = bus.subscribe(
    (event) => {
      if (event.type !== 'config.changed') return;
      if (event.entity === 'phone') phones.reload(event.id).catch(() => rereads.phones());
      if (event.entity === 'sip-ban' || event.entity === 'sip-allowed') rereads.bans();
      if (event.entity === 'trunk') rereads.trunks();
    },
    () => {
      for (const again of Object.values(rereads)) again();
    },
  );
  let browsers: { stop(): Promise<void> } | undefined;

  return {
    sip,
    media,
    edge,
    phones,
    registrar,
    trunks,
    calls,
    /** Sockets open and phones known; calls are refused until somebody takes them. */
    async start(): Promise<void> {
      await media.start();
      edge.watch();
      await phones.start();
      await registrar.start();
      await guard.start();
      load.start();
      await sip.start();
      await trunks.start();
    },
    /** After calls were restored: what came for them meanwhile is answered, and browsers may come back. */
    async openForBrowsers(): Promise<void> {
      await phoneEvents.start();
      sip.adopted();
      browsers = await listenForBrowsers(
        config.paths.sipWebSocket,
        sip,
        { address: config.address, port: config.httpsPort },
        log,
      );
    },
    async stop(): Promise<void> {
      unsubscribe();
      for (const again of Object.values(rereads)) again.stop();
      untrace();
      unguard();
      await browsers?.stop();
      phoneEvents.stop();
      guard.stop();
      load.stop();
      await trunks.stop();
      registrar.stop();
      await phones.stop();
      await sip.stop();
      edge.close();
      await media.stop();
      calls.flush();
    },
  };
}
