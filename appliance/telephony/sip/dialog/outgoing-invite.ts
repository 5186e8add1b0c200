// An INVITE of ours until it is answered or over: RFC 3261 §13.2, CANCEL §9.1.
import { type Dialog, type InviteFacts, InviteFailed, type InviteOptions, type OutgoingInvite } from '../api.ts';
import { answerChallenge } from '../auth/client.ts';
import { newBranch, newCallId, newTag } from '../message/build.ts';
import { SipRequest, type SipResponse } from '../message/message.ts';
import { printNameAddr } from '../message/name-addr.ts';
import { reliableSeq } from '../message/rack.ts';
import { reasonHeaders } from '../message/reason.ts';
import { reasonOf } from '../message/status.ts';
import { printUri } from '../message/uri.ts';
import type { ClientTransaction } from '../transaction/client.ts';
import { sixtyFourT1 } from '../transaction/timers.ts';
import type { Connection } from '../transport/connection.ts';
import { buildCancel } from './cancel.ts';
import { ALLOW, type Core } from './core.ts';
import { DialogSession } from './dialog.ts';
import { flowFacts, uacFacts } from './facts.ts';
import { route } from './route-set.ts';
import { minSeOf } from './session-timer.ts';

/** Forks that may ring at once; more are not acknowledged. */
const MAX_FORKS = 20;

type Answer = { dialog: Dialog; response: SipResponse };
type CancelReason = { q850?: number; sip?: number; text?: string };

export class InviteToPeer implements OutgoingInvite {
  readonly callId: string;
  readonly answered: Promise<Answer>;
  readonly #core: Core;
  readonly #options: InviteOptions;
  readonly #fromTag: string;
  readonly #progressListeners: ((response: SipResponse) => void)[] = [];
  readonly #changeListeners: (() => void)[] = [];
  /** One per fork that answered, by its To tag. */
  readonly #dialogs = new Map<string, DialogSession>();
  /** Forks that ring reliably, by their To tag. */
  readonly #early = new Map<string, { dialog: DialogSession; rseq: number }>();
  readonly #earlyListeners: ((dialog: Dialog) => void)[] = [];
  #resolve!: (answer: Answer) => void;
  #reject!: (error: InviteFailed) => void;
  #seq = 1;
  #branch: string;
  /** Connections still to be tried: RFC 3263 §4.3. */
  #flows: Connection[] = [];
  #flow: Connection | undefined;
  #transaction: ClientTransaction | undefined;
  /** What a 422 asked for. */
  #minSessionS = 0;
  #triedStream = false;
  #authorized = false;
  #provisional = false;
  #cancelReason: CancelReason | undefined;
  #cancelSent = false;
  #done = false;

  constructor(core: Core, options: InviteOptions) {
    this.#core = core;
    this.#options = options;
    this.callId = options.callId ?? newCallId();
    this.#fromTag = options.fromTag ?? newTag();
    this.#branch = options.branch ?? newBranch();
    this.answered = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
    this.answered.catch(() => {});
    this.#start();
  }

