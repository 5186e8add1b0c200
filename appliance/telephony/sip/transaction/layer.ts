// All transactions of one stack: matches messages to them and makes new ones. RFC 3261 §17, §9.2.
import type { Clock } from '#appliance/kernel/clock.ts';
import { buildResponse, newTag } from '../message/build.ts';
import type { SipRequest, SipResponse } from '../message/message.ts';
import type { Connection } from '../transport/connection.ts';
import { type ClientHost, ClientTransaction, type ClientUser } from './client.ts';
import { responseKey, serverKey } from './key.ts';
import { type ServerHost, ServerTransaction } from './server.ts';
import type { SipTimers } from './timers.ts';

/** The layer above: what no transaction claims arrives there. */
export interface TransactionUser {
  /** A new request; it must be answered through the transaction. */
  onRequest(transaction: ServerTransaction): void;
  /** An ACK that no transaction absorbed: it belongs to a 2xx. */
  onAck(request: SipRequest, flow: Connection): void;
  /** A response whose transaction is gone or was another process's. */
  onStrayResponse(response: SipResponse, flow: Connection): void;
}

export interface Wire {
  transmit(flow: Connection, message: SipRequest, data: Buffer, onError: (error: Error) => void): void;
  respond(
    request: SipRequest,
    flow: Connection,
    response: SipResponse,
    data: Buffer,
    onError: (error: Error) => void,
  ): void;
  unexpected(what: { key: string; state: string; input: string }): void;
}

export class TransactionLayer {
  readonly clock: Clock;
  readonly timers: SipTimers;
  readonly #clientHost: ClientHost;
  readonly #serverHost: ServerHost;
  readonly #user: TransactionUser;
  readonly #clients = new Map<string, ClientTransaction>();
  readonly #servers = new Map<string, ServerTransaction>();
  readonly #merging = new Map<string, ServerTransaction>();

  constructor(clock: Clock, timers: SipTimers, wire: Wire, user: TransactionUser) {
    this.clock = clock;
    this.timers = timers;
    this.#user = user;
    this.#clientHost = { clock, timers, ...wire, forget: (key) => this.#clients.delete(key) };
    this.#serverHost = {
      clock,
      timers,
      ...wire,
      forget: (gone) => {
        if (this.#servers.get(gone.key) === gone) this.#servers.delete(gone.key);
        if (this.#merging.get(gone.mergeKey) === gone) this.#merging.delete(gone.mergeKey);
      },
    };
  }

  /** How many transactions are remembered. */
  get size(): number {
    return this.#clients.size + this.#servers.size;
  }

  /** The request belongs to a transaction that is known: it costs nothing new. */
  knows(request: SipRequest): boolean {
    const method = request.method === 'ACK' || request.method === 'CANCEL' ? 'INVITE' : request.method;
    return this.#servers.has(serverKey(request, method));
  }

  /** Sends a request; its top Via carries our branch. */
  send(request: SipRequest, flow: Connection, user: ClientUser): ClientTransaction {
    const transaction = new ClientTransaction(request, flow, user, this.#clientHost);
    this.#clients.set(transaction.key, transaction);
    transaction.start();
    return transaction;
  }

  onResponse(response: SipResponse, flow: Connection): void {
    const transaction = this.#clients.get(responseKey(response));
    if (transaction) transaction.receive(response);
    else this.#user.onStrayResponse(response, flow);
  }

  onRequest(request: SipRequest, flow: Connection): void {
    if (request.method === 'ACK') {
      const invite = this.#servers.get(serverKey(request, 'INVITE'));
      if (invite) invite.receive(request);
      else this.#user.onAck(request, flow);
      return;
    }
    const known = this.#servers.get(serverKey(request));
    if (known) {
      known.receive(request);
      return;
    }
    if (request.method === 'CANCEL') {
      this.#onCancel(request, flow);
      return;
    }
    const transaction = this.#make(request, flow);
    // RFC 3261 §8.2.2.2: the same request over two paths; only outside of dialogs.
    if (request.to.tag === undefined) {
      const other = this.#merging.get(transaction.mergeKey);
      if (other && other.status < 300) {
        transaction.respond(buildResponse(request, { status: 482, reason: 'Merged Request' }, { toTag: newTag() }));
        return;
      }
      this.#merging.set(transaction.mergeKey, transaction);
    }
    this.#user.onRequest(transaction);
  }

  stop(): void {
    for (const transaction of [...this.#clients.values()]) transaction.abandon();
    for (const transaction of [...this.#servers.values()]) transaction.abandon();
  }

  /** RFC 3261 §9.2: answered by itself; the INVITE is answered by its user with 487. */
  #onCancel(request: SipRequest, flow: Connection): void {
    const invite = this.#servers.get(serverKey(request, 'INVITE'));
    const cancel = this.#make(request, flow);
    if (!invite) {
      cancel.respond(buildResponse(request, { status: 481 }, { toTag: newTag() }));
      return;
    }
    cancel.respond(buildResponse(request, { status: 200 }, { toTag: newTag() }));
    if (invite.status < 200) invite.user.onCancel?.(request);
  }

  #make(request: SipRequest, flow: Connection): ServerTransaction {
    const transaction = new ServerTransaction(request, flow, this.#serverHost);
    this.#servers.set(transaction.key, transaction);
    return transaction;
  }
}
