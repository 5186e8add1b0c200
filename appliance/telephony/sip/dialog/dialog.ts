// A confirmed dialog: RFC 3261 §12, §14, §15. Requests of both sides, the session's end, facts for a later process.
import {
  type Credentials,
  type Dialog,
  type DialogFacts,
  type InDialogRequest,
  InviteFailed,
  type ReinviteOptions,
  type Reply,
  RequestFailed,
  type SessionBody,
} from '../api.ts';
import { buildResponse, randomHex } from '../message/build.ts';
import type { SipRequest, SipResponse } from '../message/message.ts';
import { parseReason } from '../message/reason.ts';
import type { ServerTransaction } from '../transaction/server.ts';
import { sixtyFourT1 } from '../transaction/timers.ts';
import type { Connection } from '../transport/connection.ts';
import { ALLOW, type Core } from './core.ts';
import { PeerRequest } from './in-dialog-request.ts';
import { PeerPath, type SendOptions } from './peer-path.ts';
import { repeat } from './repeat.ts';
import { DialogSender } from './sender.ts';
import { type SessionTerms, SessionTimer, sessionFields, termsForAnswer, termsFromAnswer } from './session-timer.ts';

/** Glares with one peer after which a re-INVITE is given up. */
const MAX_GLARES = 8;

type End = { by: 'us' | 'peer' | 'failure'; q850?: number; status?: number };

export class DialogSession implements Dialog {
  readonly id: string;
  readonly #core: Core;
  readonly #facts: DialogFacts;
  readonly #requestListeners: ((request: InDialogRequest) => void)[] = [];
  readonly #endListeners: ((end: End) => void)[] = [];
  readonly #changeListeners: (() => void)[] = [];
  /** 2xx of ours that wait for their ACK, by CSeq number. */
  readonly #unacked = new Map<number, { stop: () => void; acked: (ack: SipRequest) => void }>();
  readonly #path: PeerPath;
  readonly #sender: DialogSender;
  readonly #timer: SessionTimer;
  /** Set while we have reliable provisional responses out: true when the PRACK was for one of them. */
  onPrack: ((prack: SipRequest, respond: () => void) => boolean) | undefined;
  #early = false;
  #end: End | undefined;
  #byeHeaders: [string, string][] | undefined;
  #peerInvite: PeerRequest | undefined;
  #ourInvite = false;
  #ourOffer: ReinviteOptions | undefined;

