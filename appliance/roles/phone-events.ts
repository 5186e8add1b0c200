// What desk phones are told besides calls: who is busy, which messages wait, and to start again.
import type { Clock } from '#appliance/kernel/clock.ts';
import type { Bus } from '#appliance/platform/bus/index.ts';
import type { Log } from '#appliance/platform/log/index.ts';
import type { Batch, Database } from '#appliance/platform/postgres/index.ts';
import type { Leg } from '#appliance/telephony/calls/index.ts';
import type { Phones } from '#appliance/telephony/phones/index.ts';
import type { Authenticator, Registrar } from '#appliance/telephony/registrar/index.ts';
import type { Flow, IncomingRequest, SipStack } from '#appliance/telephony/sip/index.ts';
import {
  createRestart,
  createSubscriptionStore,
  createSubscriptions,
  type MessageCounts,
} from '#appliance/telephony/subscriptions/index.ts';
import { BusyLines } from './busy-lines.ts';

/** Extensions of people, who may have no phone right now. */
export interface People {
  get(id: string): { extension: string | null } | undefined;
  byExtension(extension: string): object | undefined;
}

export interface PhoneEventsDeps {
  sip: SipStack;
  phones: Phones;
  registrar: Registrar;
  authenticator: Authenticator;
  db: Database;
  batch: Batch;
  bus: Bus;
  clock: Clock;
  log: Log;
  instance: string;
  people?: People | undefined;
  /** Voicemail; without it no messages wait for anybody. */
  messages?: MessageCounts | undefined;
  suspicious(flow: Flow, what: 'unknown-user' | 'wrong-password', username: string): void;
}

const NO_MESSAGES: MessageCounts = { of: async () => ({ fresh: 0, heard: 0 }), onChange: () => () => {} };

export function createPhoneEvents(deps: PhoneEventsDeps) {
  const { phones, people, db, batch, bus } = deps;
  const lines = new BusyLines({
    extensionOf(phoneId) {
      const phone = phones.book.get(phoneId);
      return phone?.extension ?? (phone?.agentId && people?.get(phone.agentId)?.extension) ?? undefined;
    },
    exists: (extension) =>
      phones.book.byExtension(extension).length > 0 || people?.byExtension(extension) !== undefined,
  });
  const subscriptions = createSubscriptions({
    ...deps,
    lines,
    messages: deps.messages ?? NO_MESSAGES,
    store: createSubscriptionStore(db, batch),
  });
  const restart = createRestart(deps);
  const unhandle = bus.handle('voice', 'phone.restart', ({ phoneId }) => restart(phoneId));

  return {
    subscribe: (incoming: IncomingRequest): void => void subscriptions.receive(incoming),
    /** A leg has another state. */
    changed: (leg: Leg): void => lines.changed(leg),
    start: () => subscriptions.start(),
    stop(): void {
      unhandle();
      subscriptions.stop();
    },
  };
}
