import { within } from '#appliance/kernel/async.ts';
import type { Clock } from '#appliance/kernel/clock.ts';
import { messageOf } from '#appliance/kernel/errors.ts';
import { uuidv7 } from '#appliance/kernel/ids.ts';
import type { Log } from '#appliance/platform/log/index.ts';
import type { PhoneRow, Phones } from '../phones/index.ts';
import type { Authenticator, Registrar } from '../registrar/index.ts';
import {
  type Dialog,
  type Flow,
  type IncomingRequest,
  type InDialogRequest,
  type SipStack,
  SipSyntaxError,
} from '../sip/index.ts';
import type { EventPackage, Lines, MessageCounts } from './api.ts';
import { PACKAGES } from './packages.ts';
import type { SubscriptionRow, SubscriptionStore } from './store.ts';
import { type Durations, readSubscribe } from './subscribe.ts';
import { identify, resourceOf } from './subscriber.ts';
import { JUMP, Subscription, type SubscriptionContext } from './subscription.ts';
import { Unsolicited } from './unsolicited.ts';

export interface Subscriptions {
  /** Goes on with what a former process had; its subscribers hear how things are now. After the stack has started and calls are restored. */
  start(): Promise<void>;
  stop(): void;
  /** Answers a SUBSCRIBE outside of dialogs. */
  receive(incoming: IncomingRequest): Promise<void>;
  readonly size: number;
}

export interface SubscriptionsOptions {
  sip: SipStack;
  phones: Phones;
  registrar: Registrar;
  authenticator: Authenticator;
  lines: Lines;
  messages: MessageCounts;
  store: SubscriptionStore;
  clock: Clock;
  log: Log;
  instance: string;
  limits?: Partial<Limits>;
  suspicious?: (flow: Flow, what: 'unknown-user' | 'wrong-password', username: string) => void;
}

export interface Limits extends Durations {
  /** Of one phone: a desk phone with its side panels has some 150 keys. */
  perPhone: number;
  all: number;
  /** RFC 3842 §3.11, RFC 4235 §3.10: not more often than once a second. */
  gapMs: number;
}

const LIMITS: Limits = { minS: 60, maxS: 3600, defaultS: 3600, perPhone: 200, all: 30_000, gapMs: 1000 };
/** A subscription is acknowledged after its commit, but a database that is away does not silence phones. */
const COMMIT_WITHIN_MS = 2000;
/** After a restart not all subscribers are told in one moment. */
const RESTORED_APART_MS = 2.5;
/** An extension that everybody watches must not hold up calls: so many are told in one go. */
const AT_ONCE = 25;
const RETRY_AFTER_S = 300;