  constructor(core: Core, facts: DialogFacts, flow: Connection | undefined, credentials?: Credentials) {
    this.#core = core;
    this.#facts = facts;
    this.#path = new PeerPath(core, facts, flow, () => this.#changed());
    this.#sender = new DialogSender(
      core,
      this.#path,
      { nextSeq: () => this.#nextSeq(), accepted: (request, response) => this.#accepted(request, response) },
      credentials,
    );
    this.#timer = new SessionTimer(
      core.clock,
      () => void this.#refresh(),
      () => this.#expired(),
    );
    if (facts.session) this.#timer.restart(facts.session);
    this.id = dialogId(facts.callId, facts.localTag, facts.remoteTag);
    core.adopt(this);
  }

  get callId(): string {
    return this.#facts.callId;
  }

  get facts(): DialogFacts {
    return { ...this.#facts, routeSet: [...this.#facts.routeSet] };
  }

  get terminated(): boolean {
    return this.#end !== undefined;
  }

  async request(method: string, options: SendOptions & { credentials?: Credentials } = {}): Promise<SipResponse> {
    if (this.#end) throw new RequestFailed(481, 'The dialog is over');
    const response = await this.#send(method, options, options.credentials);
    this.#judge(response.status);
    if (method === 'UPDATE' && isSuccess(response)) {
      this.#path.refreshTarget(response);
      if (options.body) this.#remember({ ...options, body: options.body });
      if (!this.#early) this.#setTerms(termsFromAnswer(response));
    }
    return response;
  }

  async reinvite(options: ReinviteOptions): Promise<SipResponse> {
    for (let attempt = 0; ; attempt++) {
      if (this.#end) throw new InviteFailed(481, 'The dialog is over');
      // RFC 3261 §14.1: not while another INVITE is in progress, in either direction.
      if (!this.#ourInvite && !this.#peerInvite && this.#unacked.size === 0) {
        this.#ourInvite = true;
        let response: SipResponse;
        try {
          this.#ourOffer = options;
          response = await this.#send('INVITE', options);
        } catch (error) {
          throw error instanceof RequestFailed ? new InviteFailed(error.status, error.message) : error;
        } finally {
          this.#ourInvite = false;
          this.#ourOffer = undefined;
        }
        if (isSuccess(response)) return response;
        this.#judge(response.status);
        if (response.status !== 491 || attempt >= MAX_GLARES) {
          throw new InviteFailed(response.status, response.reason, response);
        }
      }
      await this.#pause(this.#glareMs());
    }
  }

  bye(options: { headers?: [string, string][] } = {}): void {
    if (this.#end) return;
    this.#finish({ by: 'us' });
    if (this.#facts.usage === 'subscription') {
      this.#core.release(this);
      return;
    }
    this.#byeHeaders = options.headers ?? [];
    // RFC 3261 §15: the callee waits with its BYE until the ACK has come.
    if (this.#unacked.size === 0) this.#sendBye();
  }

  onRequest(listener: (request: InDialogRequest) => void): void {
    this.#requestListeners.push(listener);
  }

  onEnd(listener: (end: End) => void): void {
    if (this.#end) {
      const end = this.#end;
      queueMicrotask(() => listener(end));
    } else this.#endListeners.push(listener);
  }

  onChange(listener: () => void): void {
    this.#changeListeners.push(listener);
  }

  // ---- below: for the stack ----

  /** Before the 2xx: no BYE when something fails. */
  markEarly(): this {
    this.#early = true;
    return this;
  }

  /** We called, and this fork's 2xx came: it decides target and route (RFC 3261 §13.2.2.4). */
  confirmFrom(facts: DialogFacts): void {
    this.#early = false;
    this.#facts.remoteTarget = facts.remoteTarget;
    this.#facts.routeSet = facts.routeSet;
    this.#facts.viaFlow = facts.viaFlow;
  }

  /** We called: what the 2xx says about the session. */
  agreed(response: SipResponse, session: SessionBody | undefined): void {
    this.#remember(session);
    this.#learn(response);
    this.#setTerms(termsFromAnswer(response));
  }

  /** We were called and accept. */
  confirmAs(terms: SessionTerms | undefined, request: SipRequest, session: SessionBody | undefined): void {
    this.#early = false;
    this.#remember(session);
    this.#learn(request);
    this.#setTerms(terms);
  }

  /** ACK for a 2xx, or the same ACK again. `session` answers a late offer. */
  ack(cseq: number, session?: SessionBody): void {
    if (session && !this.#sender.acknowledged(cseq)) this.#remember(session);
    this.#sender.ack(cseq, session);
  }

  /** Our 2xx to an INVITE is repeated until the ACK comes. */
  awaitAck(cseq: number, send: () => void, acked: (ack: SipRequest) => void, failed: () => void): void {
    const stop = repeat(this.#core.clock, this.#core.timers, send, () => {
      this.#unacked.delete(cseq);
      failed();
      // RFC 3261 §13.3.1.4: the dialog is confirmed, but the session ends.
      this.#finish({ by: 'failure', status: 408 });
      this.#byeHeaders ??= [];
      this.#sendBye();
    });
    this.#unacked.set(cseq, { stop, acked });
  }

  receiveAck(ack: SipRequest): void {
    const waiting = this.#unacked.get(ack.cseq.number);
    if (!waiting) return;
    this.#unacked.delete(ack.cseq.number);
    waiting.stop();
    waiting.acked(ack);
    if (this.#byeHeaders && this.#unacked.size === 0) this.#sendBye();
  }

  receive(transaction: ServerTransaction): void {
    const { request } = transaction;
    const { number } = request.cseq;
    if (this.#facts.remoteSeq !== null && number < this.#facts.remoteSeq) {
      this.#respond(transaction, { status: 500, reason: 'CSeq out of order' }); // RFC 3261 §12.2.2
      return;
    }
    if (number !== this.#facts.remoteSeq) {
      this.#facts.remoteSeq = number;
      this.#changed();
    }
    if (request.method === 'PRACK') {
      this.#onPrackRequest(transaction);
    } else if (request.method === 'BYE') {
      this.#respond(transaction, { status: 200 });
      this.#onBye(request);
    } else if (this.#end) {
      this.#respond(transaction, { status: 481 });
    } else if (request.method === 'INVITE') {
      this.#onInvite(transaction);
    } else {
      this.#deliver(transaction);
    }
  }

  /** The INVITE was cancelled before it was accepted: there never was a session. */
  receiveCancelled(): void {
    this.#finish({ by: 'peer', status: 487 });
    this.#core.release(this);
  }

  /** Listeners are not called, nothing is sent: the stack stops. */
  drop(): void {
    this.#timer.stop();
    for (const { stop } of this.#unacked.values()) stop();
    this.#unacked.clear();
    this.#peerInvite?.drop();
  }

  #onBye(request: SipRequest): void {
    this.#peerInvite?.respond({ status: 487 }); // RFC 3261 §15.1.2
    for (const { stop } of this.#unacked.values()) stop();
    this.#unacked.clear();
    const { q850, sip } = parseReason(request);
    this.#finish({
      by: 'peer',
      ...(q850 === undefined ? {} : { q850 }),
      ...(sip === undefined ? {} : { status: sip }),
    });
    if (this.#byeHeaders === undefined) this.#core.release(this);
  }

  #onPrackRequest(transaction: ServerTransaction): void {
    const respond = () => {
      // An offer or answer in a PRACK is for the user; one without is ours.
      if (transaction.request.body.length > 0 && this.#requestListeners.length > 0) this.#deliver(transaction);
      else this.#respond(transaction, { status: 200 });
    };
    if (!this.onPrack?.(transaction.request, respond)) this.#respond(transaction, { status: 481 }); // RFC 3262 §3
  }

  #onInvite(transaction: ServerTransaction): void {
    if (this.#early) {
      this.#respond(transaction, { status: 491 });
      return;
    }
    // RFC 3261 §14.2; RFC 5407 §3.1: also while the ACK of the 2xx before is missing.
    if (this.#ourInvite || this.#unacked.size > 0) {
      this.#respond(transaction, { status: 491 });
      return;
    }
    if (this.#peerInvite) {
      const seconds = Number.parseInt(randomHex(2), 16) % 11;
      const headers: [string, string][] = [['Retry-After', String(seconds)]];
      this.#respond(transaction, { status: 500, headers });
      return;
    }
    const peer = this.#deliver(transaction);
    if (peer && !peer.done) {
      this.#peerInvite = peer;
      transaction.user = { onCancel: () => peer.respond({ status: 487 }) };
    }
  }

  #deliver(transaction: ServerTransaction): PeerRequest | undefined {
    const { method, body } = transaction.request;
    if (method === 'UPDATE' && body.length === 0) {
      this.#answer(transaction, undefined, { status: 200 }); // RFC 4028 §7.4: a refresh without an offer
      return undefined;
    }
    if (this.#requestListeners.length === 0) {
      const status =
        transaction.request.method === 'INVITE' ? 488 : transaction.request.method === 'OPTIONS' ? 200 : 405;
      this.#respond(transaction, { status, headers: [['Allow', ALLOW]] });
      return undefined;
    }
    const peer = new PeerRequest(transaction.request, this.#core.clock, (reply) =>
      this.#answer(transaction, peer, reply),
    );
    for (const listener of this.#requestListeners) listener(peer);
    return peer;
  }

  #answer(transaction: ServerTransaction, peer: PeerRequest | undefined, reply: Reply): void {
    const { request } = transaction;
    const final = reply.status >= 200;
    if (final && peer && this.#peerInvite === peer) this.#peerInvite = undefined;
    const success = final && reply.status < 300;
    let { headers = [] } = reply;
    if (success && (request.method === 'INVITE' || request.method === 'UPDATE')) {
      this.#path.refreshTarget(request);
      this.#remember(reply.body ? { ...reply, body: reply.body.toString() } : undefined);
      const terms = this.#core.sessionTimer && termsForAnswer(request, this.#core.sessionTimer.expiresS);
      if (terms && !this.#early) {
        this.#setTerms(terms);
        headers = [...headers, ...sessionFields(terms, false)];
      }
    }
    if (success && request.method === 'SUBSCRIBE') this.#path.refreshTarget(request); // RFC 6665 §4.4.1
    const response = this.#respond(transaction, { ...reply, headers });
    if (success && request.method === 'INVITE') {
      this.awaitAck(
        request.cseq.number,
        () => transaction.respond(response),
        (ack) => peer?.acked(ack),
        () => {},
      );
    }
  }

  #respond(transaction: ServerTransaction, reply: Reply): SipResponse {
    const { method } = transaction.request;
    const withContact = reply.status < 300 && (method === 'INVITE' || method === 'UPDATE' || method === 'SUBSCRIBE');
    const response = buildResponse(transaction.request, reply, {
      contact: withContact ? `<${this.#facts.localContact}>` : undefined,
      recordRoute: withContact,
      server: this.#core.userAgent,
    });
    transaction.respond(response);
    return response;
  }

  /** RFC 3261 §12.2.1.2: without an answer the dialog is over, and BYE tells the peer if it can hear. */
  async #send(method: string, options: SendOptions, credentials?: Credentials): Promise<SipResponse> {
    try {
      return await this.#sender.send(method, options, credentials);
    } catch (error) {
      if (error instanceof RequestFailed && !(options.patient && error.status !== 481))
        this.#judge(error.status === 503 ? 408 : error.status);
      throw error;
    }
  }

  #nextSeq(): number {
    const next = ++this.#facts.localSeq;
    this.#changed();
    return next;
  }

  /** Our re-INVITE was accepted, each time we hear of it. */
  #accepted(request: SipRequest, response: SipResponse): void {
    const offer = this.#ourOffer;
    this.#path.refreshTarget(response);
    if (offer?.body) this.#remember({ ...offer, body: offer.body });
    this.#setTerms(termsFromAnswer(response));
    const { number } = request.cseq;
    this.ack(number, this.#sender.acknowledged(number) ? undefined : offer?.answer?.(response));
  }

  #judge(status: number): void {
    if (this.#end || (status !== 408 && status !== 481)) return;
    this.#finish({ by: 'failure', status });
    if (status === 408 && !this.#early && this.#facts.usage !== 'subscription') {
      this.#byeHeaders = [];
      this.#sendBye();
    } else {
      this.#core.release(this);
    }
  }

  #sendBye(): void {
    const headers = this.#byeHeaders ?? [];
    const done = () => this.#core.release(this);
    this.#send('BYE', { headers }).then(done, done);
  }

  #remember(session: SessionBody | undefined): void {
    if (!session) return;
    const { contentType, body } = session;
    this.#facts.localSession = contentType === undefined ? { body } : { contentType, body };
    this.#changed();
  }

  #learn(message: SipRequest | SipResponse): void {
    if (message.has('allow')) this.#facts.allowsUpdate = message.tokens('allow').has('update');
  }

  #setTerms(terms: SessionTerms | undefined): void {
    if (this.#end) return;
    if (terms) this.#facts.session = terms;
    else delete this.#facts.session;
    this.#timer.restart(terms);
    this.#changed();
  }

  /** RFC 4028 §7.4: by UPDATE where the peer allows it, else by our last description again. */
  async #refresh(): Promise<void> {
    try {
      const { allowsUpdate, localSession } = this.#facts;
      if (allowsUpdate) await this.request('UPDATE');
      else if (localSession) await this.reinvite(localSession);
    } catch (error) {
      this.#core.log.info({ dialog: this.id, err: String(error) }, 'sip session refresh failed');
    }
  }

  #expired(): void {
    if (this.#end) return;
    this.#finish({ by: 'failure', status: 408 });
    this.#byeHeaders = [['Reason', 'SIP;cause=408;text="Session timer expired"']];
    this.#sendBye();
  }

  #finish(end: End): void {
    if (this.#end) return;
    this.#timer.stop();
    this.#end = end;
    for (const listener of this.#endListeners) listener(end);
  }

  #changed(): void {
    for (const listener of this.#changeListeners) listener();
  }

  /** RFC 3261 §14.1: the owner of the Call-ID waits 2.1 to 4 s, the other 0 to 2 s, in steps of 10 ms. */
  #glareMs(): number {
    const random = Number.parseInt(randomHex(8), 16) / 0x1_0000_0000;
    const scale = sixtyFourT1(this.#core.timers) / 32_000;
    const steps = this.#facts.role === 'uac' ? 210 + Math.floor(random * 191) : Math.floor(random * 201);
    return steps * 10 * scale;
  }

  #pause(ms: number): Promise<void> {
    return new Promise((resolve) => {
      this.#core.clock.after(ms, resolve);
    });
  }
}

export function dialogId(callId: string, localTag: string, remoteTag: string): string {
  return `${callId} ${localTag} ${remoteTag}`;
}

function isSuccess(response: SipResponse): boolean {
  return response.status >= 200 && response.status < 300;
}
