import { within } from '#appliance/kernel/async.ts';
import type { Clock } from '#appliance/kernel/clock.ts';
import { messageOf } from '#appliance/kernel/errors.ts';
import { uuidv7 } from '#appliance/kernel/ids.ts';
import type { Log } from '#appliance/platform/log/index.ts';
import type { PhoneRow } from '../phones/index.ts';
import type { Flow, IncomingRequest, SipUri, TransportName } from '../sip/index.ts';
import type { Authenticator } from './authenticator.ts';
import { type Contact, Contacts } from './contacts.ts';
import { Pinger } from './pinger.ts';
import type { Reach } from './reach.ts';
import { type Limits, readRegister, type WantedContact } from './register.ts';
import type { RegistrationRow, RegistrationStore } from './store.ts';

export interface Registrar {
  /** Loads what is still good from before; UDP phones can be rung at once. */
  start(): Promise<void>;
  stop(): void;
  /** Answers a REGISTER. */
  register(incoming: IncomingRequest): Promise<void>;
  /** Places where the phone can be rung, newest first: those that stopped answering only when there are no others. */
  contacts(phoneId: string): Contact[];
  /** There is a place where it can be rung and that, as far as we know, answers. */
  online(phoneId: string): boolean;
  /** Whether it answers there, and how fast. */
  reach(contactId: string): Reach;
  /** A phone is registered from this address. */
  knowsAddress(address: string): boolean;
  /** The phone that registered over this connection; undefined for UDP, where anyone can send from anywhere. */
  phoneOn(flow: Flow): string | undefined;
  /** For the SIP stack: the connection behind which a contact is now. */
  resolveFlow(uri: SipUri): Flow | undefined;
  /** The phone is switched off or its credentials are void: all its contacts end. */
  forget(phoneId: string): void;
  onChange(listener: (phoneId: string, online: boolean) => void): () => void;
  /** A place that was not known before. */
  onRegistered(listener: (contact: Contact) => void): () => void;
}

export interface RegistrarOptions {
  store: RegistrationStore;
  authenticator: Authenticator;
  clock: Clock;
  log: Log;
  instance: string;
  /** Makes a flow to an address of a former process; UDP needs it behind NAT. */
  flowTo?(transport: TransportName, address: string, port: number): Flow | undefined;
  limits?: Partial<Limits>;
  /** Sends OPTIONS to a contact and resolves with the status of the answer; without it nobody is asked. */
  ping?(contact: Contact): Promise<number>;
  /** How often a phone on UDP is asked; 60. */
  pingEveryS?: number;
  /** Whether there is such a user: who asks for many that are not is looking for doors. */
  isUser?(name: string): Promise<boolean>;
  /** Someone offers wrong passwords, or asks for users that are not here. */
  suspicious?(flow: Flow, what: 'unknown-user' | 'wrong-password', username: string | undefined): void;
}

const LIMITS: Limits = { minS: 60, maxS: 3600, defaultS: 600, contacts: 10 };
/** A first registration is acknowledged after its commit, but a database that is away does not silence phones. */
const COMMIT_WITHIN_MS = 2000;
const PING_EVERY_S = 60;

