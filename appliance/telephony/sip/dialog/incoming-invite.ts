// An INVITE from outside until its final response: RFC 3261 §13.3, reliable provisionals RFC 3262.
import type { Dialog, DialogFacts, IncomingInvite, Reply } from '../api.ts';
import { buildResponse, newTag } from '../message/build.ts';
import type { SipRequest, SipResponse } from '../message/message.ts';
import { parseReason } from '../message/reason.ts';
import type { ServerTransaction } from '../transaction/server.ts';
import type { Connection } from '../transport/connection.ts';
import { ALLOW, type Core } from './core.ts';
import { DialogSession } from './dialog.ts';
import { uasFacts } from './facts.ts';
import { ReliableProvisionals } from './reliable.ts';
import { sessionFields, termsForAnswer } from './session-timer.ts';

type CancelReason = { q850?: number; sip?: number; text?: string };

export class InviteFromPeer implements IncomingInvite {
  readonly #transaction: ServerTransaction;
  readonly #core: Core;
  readonly #localTag = newTag();
  readonly #cancelListeners: ((reason: CancelReason) => void)[] = [];
  readonly #stopWatching: () => void;
  #dialog: DialogSession | undefined;
  #reliable: ReliableProvisionals | undefined;
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
    return this.#dialog?.facts ?? uasFacts(this.request, this.flow, this.#localTag, this.#contactUri());
  }

  get dialog(): Dialog | undefined {
    return this.#dialog;
  }

  respond(reply: Reply): void {
    if (reply.status < 200) this.progress(reply);
    else if (reply.status < 300) this.accept({ ...reply, body: reply.body?.toString() ?? '' });
    else this.reject(reply);
  }

  progress(reply: Reply): void {
    if (this.#final || reply.status <= 100) return;
    const required = this.request.tokens('require').has('100rel');
    const wanted = reply.reliable === true && this.request.tokens('supported').has('100rel');
    if (required || wanted) this.#progressReliably(reply);
    else this.#send(reply);
  }

  reject(reply: Reply): void {
    if (this.#final) return;
    this.#end();
    this.#send(reply);
    this.#dialog?.receiveCancelled();
  }

  accept(reply: { contentType?: string; body?: string; headers?: [string, string][] }): {
    dialog: Dialog;
    acked: Promise<SipRequest>;
  } {
    const dialog = this.#ensureDialog();
    if (this.#final) {
      // The caller gave up first: 487 has been sent, nothing is left to answer.
      dialog.receiveCancelled();
      const acked = Promise.reject<SipRequest>(new Error('The caller gave up'));
      acked.catch(() => {});
      return { dialog, acked };
    }
    this.#final = true;
    this.#stopWatching();
    const terms = this.#core.sessionTimer && termsForAnswer(this.request, this.#core.sessionTimer.expiresS);
    const headers = [...(reply.headers ?? []), ...(terms ? sessionFields(terms, false) : [])];
    dialog.confirmAs(terms, this.request, reply.body ? { ...reply, body: reply.body } : undefined);
    const acked = new Promise<SipRequest>((resolve, reject) => {
      const answer = () => {
        const response = this.#send({ ...reply, headers, status: 200 });
        dialog.awaitAck(
          this.request.cseq.number,
          () => this.#transaction.respond(response),
          resolve,
          () => reject(new Error('No ACK came')),
        );
      };
      if (this.#reliable) this.#reliable.afterwards(answer);
      else answer();
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

  #progressReliably(reply: Reply): void {
    const dialog = this.#ensureDialog();
    const { clock, timers } = this.#core;
    // RFC 3262 §3: without its PRACK the call cannot be set up.
    this.#reliable ??= new ReliableProvisionals(clock, timers, () => this.#unacknowledged());
    const reliable = this.#reliable;
    dialog.onPrack = (prack, respond) => {
      if (!reliable.acknowledge(prack, this.request.cseq.number)) return false;
      respond();
      reliable.proceed();
      return true;
    };
    reliable.send((rseq) => {
      const headers: [string, string][] = [...(reply.headers ?? []), ['Require', '100rel'], ['RSeq', String(rseq)]];
      const response = this.#build({ ...reply, headers });
      return () => this.#transaction.respond(response);
    });
  }

  #unacknowledged(): void {
    if (this.#transaction.status >= 200) return;
    this.#final = false;
    this.reject({ status: 504, reason: 'No PRACK' });
  }

  #ensureDialog(): DialogSession {
    if (this.#dialog) return this.#dialog;
    const facts = uasFacts(this.request, this.flow, this.#localTag, this.#contactUri());
    this.#dialog = new DialogSession(this.#core, facts, this.flow).markEarly();
    // A caller may end an early dialog by BYE as well (RFC 3261 §15).
    this.#dialog.onEnd(({ by }) => by === 'peer' && this.#cancel({}));
    return this.#dialog;
  }

  #send(reply: Reply): SipResponse {
    const response = this.#build(reply);
    this.#transaction.respond(response);
    return response;
  }

  #build(reply: Reply): SipResponse {
    const dialogForming = reply.status > 100 && reply.status < 300;
    const response = buildResponse(this.request, reply, {
      toTag: this.#localTag,
      contact: dialogForming ? `<${this.#contactUri()}>` : undefined,
      recordRoute: dialogForming,
      server: this.#core.userAgent,
    });
    if (dialogForming && !response.has('allow')) response.append('Allow', ALLOW);
    if (dialogForming && !response.has('supported')) response.append('Supported', this.#core.supported);
    return response;
  }

  #contactUri(): string {
    return this.#core.contactFor(this.request.uri.user ?? '', this.flow);
  }

  #cancel(reason: CancelReason): void {
    if (this.#transaction.status >= 200 || this.#cancelled) return;
    this.#end();
    this.#cancelled = reason;
    this.#send({ status: 487 });
    this.#dialog?.receiveCancelled();
    for (const listener of this.#cancelListeners) listener(reason);
  }

  #end(): void {
    this.#final = true;
    this.#reliable?.stop();
    this.#stopWatching();
  }
}
