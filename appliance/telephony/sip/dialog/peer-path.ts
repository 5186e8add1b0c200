// The way to the peer of a dialog: what our requests carry and over which connection they go. RFC 3261 §12.2.1.1.
import type { DialogFacts } from '../api.ts';
import { SipRequest, type SipResponse } from '../message/message.ts';
import type { Connection } from '../transport/connection.ts';
import { ALLOW, type Core } from './core.ts';
import { flowFacts } from './facts.ts';
import { route } from './route-set.ts';
import { sessionFields } from './session-timer.ts';

export type SendOptions = {
  headers?: [string, string][];
  contentType?: string;
  body?: string;
  /** No answer is no verdict on the dialog: whoever asks waits longer than RFC 3261 §12.2.1.2 does. */
  patient?: boolean;
};

export class PeerPath {
  readonly #core: Core;
  readonly #facts: DialogFacts;
  readonly #changed: () => void;
  #flow: Connection | undefined;
  /** The address that answered last: names may lead to several, of which some are dead. */
  #worked: string | undefined;

  /** `facts` are the dialog's own: target and flow are kept up to date in them. */
  constructor(core: Core, facts: DialogFacts, flow: Connection | undefined, changed: () => void) {
    this.#core = core;
    this.#facts = facts;
    this.#flow = flow;
    this.#changed = changed;
  }

  get requestUri(): string {
    return route(this.#facts.remoteTarget, this.#facts.routeSet).requestUri;
  }

  build(method: string, cseq: number, options: SendOptions): SipRequest {
    const facts = this.#facts;
    const { requestUri, routes } = route(facts.remoteTarget, facts.routeSet);
    const request = new SipRequest(method, requestUri, options.body);
    for (const value of routes) request.append('Route', value);
    request.append('Max-Forwards', '70');
    request.append('From', `<${facts.localUri}>;tag=${facts.localTag}`);
    request.append('To', facts.remoteTag ? `<${facts.remoteUri}>;tag=${facts.remoteTag}` : `<${facts.remoteUri}>`);
    request.append('Call-ID', facts.callId);
    request.append('CSeq', `${cseq} ${method}`);
    if (method !== 'BYE' && method !== 'ACK') request.append('Contact', `<${facts.localContact}>`);
    if (method === 'INVITE') request.append('Allow', ALLOW);
    if (method === 'INVITE' || method === 'UPDATE') {
      request.append('Supported', this.#core.supported);
      if (facts.session) for (const field of sessionFields(facts.session, true)) request.append(...field);
    }
    request.append('User-Agent', this.#core.userAgent);
    for (const [name, value] of options.headers ?? []) request.append(name, value);
    if (options.body) request.append('Content-Type', options.contentType ?? 'application/sdp');
    return request;
  }

  /** Connections to the peer, best first: its registered one, the dialog's own, then by address (RFC 3263 §4). */
  flows(): Connection[] | Promise<Connection[]> {
    const { viaFlow, flow, remoteTarget, routeSet } = this.#facts;
    const { nextHop } = route(remoteTarget, routeSet);
    const own = viaFlow ? (this.#core.registered(nextHop) ?? this.#ownFlow()) : undefined;
    if (own) {
      this.#moveTo(own);
      return [own];
    }
    const found = this.#core.locate(nextHop);
    const orOld = (flows: Connection[]) => {
      if (flows.length > 1 && this.#worked !== undefined)
        return flows.toSorted((a, b) => Number(b.id === this.#worked) - Number(a.id === this.#worked));
      if (flows.length > 0) return flows;
      const old = this.#core.flowOf(flow);
      return old ? [old] : [];
    };
    return Array.isArray(found) ? orOld(found) : found.then(orOld);
  }

  worked(flow: Connection): void {
    this.#worked = flow.id;
  }

  #ownFlow(): Connection | undefined {
    if (this.#flow?.open) return this.#flow;
    // An address pair of UDP never closes; a former process may have made it.
    return this.#facts.flow.transport === 'udp' ? this.#core.flowOf(this.#facts.flow) : undefined;
  }

  /** The peer has a new connection: a browser that was reloaded, a phone that connected again. */
  #moveTo(flow: Connection): void {
    if (this.#flow === flow) return;
    this.#flow = flow;
    this.#facts.flow = flowFacts(flow);
    this.#changed();
  }

  refreshTarget(message: SipRequest | SipResponse): void {
    let target: string | undefined;
    try {
      void message.contact?.uri;
      target = message.contact?.uriText;
    } catch {
      return; // an unreadable Contact leaves the target as it was
    }
    if (target === undefined || target === this.#facts.remoteTarget) return;
    this.#facts.remoteTarget = target;
    this.#changed();
  }
}