export function createRegistrar(options: RegistrarOptions): Registrar {
  const { store, clock, log, instance } = options;
  const limits: Limits = { ...LIMITS, ...options.limits };
  const listeners = new Set<(phoneId: string, online: boolean) => void>();
  const registeredListeners = new Set<(contact: Contact) => void>();
  const tell = (phoneId: string, online: boolean) => {
    for (const listener of listeners) listener(phoneId, online);
  };
  const contacts = new Contacts(clock, tell, (contact) => {
    pinger.gone(contact.id);
    drop(contact.row);
  });
  const pinger = new Pinger({
    clock,
    everyMs: (options.pingEveryS ?? PING_EVERY_S) * 1000,
    ask: (contact) => options.ping?.(withFlow(contact)) ?? Promise.resolve(200),
    current: (id) => contacts.byId(id),
    store: ({ id }, { reachable, roundTripMs, since }) => {
      const row = {
        id,
        reachable: reachable ?? null,
        roundTripMs: roundTripMs === undefined ? null : Math.round(roundTripMs * 10) / 10,
        reachSince: since ?? null,
      };
      store
        .saveReach(row)
        .catch((error) => log.warn({ error: messageOf(error) }, 'the reach of a phone was not stored'));
    },
    changed(contact, reachable) {
      const { phoneId } = contact;
      log.info(
        { contact: contact.row.contact, reachable },
        reachable ? 'a phone answers again' : 'a phone stopped answering',
      );
      const elsewhere = contacts.of(phoneId).some((other) => other !== contact && answers(other));
      if (!elsewhere) tell(phoneId, reachable);
    },
  });
  /** As far as we know. */
  const answers = (contact: Contact) => isReachable(contact) && pinger.reach(contact.id).reachable !== false;

  function drop(row: RegistrationRow): void {
    store.remove(row.id).catch((error) => log.warn({ error: messageOf(error) }, 'a registration could not be removed'));
  }

  function take(contact: Contact): void {
    pinger.gone(contact.id);
    contacts.remove(contact);
    drop(contact.row);
  }

  /** After a restart the way to a UDP phone is made when it is needed: its socket may not have been open before. */
  function withFlow(contact: Contact): Contact {
    const { transport, address, port } = contact.row;
    if (transport === 'udp') contact.flow ??= options.flowTo?.('udp', address, port);
    return contact;
  }

  /** A phone on TCP can be called back at its address; a browser cannot. */
  function closed(flow: Flow): void {
    for (const contact of contacts.onFlow(flow)) if (flow.transport === 'ws') take(contact);
  }

  async function register(incoming: IncomingRequest): Promise<void> {
    const { request, flow } = incoming;
    const identified = await options.authenticator.identify(request);
    if (!identified.ok) {
      if (identified.failed) options.suspicious?.(flow, identified.failed, request.to.uri.user);
      incoming.respond({ status: 401, headers: identified.challenge });
      const { user = '' } = request.to.uri;
      // The answer is the same for all: it must not tell who is here.
      if (!identified.failed && options.isUser && !(await options.isUser(user)))
        options.suspicious?.(flow, 'unknown-user', user);
      return;
    }
    const { phone } = identified;
    // RFC 3261 §10.3 step 4: a phone registers itself, nobody else.
    if (request.to.uri.user !== phone.username && request.to.uri.user !== phone.extension) {
      incoming.respond({ status: 403 });
      return;
    }
    const wanted = readRegister(request, limits);
    let fresh: Contact[] = [];
    switch (wanted.kind) {
      case 'refused':
        incoming.respond({
          status: wanted.status,
          reason: wanted.reason,
          headers: wanted.status === 423 ? [['Min-Expires', String(limits.minS)]] : [],
        });
        return;
      case 'query':
        break;
      case 'remove-all':
        for (const contact of contacts.of(phone.id)) take(contact);
        break;
      case 'contacts':
        if (isOutOfOrder(phone, wanted.contacts, incoming)) {
          // §10.3 step 7: an older request that arrives late changes nothing.
          incoming.respond({ status: 500, reason: 'Out of Order' });
          return;
        }
        fresh = await bind(phone, wanted.contacts, incoming);
        break;
    }
    const now = clock.now().getTime();
    const current = contacts.of(phone.id).map((contact): [string, string] => {
      const leftS = Math.max(0, Math.round((contact.row.expiresAt.getTime() - now) / 1000));
      return ['Contact', `<${contact.row.contact}>;expires=${leftS}`];
    });
    incoming.respond({ status: 200, headers: [...current, ['Date', clock.now().toUTCString()]] });
    for (const contact of fresh) for (const listener of registeredListeners) listener(contact);
  }

  /** Returns the places that are new. */
  async function bind(
    phone: PhoneRow,
    wanted: WantedContact[],
    { request, flow }: IncomingRequest,
  ): Promise<Contact[]> {
    const now = clock.now();
    const commits: Promise<void>[] = [];
    const fresh: Contact[] = [];
    for (const { binding, uri, expiresS } of wanted) {
      const old = contacts.get(phone.id, binding);
      if (expiresS === 0) {
        if (old) take(old);
        continue;
      }
      const latest = phone.expiresAt
        ? Math.min(phone.expiresAt.getTime(), now.getTime() + expiresS * 1000)
        : now.getTime() + expiresS * 1000;
      const row: RegistrationRow = {
        id: old?.row.id ?? uuidv7(),
        phoneId: phone.id,
        binding,
        contact: uri,
        path: request
          .list('path')
          .slice(0, 5)
          .map((value) => value.slice(0, 300)),
        transport: flow.transport,
        address: flow.remote.address,
        port: flow.remote.port,
        localAddress: flow.local.address,
        localPort: flow.local.port,
        instance,
        callId: request.callId.slice(0, 256),
        cseq: request.cseq.number,
        userAgent: request.header('user-agent')?.slice(0, 200) ?? null,
        registeredAt: now,
        expiresAt: new Date(latest),
      };
      const known = contacts.onFlow(flow).length > 0;
      const contact = contacts.set(row, flow);
      if (options.ping && row.transport === 'udp') pinger.heard(contact);
      else pinger.gone(row.id);
      if (!old) fresh.push(contact);
      if (!known) flow.onClose?.(() => closed(flow));
      const commit = store.save(row);
      commit.catch((error) =>
        log.error({ phone: phone.username, error: messageOf(error) }, 'a registration was not stored'),
      );
      if (!old) commits.push(commit);
    }
    // A phone with more devices than allowed loses the one that was heard of longest ago.
    for (const surplus of contacts.of(phone.id).slice(limits.contacts)) take(surplus);
    if (commits.length > 0)
      await within(COMMIT_WITHIN_MS, Promise.allSettled(commits), 'the database is away').catch(() => {});
    return fresh;
  }

  function isOutOfOrder(phone: PhoneRow, wanted: WantedContact[], { request }: IncomingRequest): boolean {
    return wanted.some(({ binding }) => {
      const old = contacts.get(phone.id, binding);
      return old !== undefined && old.row.callId === request.callId && old.row.cseq >= request.cseq.number;
    });
  }

  return {
    async start() {
      for (const row of await store.load(clock.now())) {
        // A browser's connection died with the process it was made to; it comes back by itself and registers.
        if (row.transport === 'ws') {
          if (row.instance === instance) drop(row);
          continue;
        }
        try {
          const { reachable, roundTripMs, reachSince, ...registration } = row;
          const contact = contacts.set(registration, undefined);
          if (!options.ping || row.transport !== 'udp') continue;
          pinger.restored(contact, {
            reachable: reachable ?? undefined,
            roundTripMs: roundTripMs ?? undefined,
            since: reachSince ?? undefined,
            missed: 0,
          });
        } catch (error) {
          log.warn({ contact: row.contact, error: messageOf(error) }, 'a stored contact cannot be read');
        }
      }
    },
    stop() {
      pinger.stop();
      contacts.clear();
    },
    register,
    contacts(phoneId) {
      const there = contacts.of(phoneId).filter(isReachable);
      const answering = there.filter(answers);
      return (answering.length > 0 ? answering : there).map(withFlow);
    },
    reach: (contactId) => pinger.reach(contactId),
    knowsAddress: (address) => contacts.hasAddress(address),
    online: (phoneId) => contacts.of(phoneId).some(answers),
    phoneOn: (flow) => (flow.transport === 'udp' ? undefined : contacts.onFlow(flow)[0]?.phoneId),
    resolveFlow(uri) {
      const contact = contacts.find(uri);
      const flow = contact && withFlow(contact).flow;
      return flow?.open ? flow : undefined;
    },
    forget(phoneId) {
      for (const contact of contacts.of(phoneId)) take(contact);
    },
    onChange(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    onRegistered(listener) {
      registeredListeners.add(listener);
      return () => registeredListeners.delete(listener);
    },
  };
}

function isReachable(contact: Contact): boolean {
  return contact.row.transport !== 'ws' || contact.flow?.open === true;
}
