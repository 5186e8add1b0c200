// Requests of ours within a dialog: over which connection, what comes after it fails (RFC 3263 §4.3), digest, and the ACKs of 2xx.
import { type Credentials, RequestFailed, type SessionBody } from '../api.ts';
import { answerChallenge } from '../auth/client.ts';
import type { SipRequest, SipResponse } from '../message/message.ts';
import type { Connection } from '../transport/connection.ts';
import type { Core } from './core.ts';
import type { PeerPath, SendOptions } from './peer-path.ts';

/** Addresses and new connections that one request is tried over. */
const MAX_WAYS = 4;
/** ACKs that are kept for a 2xx that comes again. */
const MAX_ACKS = 4;

export interface SenderUser {
  /** The next CSeq number. */
  nextSeq(): number;
  /** A 2xx to our INVITE, each time it comes. */
  accepted(request: SipRequest, response: SipResponse): void;
}

interface Ack {
  cseq: number;
  session: SessionBody | undefined;
  ways: Connection[];
  way: number;
  again(): void;
}

export class DialogSender {
  readonly #core: Core;
  readonly #path: PeerPath;
  readonly #user: SenderUser;
  readonly #credentials: Credentials | undefined;
  /** To be repeated when a 2xx comes again, by CSeq number. */
  readonly #acks = new Map<number, Ack>();

  constructor(core: Core, path: PeerPath, user: SenderUser, credentials: Credentials | undefined) {
    this.#core = core;
    this.#path = path;
    this.#user = user;
    this.#credentials = credentials;
  }

  /** Resolves with the final response. @throws {RequestFailed} (as a rejection) when none came over any way. */
  async send(method: string, options: SendOptions, credentials = this.#credentials): Promise<SipResponse> {
    const response = await this.#overSomeWay(method, options);
    if (!credentials || (response.status !== 401 && response.status !== 407)) return response;
    const field = answerChallenge(response, credentials, { method, uri: this.#path.requestUri });
    if (!field) return response;
    return this.#overSomeWay(method, { ...options, headers: [...(options.headers ?? []), field] });
  }

  acknowledged(cseq: number): boolean {
    return this.#acks.has(cseq);
  }

  /** ACK for a 2xx, or the same ACK again. `session` answers a late offer. */
  ack(cseq: number, session?: SessionBody): void {
    const before = this.#acks.get(cseq);
    if (before) {
      // The 2xx came again: what we said was lost, perhaps at an address where nobody is.
      if (before.ways.length > 1) this.#ackOver(before, before.way + 1);
      else before.again();
      return;
    }
    const found = this.#path.flows();
    if (Array.isArray(found)) this.#ack(found, cseq, session);
    else void found.then((ways) => this.#acks.has(cseq) || this.#ack(ways, cseq, session));
  }

  #ack(ways: Connection[], cseq: number, session: SessionBody | undefined): void {
    if (ways.length === 0) return;
    const ack: Ack = { cseq, session, ways, way: 0, again() {} };
    this.#acks.set(cseq, ack);
    for (const old of this.#acks.keys()) if (this.#acks.size > MAX_ACKS) this.#acks.delete(old);
    this.#ackOver(ack, 0);
  }

  /** No transaction notices when an ACK is lost with its connection: what fails at once goes over the next way at once. */
  #ackOver(ack: Ack, way: number): void {
    const failed = () => {
      if (ack.way === way && way + 1 < ack.ways.length) this.#ackOver(ack, way + 1);
    };
    ack.way = way;
    const request = this.#path.build('ACK', ack.cseq, ack.session ?? {});
    ack.again = this.#core.sendAck(request, ack.ways[way % ack.ways.length]!, { failed });
  }

  async #overSomeWay(method: string, options: SendOptions): Promise<SipResponse> {
    const tried = new Map<string, Connection>();
    let refused: SipResponse | undefined;
    let failure = new RequestFailed(503, 'No way to the peer');
    for (let tries = 0; tries < MAX_WAYS; tries++) {
      const found = this.#path.flows();
      const flow = nextWay(Array.isArray(found) ? found : await found, tried);
      if (!flow) break;
      // A connection that broke is made once more, for it may have been idle for long.
      tried.set(tried.has(flow.id) ? `${flow.id} again` : flow.id, flow);
      try {
        const response = await this.#exchange(method, options, flow);
        if (response.status !== 503) {
          this.#path.worked(flow);
          return response;
        }
        refused = response;
      } catch (error) {
        if (!(error instanceof RequestFailed)) throw error;
        failure = error;
        refused = undefined;
      }
    }
    if (refused) return refused;
    throw failure;
  }

  #exchange(method: string, options: SendOptions, flow: Connection): Promise<SipResponse> {
    const request = this.#path.build(method, this.#user.nextSeq(), options);
    return new Promise((resolve, reject) => {
      this.#core.send(request, flow, {
        onResponse: (response) => {
          if (method === 'INVITE' && response.status >= 200 && response.status < 300)
            this.#user.accepted(request, response);
          if (response.status >= 200) resolve(response);
        },
        onTimeout: () => reject(new RequestFailed(408, 'No answer')),
        onTransportError: (error) => reject(new RequestFailed(503, error.message)),
      });
    });
  }
}

function nextWay(flows: Connection[], tried: ReadonlyMap<string, Connection>): Connection | undefined {
  return flows.find((flow) => {
    const before = tried.get(flow.id);
    return !before || (flow.reliable && before !== flow && !tried.has(`${flow.id} again`));
  });
}
