// An INVITE from outside until its final response: RFC 3261 §13.3.
import type { Dialog, DialogFacts, IncomingInvite, Reply } from '../api.ts';
import { buildResponse, newTag } from '../message/build.ts';
import type { SipRequest } from '../message/message.ts';
import { parseReason } from '../message/reason.ts';
import type { ServerTransaction } from '../transaction/server.ts';
import type { Connection } from '../transport/connection.ts';
import { ALLOW, type Core } from './core.ts';
import { DialogSession } from './dialog.ts';
import { uasFacts } from './facts.ts';

type CancelReason = { q850?: number; sip?: number; text?: string };

export class InviteFromPeer implements IncomingInvite {
  readonly #transaction: ServerTransaction;
  readonly #core: Core;
  readonly #localTag = newTag();
  readonly #cancelListeners: ((reason: CancelReason) => void)[] = [];
  readonly #stopWatching: () => void;
  #cancelled: CancelReason | undefined;
  #final = false;

  constructor(transaction: ServerTransaction, core: Core) {
    this.#transaction = transaction;
    this.#core = core;
    transaction.user = { onCancel: (cancel) => this.#cancel(parseReason(cancel)) };
    this.#stopWatching = transaction.flow.onClose(() => this.#cancel({ text: 'Connection lost' }));
    transaction.respond(buildResponse(transaction.request, { status: 100 }));
  }

  get request(): SipRequest {
    return this.#transaction.request;
  }

  get flow(): Connection {
    return this.#transaction.flow;
  }

  get facts(): DialogFacts {
    return uasFacts(this.request, this.flow, this.#localTag, this.#contactUri());
  }

  respond(reply: Reply): void {
    if (reply.status < 200) this.progress(reply);
    else if (reply.status < 300) this.accept({ ...reply, body: reply.body?.toString() ?? '' });
    else this.reject(reply);
  }

  progress(reply: Reply): void {
    if (!this.#final) this.#send(reply);
  }

  reject(reply: Reply): void {
    if (this.#final) return;
    this.#end();
    this.#send(reply);
  }

  accept(reply: { contentType?: string; body?: string; headers?: [string, string][] }): {
    dialog: Dialog;
    acked: Promise<SipRequest>;
  } {
    const dialog = new DialogSession(this.#core, this.facts, this.flow);
    if (this.#final) {
      // The caller gave up first: 487 has been sent, nothing is left to answer.
      dialog.receiveCancelled();
      const acked = Promise.reject<SipRequest>(new Error('The caller gave up'));
      acked.catch(() => {});
      return { dialog, acked };
    }
    this.#end();
    const response = this.#send({ ...reply, status: 200 });
    const acked = new Promise<SipRequest>((resolve, reject) => {
      dialog.awaitAck(
        this.request.cseq.number,
        () => this.#transaction.respond(response),
        resolve,
        () => reject(new Error('No ACK came')),
      );
    });
    acked.catch(() => {});
    this.#transaction.user = { onAck: (ack) => dialog.receiveAck(ack) };
    return { dialog, acked };
  }

  onCancel(listener: (reason: CancelReason) => void): void {
    if (this.#cancelled) {
      const reason = this.#cancelled;
      queueMicrotask(() => listener(reason));
    } else this.#cancelListeners.push(listener);
  }

  #send(reply: Reply) {
    const dialogForming = reply.status > 100 && reply.status < 300;
    const response = buildResponse(this.request, reply, {
      toTag: this.#localTag,
      contact: dialogForming ? `<${this.#contactUri()}>` : undefined,
      recordRoute: dialogForming,
      server: this.#core.userAgent,
    });
    if (dialogForming && !response.has('allow')) response.append('Allow', ALLOW);
    this.#transaction.respond(response);
    return response;
  }

  #contactUri(): string {
    return this.#core.contactFor(this.request.uri.user ?? '', this.flow);
  }

  #cancel(reason: CancelReason): void {
    if (this.#final) return;
    this.#end();
    this.#cancelled = reason;
    this.#send({ status: 487 });
    for (const listener of this.#cancelListeners) listener(reason);
  }

  #end(): void {
    this.#final = true;
    this.#stopWatching();
  }
}
