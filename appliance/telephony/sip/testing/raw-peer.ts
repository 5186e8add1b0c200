// A far end of a few lines: sends what it is told, answers nothing by itself. For the cases no decent stack produces.
import { createSocket, type Socket } from 'node:dgram';
import type { Reply } from '../api.ts';
import { buildResponse } from '../message/build.ts';
import { SipRequest, SipResponse } from '../message/message.ts';
import { parseMessage } from '../message/parser.ts';

type Waiting = { fits: (message: SipRequest | SipResponse) => boolean; resolve: (message: never) => void };

export class RawPeer {
  readonly received: (SipRequest | SipResponse)[] = [];
  readonly #socket: Socket;
  readonly #towards: number;
  readonly #waiting: Waiting[] = [];
  #taken = 0;

  constructor(socket: Socket, towards: number) {
    this.#socket = socket;
    this.#towards = towards;
    socket.on('message', (data) => {
      this.received.push(parseMessage(data));
      this.#match();
    });
  }

  static async open(port: number, towards: number): Promise<RawPeer> {
    const socket = createSocket('udp4');
    await new Promise<void>((resolve) => socket.bind(port, '127.0.0.1', resolve));
    return new RawPeer(socket, towards);
  }

  send(message: string | SipRequest | SipResponse): void {
    const text = typeof message === 'string' ? message : message.print();
    this.#socket.send(text, this.#towards, '127.0.0.1');
  }

  reply(request: SipRequest, reply: Reply, toTag?: string): void {
    this.send(buildResponse(request, reply, { toTag, recordRoute: true }));
  }

  /** The next request of that method that has not been taken yet. */
  request(method: string): Promise<SipRequest> {
    return this.#next((message) => message instanceof SipRequest && message.method === method) as Promise<SipRequest>;
  }

  response(status: number): Promise<SipResponse> {
    return this.#next((message) => message instanceof SipResponse && message.status === status) as Promise<SipResponse>;
  }

  count(what: string | number): number {
    return this.received.filter((message) =>
      message instanceof SipRequest ? message.method === what : message.status === what,
    ).length;
  }

  close(): void {
    this.#socket.close();
  }

  #next(fits: Waiting['fits']): Promise<SipRequest | SipResponse> {
    return new Promise((resolve) => {
      this.#waiting.push({ fits, resolve });
      this.#match();
    });
  }

  #match(): void {
    while (this.#waiting.length > 0) {
      const at = this.received.findIndex((message, i) => i >= this.#taken && this.#waiting[0]!.fits(message));
      if (at < 0) return;
      this.#taken = at + 1;
      this.#waiting.shift()!.resolve(this.received[at] as never);
    }
  }
}

/** Text of a request as a caller at `port` would send it. */
export function rawRequest(
  method: string,
  options: {
    port: number;
    to?: string;
    branch?: string;
    cseq?: number;
    callId?: string;
    toTag?: string;
    headers?: string[];
    body?: string;
  },
): string {
  const {
    port,
    to = 'sip:bob@127.0.0.1:15060',
    branch = 'z9hG4bKraw',
    cseq = 1,
    callId = 'raw-call',
    body = '',
  } = options;
  return [
    `${method} ${to} SIP/2.0`,
    `Via: SIP/2.0/UDP 127.0.0.1:${port};branch=${branch}`,
    'Max-Forwards: 70',
    `From: <sip:raw@127.0.0.1:${port}>;tag=raw`,
    `To: <${to}>${options.toTag ? `;tag=${options.toTag}` : ''}`,
    `Call-ID: ${callId}`,
    `CSeq: ${cseq} ${method}`,
    `Contact: <sip:raw@127.0.0.1:${port}>`,
    ...(options.headers ?? []),
    `Content-Length: ${Buffer.byteLength(body)}`,
    '',
    body,
  ].join('\r\n');
}