export function createSubscriptions(options: SubscriptionsOptions): Subscriptions {
  const { sip, phones, registrar, lines, messages, store, clock, log, instance } = options;
  const limits: Limits = { ...LIMITS, ...options.limits };
  const all = new Set<Subscription>();
  const byPhone = new Map<string, Set<Subscription>>();
  const watchers = new Map<string, Set<Subscription>>();
  const unsolicited = new Unsolicited({ sip, phones, registrar, messages, clock, log, gapMs: limits.gapMs });
  const stops: (() => void)[] = [];

  const context: SubscriptionContext = {
    clock,
    log,
    lines,
    messages,
    gapMs: limits.gapMs,
    keep: (subscription) => void save(subscription),
    over(subscription) {
      if (!all.delete(subscription)) return;
      leave(byPhone, subscription.phoneId, subscription);
      leave(watchers, key(subscription.package, subscription.extension), subscription);
      store
        .remove(subscription.id)
        .catch((error) => log.warn({ error: messageOf(error) }, 'a subscription could not be removed'));
    },
  };

  /** Never rejects: phones are served while the database is away. */
  async function save(subscription: Subscription): Promise<void> {
    const committed = store.save({ ...subscription.row, instance });
    committed.catch((error) => log.error({ error: messageOf(error) }, 'a subscription was not stored'));
    await within(COMMIT_WITHIN_MS, committed, 'the database is away').catch(() => {});
  }

  function open(dialog: Dialog, row: Omit<SubscriptionRow, 'facts' | 'instance'>): Subscription {
    const subscription = new Subscription(context, dialog, row);
    all.add(subscription);
    join(byPhone, row.phoneId, subscription);
    join(watchers, key(row.package, row.extension), subscription);
    dialog.onRequest((request) => {
      refresh(subscription, request).catch((error) => {
        log.error({ error: messageOf(error) }, 'a SUBSCRIBE could not be handled');
        request.respond({ status: 500 });
      });
    });
    return subscription;
  }

  async function receive(incoming: IncomingRequest): Promise<void> {
    try {
      await subscribe(incoming);
    } catch (error) {
      if (error instanceof SipSyntaxError) {
        incoming.respond({ status: 400 });
        return;
      }
      log.error({ error: messageOf(error) }, 'a SUBSCRIBE could not be handled');
      incoming.respond({ status: 500 });
    }
  }

  async function subscribe(incoming: IncomingRequest): Promise<void> {
    const { request } = incoming;
    const phone = await identify(incoming, { ...options, phones, registrar });
    if (!phone) return;
    const asked = readSubscribe(request, limits);
    if (asked.kind === 'refused') {
      incoming.respond(asked);
      return;
    }
    const resource = resourceOf(phone, request.uri.user, asked.package, { phones, lines });
    if (typeof resource === 'number') {
      incoming.respond({ status: resource });
      return;
    }
    void request.to.uri; // unreadable: 400
    // RFC 3261 §12.1.1: without it there is nobody to notify.
    if (!request.contact) {
      incoming.respond({ status: 400, reason: 'Contact is missing' });
      return;
    }
    if (!makeRoom(phone, asked.package, resource)) {
      incoming.respond({ status: 480, headers: [['Retry-After', String(RETRY_AFTER_S)]] });
      return;
    }
    const dialog = incoming.subscribe();
    const subscription = open(dialog, {
      id: uuidv7(),
      phoneId: phone.id,
      package: asked.package,
      extension: resource,
      eventId: asked.eventId ?? null,
      version: 0,
      expiresAt: untilAfter(asked.expiresS, phone),
    });
    if (asked.expiresS > 0) await save(subscription);
    incoming.respond({ status: 200, headers: [['Expires', String(asked.expiresS)]] });
    // §4.4.3: zero asks for the state as it is, once.
    if (asked.expiresS === 0) subscription.end('timeout');
    else subscription.subscribed();
  }

  async function refresh(subscription: Subscription, peer: InDialogRequest): Promise<void> {
    const { request } = peer;
    if (request.method !== 'SUBSCRIBE') {
      peer.respond({ status: 405, headers: [['Allow', 'SUBSCRIBE']] });
      return;
    }
    const phone = phones.book.get(subscription.phoneId);
    const asked = readSubscribe(request, limits);
    if (asked.kind === 'refused') {
      peer.respond(asked);
      return;
    }
    // RFC 6665 §4.5.2: a dialog carries one subscription.
    const isThis = asked.package === subscription.package && (asked.eventId ?? null) === subscription.eventId;
    if (!phone || !isThis || subscription.isOver) {
      peer.respond({ status: 481 });
      return;
    }
    const accept = () => peer.respond({ status: 200, headers: [['Expires', String(asked.expiresS)]] });
    if (asked.expiresS === 0) {
      accept();
      subscription.end('timeout');
      return;
    }
    subscription.lastUntil(untilAfter(asked.expiresS, phone));
    await save(subscription);
    accept();
    subscription.subscribed();
  }

  /** Over the limit the phone's own oldest subscription to the same gives way: a phone that restarted has forgotten it. */
  function makeRoom(phone: PhoneRow, event: EventPackage, extension: string): boolean {
    const mine = byPhone.get(phone.id);
    if (mine && mine.size >= limits.perPhone) {
      for (const old of mine) {
        if (old.package !== event || old.extension !== extension) continue;
        old.end('probation;retry-after=3600');
        context.over(old);
        break;
      }
      if (mine.size >= limits.perPhone) {
        log.warn({ phone: phone.username }, 'a phone wants more subscriptions than it may have');
        return false;
      }
    }
    return all.size < limits.all;
  }

  function untilAfter(expiresS: number, phone: PhoneRow): Date {
    const until = clock.now().getTime() + expiresS * 1000;
    return new Date(phone.expiresAt ? Math.min(until, phone.expiresAt.getTime()) : until);
  }

  function changed(event: EventPackage, extension: string): void {
    let count = 0;
    for (const subscription of watchers.get(key(event, extension)) ?? []) {
      if (count++ < AT_ONCE) subscription.changed();
      else clock.after(Math.floor(count / AT_ONCE) * 5, () => subscription.changed());
    }
  }

  async function restore(): Promise<void> {
    let apart = 0;
    for (const row of await store.load(instance, clock.now(), limits.all)) {
      try {
        // A browser's connection died with the process it was made to.
        if (row.facts.flow.transport === 'ws' || !Object.hasOwn(PACKAGES, row.package)) {
          void store.remove(row.id).catch(() => {});
          continue;
        }
        // RFC 3261 §12.2.1.1: numbers only ever grow, and the row is older than the last NOTIFY.
        const facts = { ...row.facts, localSeq: row.facts.localSeq + JUMP };
        const subscription = open(sip.restoreDialog(facts), { ...row, version: row.version + JUMP });
        void save(subscription);
        clock.after(++apart * RESTORED_APART_MS, () => subscription.changed());
      } catch (error) {
        log.warn({ subscription: row.id, error: messageOf(error) }, 'a subscription cannot be taken over');
        void store.remove(row.id).catch(() => {});
      }
    }
    if (apart > 0) log.info({ subscriptions: apart }, 'subscriptions of a former process');
  }

  return {
    async start() {
      stops.push(
        lines.onChange((extension) => changed('dialog', extension)),
        messages.onChange((extension) => {
          changed('message-summary', extension);
          unsolicited.changed(extension);
        }),
        registrar.onRegistered((contact) => unsolicited.registered(contact)),
        phones.onVoid((phoneId) => {
          for (const subscription of [...(byPhone.get(phoneId) ?? [])]) subscription.end('rejected');
        }),
      );
      // They came before anybody told us of changes.
      for (const subscription of all) subscription.changed();
      await restore();
    },
    stop() {
      for (const stop of stops) stop();
      unsolicited.stop();
      for (const subscription of all) subscription.drop();
      all.clear();
      byPhone.clear();
      watchers.clear();
    },
    receive,
    get size() {
      return all.size;
    },
  };
}

const key = (event: EventPackage, extension: string) => `${event} ${extension}`;

function join(map: Map<string, Set<Subscription>>, name: string, subscription: Subscription): void {
  const set = map.get(name);
  if (set) set.add(subscription);
  else map.set(name, new Set([subscription]));
}

function leave(map: Map<string, Set<Subscription>>, name: string, subscription: Subscription): void {
  const set = map.get(name);
  set?.delete(subscription);
  if (set?.size === 0) map.delete(name);
}
