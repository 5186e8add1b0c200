// What dialogs and invites need of the stack around them.
import type { Clock } from '#appliance/kernel/clock.ts';
import type { SipLog } from '../api.ts';
import type { SipRequest } from '../message/message.ts';
import type { ClientTransaction, ClientUser } from '../transaction/client.ts';
import type { SipTimers } from '../transaction/timers.ts';
import type { Connection } from '../transport/connection.ts';
import type { DialogSession } from './dialog.ts';

export interface Core {
  readonly clock: Clock;
  readonly timers: SipTimers;
  readonly log: SipLog;
  readonly userAgent: string;
  /** Value of our Supported field. */
  readonly supported: string;
  readonly sessionTimer: { expiresS: number; minS: number } | undefined;
  /** The connection behind which the registrar knows that contact. */
  registered(uriText: string): Connection | undefined;
  /** Connections that lead to a URI, best first; at once when no name must be looked up. */
  locate(uriText: string): Connection[] | Promise<Connection[]>;
  /** The TCP connection that a request too large for UDP should be tried over first. */
  fitting(request: SipRequest, flow: Connection): Connection | undefined;
  /** Adds our Via and starts a client transaction. */
  send(request: SipRequest, flow: Connection, user: ClientUser, branch?: string): ClientTransaction;
  /** An ACK of a 2xx: no transaction. Returns how to send the same bytes again. `failed`: it could not be handed to the network. */
  sendAck(request: SipRequest, flow: Connection, options?: { branch?: string; failed?: () => void }): () => void;
  /** Contact value for our side of that flow. */
  contactFor(user: string, flow: Connection, params?: Record<string, string>): string;
  adopt(dialog: DialogSession): void;
  release(dialog: DialogSession): void;
  /** A connection described in facts: the one that is up, or a new one; undefined for a WebSocket that is gone. */
  flowOf(facts: { transport: Connection['transport']; address: string; port: number }): Connection | undefined;
}

/** Methods this stack answers: the Allow field. */
export const ALLOW =
  'INVITE, ACK, CANCEL, BYE, OPTIONS, INFO, UPDATE, PRACK, REFER, NOTIFY, SUBSCRIBE, MESSAGE, REGISTER';
