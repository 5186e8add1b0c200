import { within } from '#appliance/kernel/async.ts';
import type { Clock } from '#appliance/kernel/clock.ts';
import { messageOf } from '#appliance/kernel/errors.ts';
import { uuidv7 } from '#appliance/kernel/ids.ts';
import type { Log } from '#appliance/platform/log/index.ts';
import type { PhoneRow } from '../phones/index.ts';
import type { Flow, IncomingRequest, SipUri, TransportName } from '../sip/index.ts';
import type { Authenticator } from './authenticator.ts';
import { type Contact, Contacts } from './contacts.ts';
import { type Limits, readRegister, type WantedContact } from './register.ts';
import type { RegistrationRow, RegistrationStore } from './store.ts';

export interface Registrar {
  /** Loads what is still good from before; UDP phones can be rung at once. */
  start(): Promise<void>;
  stop(): void;
  /** Answers a REGISTER. */
  register(incoming: IncomingRequest): Promise<void>;
  /** Places where the phone can be rung, newest first. */
  contacts(phoneId: string): Contact[];
  online(phoneId: string): boolean;
  /** A phone is registered from this address. */
  knowsAddress(address: string): boolean;
  /** The phone that registered over this connection; undefined for UDP, where anyone can send from anywhere. */
  phoneOn(flow: Flow): string | undefined;
  /** For the SIP stack: the connection behind which a contact is now. */
  resolveFlow(uri: SipUri): Flow | undefined;
  /** The phone is switched off or its credentials are void: all its contacts end. */
  forget(phoneId: string): void;
  onChange(listener: (phoneId: string, online: boolean) => void): () => void;
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
  /** Whether there is such a user: who asks for many that are not is looking for doors. */
  isUser?(name: string): Promise<boolean>;
  /** Someone offers wrong passwords, or asks for users that are not here. */
  suspicious?(flow: Flow, what: 'unknown-user' | 'wrong-password', username: string | undefined): void;
}

const LIMITS: Limits = { minS: 60, maxS: 3600, defaultS: 600, contacts: 10 };
/** A first registration is acknowledged after its commit, but a database that is away does not silence phones. */
const COMMIT_WITHIN_MS = 2000;

export function createRegistrar(options: RegistrarOptions): Registrar {
  const { store, clock, log, instance } = options;
  const limits: Limits = { ...LIMITS, ...options.limits };
  const listeners = new Set<(phoneId: string, online: boolean) => void>();
  const contacts = new Contacts(
    clock,
    (phoneId, online) => {
      for (const listener of listeners) listener(phoneId, online);
    },
    (contact) => drop(contact.row),
  );

  function drop(row: RegistrationRow): void {
    store.remove(row.id).catch((error) => log.warn({ error: messageOf(error) }, 'a registration could not be removed'));
  }

  function take(contact: Contact): void {
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
        await bind(phone, wanted.contacts, incoming);
        break;
    }
    const now = clock.now().getTime();
    const current = contacts.of(phone.id).map((contact): [string, string] => {
      const leftS = Math.max(0, Math.round((contact.row.expiresAt.getTime() - now) / 1000));
      return ['Contact', `<${contact.row.contact}>;expires=${leftS}`];
    });
    incoming.respond({ status: 200, headers: [...current, ['Date', clock.now().toUTCString()]] });
  }

  async function bind(phone: PhoneRow, wanted: WantedContact[], { request, flow }: IncomingRequest): Promise<void> {
    const now = clock.now();
    const commits: Promise<void>[] = [];
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
      contacts.set(row, flow);
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
          contacts.set(row, undefined);
        } catch (error) {
          log.warn({ contact: row.contact, error: messageOf(error) }, 'a stored contact cannot be read');
        }
      }
    },
    stop: () => contacts.clear(),
    register,
    contacts: (phoneId) => contacts.of(phoneId).filter(isReachable).map(withFlow),
    knowsAddress: (address) => contacts.hasAddress(address),
    online: (phoneId) => contacts.of(phoneId).some(isReachable),
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
  };
}

function isReachable(contact: Contact): boolean {
  return contact.row.transport !== 'ws' || contact.flow?.open === true;
}
