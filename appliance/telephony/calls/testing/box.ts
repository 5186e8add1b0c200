// The telephony of one voice process on real SIP, a real switch and a real database.
import { systemClock } from '#appliance/kernel/clock.ts';
import { silentLog } from '#appliance/platform/log/index.ts';
import { createBatch, type Database } from '#appliance/platform/postgres/index.ts';
import type { Edge, Media } from '../../media/index.ts';
import { createPhoneStore, createPhones, type Phones } from '../../phones/index.ts';
import {
  createAuthenticator,
  createRegistrar,
  createRegistrationStore,
  type Registrar,
} from '../../registrar/index.ts';
import { createSipStack, type SipStack } from '../../sip/index.ts';
import { createTrunkStore, createTrunks, type Trunks, trunkStatusWriter } from '../../trunks/index.ts';
import { createCalls, createLegStore, type IncomingCall } from '../index.ts';

export const REALM = 'strongroom.test';

export interface Box {
  sip: SipStack;
  calls: ReturnType<typeof createCalls>;
  trunks: Trunks;
  phones: Phones;
  registrar: Registrar;
  incoming: IncomingCall[];
  trunkChanges: [string, boolean][];
  /** What a guard would be told. */
  suspicions: string[];
  /** Resolves with the next call that comes in. */
  next(): Promise<IncomingCall>;
  /** Everything stops at once and nobody is told, as with kill -9. */
  die(): Promise<void>;
  stop(): Promise<void>;
}

export async function openBox(options: {
  db: Database;
  media: Media;
  edge?: Edge;
  port: number;
  tls?: { port: number; key: string; cert: string };
  log?: typeof silentLog;
  onIncoming?: (call: IncomingCall) => void | Promise<void>;
}): Promise<Box> {
  const { db, media, edge, port, tls, log = silentLog } = options;
  const clock = systemClock;
  const batch = createBatch(db, { log });
  let registrar: Registrar | undefined;
  const sip = createSipStack({
    listen: {
      udp: { host: '127.0.0.1', port },
      tcp: { host: '127.0.0.1', port },
      ...(tls ? { tls: { host: '127.0.0.1', verifyPeer: false, ...tls } } : {}),
    },
    userAgent: 'Strongroom',
    log,
    supported: ['replaces'],
    resolveFlow: (uri) => registrar?.resolveFlow(uri),
  });
  const phones = createPhones({ store: createPhoneStore(db), clock, log, realm: REALM });
  const trunkChanges: [string, boolean][] = [];
  const suspicions: string[] = [];
  const trunks = createTrunks({
    store: createTrunkStore(db),
    sip,
    clock,
    log,
    instance: 'test',
    open: (sealed) => sealed.replace(/^sealed:/, ''),
    changed: (id, up) => trunkChanges.push([id, up]),
    saveStatus: trunkStatusWriter(batch),
  });
  const authenticator = createAuthenticator({ phones, realm: REALM });
  registrar = createRegistrar({
    store: createRegistrationStore(db, batch),
    authenticator,
    clock,
    log,
    instance: 'test',
    flowTo: (transport, address, to) => sip.flowTo(transport, address, to),
    isUser: async (name) => (await phones.findByUsername(name)) !== undefined,
    suspicious: (_flow, what, user) => suspicions.push(`${what} ${user}`),
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
    instance: 'test',
    suspicious: ({ request }, what) => suspicions.push(`${what} ${request.from.uri.user}`),
  });
  const incoming: IncomingCall[] = [];
  const waiting: ((call: IncomingCall) => void)[] = [];
  await phones.start();
  await registrar.start();
  await sip.start();
  await trunks.start();
  await calls.restore();
  calls.onIncoming((call) => {
    incoming.push(call);
    waiting.shift()?.(call);
    return options.onIncoming?.(call);
  });
  return {
    sip,
    calls,
    trunks,
    phones,
    registrar,
    incoming,
    trunkChanges,
    suspicions,
    next: () => new Promise((resolve) => waiting.push(resolve)),
    async die() {
      registrar?.stop();
      await sip.stop();
      await batch.close();
    },
    async stop() {
      for (const leg of calls.legs.values()) leg.hangup();
      calls.flush();
      await trunks.stop();
      registrar?.stop();
      await phones.stop();
      await sip.stop();
      await batch.close();
    },
  };
}
