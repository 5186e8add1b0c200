// A desk phone's side of subscriptions, on a UDP socket: subscribes, takes NOTIFYs, and does what tests tell it.
import { createSocket, type Socket } from 'node:dgram';
import { answerChallenge } from '../../sip/auth/client.ts';
import type { Credentials } from '../../sip/index.ts';
import { newBranch, newTag, parseMessage, SipRequest, SipResponse } from '../../sip/index.ts';
import { buildResponse } from '../../sip/message/build.ts';

interface Ask {
  event?: string;
  expires?: number | string | null;
  headers?: string[];
  /** Another SUBSCRIBE in a dialog of before. */
  within?: Subscribed;
  method?: string;
  contact?: string | null;
}

export interface Subscribed {
  response: SipResponse;
  callId: string;
  fromTag: string;
  toTag: string;
  uri: string;
  cseq: number;
  target: string;
  event: string | undefined;
}

export class Subscriber {
  readonly port: number;
  readonly notifies: SipRequest[] = [];
  /** All other requests. */
  readonly requests: SipRequest[] = [];
  /** Status of the answer to NOTIFY and others; 0: none. */
  answer = 200;
  credentials: Credentials | undefined;
  user: string;
  readonly #towards: number;
  readonly #socket: Socket;
  readonly #waiting = new Map<string, (response: SipResponse) => void>();
  readonly #seen = new Set<string>();
  readonly #news = new Set<() => void>();
  #calls = 0;

  private constructor(socket: Socket, port: number, towards: number, user: string) {
    this.#socket = socket;
    this.port = port;
    this.#towards = towards;
    this.user = user;
    socket.on('message', (data) => this.#receive(data));
  }

  static async open(port: number, towards: number, user: string, credentials?: Credentials): Promise<Subscriber> {
    const socket = createSocket('udp4');
    await new Promise<void>((resolve) => socket.bind(port, '127.0.0.1', resolve));
    const subscriber = new Subscriber(socket, port, towards, user);
    subscriber.credentials = credentials;
    return subscriber;
  }

  close(): void {
    this.#socket.close();
  }

  async subscribe(user: string, ask: Ask = {}): Promise<Subscribed> {
    const { within } = ask;
    const uri = within?.target ?? `sip:${user}@127.0.0.1:${this.#towards}`;
    const callId = within?.callId ?? `call-${this.port}-${++this.#calls}-${newTag()}`;
    const fromTag = within?.fromTag ?? newTag();
    let cseq = within ? within.cseq + 1 : 1;
    const build = (extra: [string, string][]) => {
      const request = new SipRequest(ask.method ?? 'SUBSCRIBE', uri);
      request.append('Via', `SIP/2.0/UDP 127.0.0.1:${this.port};branch=${newBranch()};rport`);
      request.append('Max-Forwards', '70');
      request.append('From', `<sip:${this.user}@127.0.0.1>;tag=${fromTag}`);
      request.append('To', `<sip:${user}@127.0.0.1>${within ? `;tag=${within.toTag}` : ''}`);
      request.append('Call-ID', callId);
      request.append('CSeq', `${cseq} ${request.method}`);
      if (ask.contact !== null) request.append('Contact', ask.contact ?? `<sip:${this.user}@127.0.0.1:${this.port}>`);
      if (ask.event !== '') request.append('Event', ask.event ?? 'dialog');
      if (ask.expires !== null) request.append('Expires', String(ask.expires ?? 600));
      for (const header of ask.headers ?? []) {
        const colon = header.indexOf(':');
        request.append(header.slice(0, colon), header.slice(colon + 1).trim());
      }
      for (const [name, value] of extra) request.append(name, value);
      return request;
    };
    let response = await this.#exchange(build([]));
    if (response.status === 401 && this.credentials) {
      const field = answerChallenge(response, this.credentials, { method: ask.method ?? 'SUBSCRIBE', uri });
      cseq++;
      if (field) response = await this.#exchange(build([field]));
    }
    const target = response.contact?.uriText ?? uri;
    return { response, callId, fromTag, toTag: response.to.tag ?? '', uri, cseq, target, event: ask.event };
  }

  register(expires = 300): Promise<Subscribed> {
    return this.subscribe(this.user, { method: 'REGISTER', event: '', expires });
  }

  /** The n-th NOTIFY of a subscription, as soon as it has come. */
  async notify({ callId }: Pick<Subscribed, 'callId'>, nth: number, timeoutMs = 4000): Promise<SipRequest> {
    return this.#until(() => this.of(callId)[nth - 1], timeoutMs);
  }

  request(method: string, event: string, nth = 1): Promise<SipRequest> {
    return this.#until(
      () => this.requests.filter((one) => one.method === method && one.header('event') === event)[nth - 1],
      4000,
    );
  }

  of(callId: string): SipRequest[] {
    return this.notifies.filter((one) => one.callId === callId);
  }

  #until<T>(find: () => T | undefined, timeoutMs: number): Promise<T> {
    return new Promise((resolve, reject) => {
      const look = () => {
        const found = find();
        if (found === undefined) return;
        clearTimeout(timer);
        this.#news.delete(look);
        resolve(found);
      };
      const timer = setTimeout(() => {
        this.#news.delete(look);
        reject(
          new Error(
            `Did not come; had ${[...this.notifies, ...this.requests].map((one) => one.startLine).join(' | ')}`,
          ),
        );
      }, timeoutMs);
      this.#news.add(look);
      look();
    });
  }

  #exchange(request: SipRequest): Promise<SipResponse> {
    return new Promise((resolve, reject) => {
      const branch = request.via.branch ?? '';
      const timer = setTimeout(() => reject(new Error(`No answer to ${request.startLine}`)), 4000);
      this.#waiting.set(branch, (response) => {
        if (response.status < 200) return;
        clearTimeout(timer);
        resolve(response);
      });
      this.#socket.send(request.print(), this.#towards, '127.0.0.1');
    });
  }

  #receive(data: Buffer): void {
    const message = parseMessage(data);
    if (message instanceof SipResponse) {
      this.#waiting.get(message.via.branch ?? '')?.(message);
      return;
    }
    const branch = message.via.branch ?? '';
    const isDialogs = message.method === 'NOTIFY' && message.to.tag !== undefined;
    if (!this.#seen.has(branch)) {
      this.#seen.add(branch);
      (isDialogs ? this.notifies : this.requests).push(message);
    }
    if (this.answer > 0) {
      const response = buildResponse(message, { status: this.answer }, { toTag: newTag() });
      this.#socket.send(response.print(), this.#towards, '127.0.0.1');
    }
    for (const look of [...this.#news]) look();
  }
}