  get facts(): InviteFacts {
    const { routes, requestUri } = this.#routing();
    const flow = this.#flow;
    return {
      callId: this.callId,
      localTag: this.#fromTag,
      localUri: printUri(this.#options.from.uri),
      remoteUri: printUri(this.#options.to),
      requestUri,
      seq: this.#seq,
      branch: this.#branch,
      routes,
      flow: flow ? flowFacts(flow) : { transport: 'udp', address: '', port: 0, local: { address: '', port: 0 } },
    };
  }

  onProgress(listener: (response: SipResponse) => void): void {
    this.#progressListeners.push(listener);
  }

  onEarlyDialog(listener: (dialog: Dialog) => void): void {
    this.#earlyListeners.push(listener);
  }

  onChange(listener: () => void): void {
    this.#changeListeners.push(listener);
  }

  cancel(reason: CancelReason = {}): void {
    if (this.#done || this.#cancelReason) return;
    this.#cancelReason = reason;
    if (!this.#transaction) this.#fail(487, reasonOf(487));
    else if (this.#provisional) this.#sendCancel(); // RFC 3261 §9.1: not before a provisional response
  }

  #start(): void {
    const given = this.#options.flow as Connection | undefined;
    if (given?.open) {
      this.#try([given]);
      return;
    }
    const found = this.#core.locate(this.#routing().nextHop);
    if (Array.isArray(found)) this.#try(found);
    else void found.then((flows) => this.#try(flows));
  }

  #try(flows: Connection[]): void {
    if (this.#done) return;
    const [flow, ...rest] = flows;
    this.#flows = rest;
    if (!flow) {
      // Never from within invite(): the caller has no promise yet.
      queueMicrotask(() => this.#fail(503, 'No address to send to'));
      return;
    }
    this.#flow = flow;
    if (!this.#options.flow && !this.#triedStream && (this.#options.body?.length ?? 0) > 400) {
      const stream = this.#core.fitting(this.#build(flow, []), flow);
      if (stream) {
        this.#triedStream = true;
        this.#flow = stream;
        this.#flows = [flow, ...rest];
      }
    }
    this.#send([]);
  }

  #send(extra: [string, string][]): void {
    const flow = this.#flow!;
    const request = this.#build(flow, extra);
    this.#provisional = false;
    this.#transaction = this.#core.send(
      request,
      flow,
      {
        onResponse: (response) => this.#onResponse(request, flow, response),
        onTimeout: () => this.#next(408, 'No answer'),
        onTransportError: (error) => this.#next(503, error.message),
      },
      this.#branch,
    );
    for (const listener of this.#changeListeners) listener();
  }

  #build(flow: Connection, extra: [string, string][]): SipRequest {
    const { from, to, contact, headers = [], body, contentType } = this.#options;
    const { requestUri, routes } = this.#routing();
    const request = new SipRequest('INVITE', requestUri, body);
    for (const value of routes) request.append('Route', value);
    request.append('Max-Forwards', '70');
    request.append('From', printNameAddr({ ...from, params: { tag: this.#fromTag } }));
    request.append('To', printNameAddr({ uri: to }));
    request.append('Call-ID', this.callId);
    request.append('CSeq', `${this.#seq} INVITE`);
    request.append('Contact', `<${this.#core.contactFor(contact.user, flow, contact.params)}>`);
    request.append('Allow', ALLOW);
    request.append('Supported', this.#core.supported);
    const timer = this.#core.sessionTimer;
    if (timer) {
      request.append('Session-Expires', String(Math.max(timer.expiresS, this.#minSessionS)));
      request.append('Min-SE', String(Math.max(timer.minS, this.#minSessionS)));
    }
    request.append('User-Agent', this.#core.userAgent);
    for (const [name, value] of headers) request.append(name, value);
    for (const [name, value] of extra) request.append(name, value);
    if (body) request.append('Content-Type', contentType ?? 'application/sdp');
    return request;
  }

  #routing() {
    const { target, to, routes = [] } = this.#options;
    return route(
      printUri(target ?? to),
      routes.map((uri) => `<${printUri(uri)}>`),
    );
  }

  #onResponse(request: SipRequest, flow: Connection, response: SipResponse): void {
    if (response.status < 200) {
      this.#provisional = true;
      const rseq = reliableSeq(response);
      if (rseq !== undefined && !this.#acknowledge(request, flow, response, rseq)) return;
      if (this.#cancelReason && !this.#cancelSent) this.#sendCancel();
      else if (response.status > 100 && !this.#done) for (const listener of this.#progressListeners) listener(response);
    } else if (response.status < 300) {
      this.#onSuccess(request, flow, response);
    } else {
      this.#onFailure(request, response);
    }
  }

  /** RFC 3262 §4: PRACK in the early dialog. False for repetitions and what is out of order. */
  #acknowledge(request: SipRequest, flow: Connection, response: SipResponse, rseq: number): boolean {
    const tag = response.to.tag ?? '';
    let fork = this.#early.get(tag);
    if (fork ? rseq !== fork.rseq + 1 : this.#early.size >= MAX_FORKS) return false;
    if (fork) {
      fork.rseq = rseq;
    } else {
      const facts = uacFacts(request, response, flow, request.contact?.uriText ?? '', this.#options.flow !== undefined);
      const dialog = new DialogSession(this.#core, facts, flow, this.#options.credentials).markEarly();
      fork = { dialog, rseq };
      this.#early.set(tag, fork);
      for (const listener of this.#earlyListeners) listener(dialog);
    }
    // A late offer may come here; its answer then belongs into the PRACK.
    const offer = !this.#options.body && response.body.length > 0;
    const answer = offer ? this.#options.answer?.(response) : undefined;
    const headers: [string, string][] = [['RAck', `${rseq} ${request.cseq.number} INVITE`]];
    fork.dialog.request('PRACK', { headers, ...answer }).catch(() => {});
    return true;
  }

  #endForks(): void {
    for (const { dialog } of this.#early.values()) dialog.receiveCancelled();
    this.#early.clear();
  }

  /** RFC 3261 §13.2.2.4: each 2xx is acknowledged; the first makes the call, others are ended. */
  #onSuccess(request: SipRequest, flow: Connection, response: SipResponse): void {
    const tag = response.to.tag ?? '';
    const { number } = request.cseq;
    const known = this.#dialogs.get(tag);
    if (known) {
      known.ack(number);
      return;
    }
    const contact = request.contact?.uriText ?? '';
    const facts = uacFacts(request, response, flow, contact, this.#options.flow !== undefined);
    const early = this.#early.get(tag)?.dialog;
    this.#early.delete(tag);
    early?.confirmFrom(facts);
    const dialog = early ?? new DialogSession(this.#core, facts, flow, this.#options.credentials);
    this.#dialogs.set(tag, dialog);
    const { body, contentType, answer } = this.#options;
    dialog.ack(number, early ? undefined : answer?.(response));
    dialog.agreed(response, body ? { body, ...(contentType && { contentType }) } : undefined);
    this.#endForks();
    if (!this.#done && !this.#cancelReason) {
      this.#done = true;
      this.#resolve({ dialog, response });
      return;
    }
    dialog.bye({ headers: reasonHeaders(this.#cancelReason) });
    if (!this.#done) this.#fail(487, reasonOf(487));
  }

  #onFailure(request: SipRequest, response: SipResponse): void {
    if (this.#done) return;
    const { status } = response;
    const { credentials } = this.#options;
    if ((status === 401 || status === 407) && credentials && !this.#authorized && !this.#cancelReason) {
      const field = answerChallenge(response, credentials, { method: 'INVITE', uri: request.uriText });
      if (field) {
        this.#authorized = true;
        this.#seq++;
        this.#branch = newBranch();
        this.#send([field]);
        return;
      }
    }
    // RFC 4028 §7.3: a longer interval is asked for.
    if (status === 422 && this.#minSessionS === 0 && !this.#cancelReason) {
      this.#minSessionS = minSeOf(response);
      this.#seq++;
      this.#branch = newBranch();
      this.#send([]);
      return;
    }
    // RFC 3263 §4.3: 503 is a failure of the hop; the next address may do better.
    if (status === 503 && this.#flows.length > 0) {
      this.#next(503, response.reason, response);
      return;
    }
    this.#fail(status, response.reason, response);
  }

  #next(status: number, reason: string, response?: SipResponse): void {
    if (this.#done) return;
    if (this.#flows.length === 0 || this.#cancelReason) {
      this.#fail(this.#cancelReason ? 487 : status, this.#cancelReason ? reasonOf(487) : reason, response);
      return;
    }
    this.#branch = newBranch();
    this.#seq++;
    this.#try(this.#flows);
  }

  #sendCancel(): void {
    this.#cancelSent = true;
    const cancel = buildCancel(this.#transaction!.request, reasonHeaders(this.#cancelReason));
    const nothing = () => {};
    this.#core.send(
      cancel,
      this.#flow!,
      { onResponse: nothing, onTimeout: nothing, onTransportError: nothing },
      this.#branch,
    );
    // RFC 3261 §9.1: a peer that never ends the INVITE is taken to have ended it.
    this.#core.clock.after(sixtyFourT1(this.#core.timers), () => this.#fail(487, reasonOf(487)));
  }

  #fail(status: number, reason: string, response?: SipResponse): void {
    if (this.#done) return;
    this.#done = true;
    this.#endForks();
    this.#reject(new InviteFailed(status, reason, response));
  }
}
