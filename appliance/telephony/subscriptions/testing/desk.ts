// Phones, registrar and notifier of one voice process on real SIP and a real database, without calls.
import { systemClock } from '#appliance/kernel/clock.ts';
import { silentLog } from '#appliance/platform/log/index.ts';
import { createBatch, type Database } from '#appliance/platform/postgres/index.ts';
import { createPhoneStore, createPhones, type Phones } from '../../phones/index.ts';
import {
  askOptions,
  createAuthenticator,
  createRegistrar,
  createRegistrationStore,
  type Registrar,
} from '../../registrar/index.ts';
import { createSipStack, type SipStack } from '../../sip/index.ts';
import type { LineCall } from '../api.ts';
import { createRestart, createSubscriptionStore, createSubscriptions, type Subscriptions } from '../index.ts';

export const REALM = 'strongroom.test';

export interface Desk {
  sip: SipStack;
  phones: Phones;
  registrar: Registrar;
  subscriptions: Subscriptions;
  restart: ReturnType<typeof createRestart>;
  suspicions: string[];
  /** As if these were the calls of an extension now. */
  calls(extension: string, calls: LineCall[]): void;
  messages(extension: string, fresh: number, heard: number): void;
  flushed(): Promise<void>;
  stop(): Promise<void>;
}

export async function openDesk(options: {
  db: Database;
  port: number;
  pingEveryS?: number;
  perPhone?: number;
  gapMs?: number;
}): Promise<Desk> {
  const { db, port } = options;
  const log = silentLog;
  const clock = systemClock;
  const batch = createBatch(db, { log });
  const sip = createSipStack({
    listen: { udp: { host: '127.0.0.1', port } },
    userAgent: 'Strongroom',
    log,
    timers: { t1Ms: 10, t2Ms: 80, t4Ms: 100 },
    resolveFlow: (uri) => registrar.resolveFlow(uri),
    adopting: true,
  });
  const phones = createPhones({ store: createPhoneStore(db), clock, log, realm: REALM });
  const authenticator = createAuthenticator({ phones, realm: REALM });
  const registrar = createRegistrar({
    store: createRegistrationStore(db, batch),
    authenticator,
    clock,
    log,
    instance: 'test',
    flowTo: sip.flowTo,
    ...(options.pingEveryS ? { ping: (contact) => askOptions(sip, contact), pingEveryS: options.pingEveryS } : {}),
  });
  const lines = new Map<string, LineCall[]>();
  const counts = new Map<string, { fresh: number; heard: number }>();
  const lineListeners = new Set<(extension: string) => void>();
  const messageListeners = new Set<(extension: string) => void>();
  const suspicions: string[] = [];
  const subscriptions = createSubscriptions({
    sip,
    phones,
    registrar,
    authenticator,
    lines: {
      exists: (extension) => phones.book.byExtension(extension).length > 0,
      of: (extension) => lines.get(extension) ?? [],
      onChange(listener) {
        lineListeners.add(listener);
        return () => lineListeners.delete(listener);
      },
    },
    messages: {
      of: async (extension) => counts.get(extension) ?? { fresh: 0, heard: 0 },
      onChange(listener) {
        messageListeners.add(listener);
        return () => messageListeners.delete(listener);
      },
    },
    store: createSubscriptionStore(db, batch),
    clock,
    log,
    instance: 'test',
    limits: { gapMs: options.gapMs ?? 100, ...(options.perPhone ? { perPhone: options.perPhone } : {}) },
    suspicious: (_flow, what, user) => suspicions.push(`${what} ${user}`),
  });
  sip.onRequest((incoming) => {
    const { method } = incoming.request;
    if (method === 'REGISTER') void registrar.register(incoming);
    else if (method === 'SUBSCRIBE') void subscriptions.receive(incoming);
    else incoming.respond({ status: 200 });
  });
  await phones.start();
  await registrar.start();
  await sip.start();
  await subscriptions.start();
  sip.adopted();
  return {
    sip,
    phones,
    registrar,
    subscriptions,
    restart: createRestart({ sip, phones, registrar }),
    suspicions,
    calls(extension, calls) {
      lines.set(extension, calls);
      for (const listener of lineListeners) listener(extension);
    },
    messages(extension, fresh, heard) {
      counts.set(extension, { fresh, heard });
      for (const listener of messageListeners) listener(extension);
    },
    flushed: () => batch.flushed(),
    async stop() {
      subscriptions.stop();
      registrar.stop();
      await phones.stop();
      await sip.stop();
      await batch.close();
    },
  };
}
