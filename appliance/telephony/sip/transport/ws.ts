// SIP over WebSocket: RFC 7118. The socket has been accepted, with its TLS and origin checks, by a web server.
import type { Clock } from '#appliance/kernel/clock.ts';
import { MAX_MESSAGE_BYTES } from '../message/limits.ts';
import type { Address, Connection, TransportUser } from './connection.ts';
import type { StreamTimes } from './stream.ts';

/** The part of a `ws` socket that is used here. */
export interface WebSocketLike {
  readonly readyState: number;
  readonly bufferedAmount: number;
  send(data: string | Buffer, options: { binary: boolean }, done: (error?: Error | null) => void): void;
  close(code?: number): void;
  terminate(): void;
  on(event: 'message', listener: (data: Buffer | ArrayBuffer | Buffer[], isBinary: boolean) => void): unknown;
  on(event: 'close' | 'error' | 'ping' | 'pong', listener: () => void): unknown;
}

const OPEN = 1;
const MAX_UNSENT_BYTES = 4 << 20;
const MAX_BLANK_BYTES = 4;

let serial = 0;

export class WebSocketFlow implements Connection {
  readonly id: string;
  readonly transport = 'ws';
  readonly reliable = true;
  readonly secure = true;
  readonly remote: Address;
  readonly local: Address;
  readonly #socket: WebSocketLike;
  readonly #user: TransportUser;
  readonly #clock: Clock;
  readonly #times: StreamTimes;
  readonly #closeListeners = new Set<() => void>();
  #cancelTimer: () => void = () => {};
  #active = true;
  #open = true;

  constructor(
    socket: WebSocketLike,
    remote: Address,
    local: Address,
    user: TransportUser,
    clock: Clock,
    times: StreamTimes,
  ) {
    this.id = `ws ${remote.address} ${remote.port} ${++serial}`;
    this.#socket = socket;
    this.remote = remote;
    this.local = local;
    this.#user = user;
    this.#clock = clock;
    this.#times = times;
    socket.on('message', (data) => this.#onMessage(data));
    socket.on('close', () => this.#closed());
    socket.on('error', () => this.close());
    for (const event of ['ping', 'pong'] as const) {
      socket.on(event, () => {
        this.#active = true;
      });
    }
    this.#watchIdle();
  }

  get open(): boolean {
    return this.#open && this.#socket.readyState === OPEN;
  }

  send(data: Buffer, onError?: (error: Error) => void): void {
    if (!this.open || this.#socket.bufferedAmount > MAX_UNSENT_BYTES) {
      if (onError) queueMicrotask(() => onError(new Error('WebSocket is closed')));
      if (this.#open) this.close();
      return;
    }
    this.#active = true;
    // RFC 7118 §4.2: text as long as the message is UTF-8, which ours are unless a body is not.
    const text = isUtf8Text(data);
    this.#socket.send(text ? data.toString('utf8') : data, { binary: !text }, (error) => {
      if (error) onError?.(error);
    });
  }

  close(): void {
    this.#socket.terminate();
    this.#closed();
  }

  onClose(listener: () => void): () => void {
    this.#closeListeners.add(listener);
    return () => this.#closeListeners.delete(listener);
  }

  #onMessage(message: Buffer | ArrayBuffer | Buffer[]): void {
    if (!this.#open) return;
    this.#active = true;
    const data = Array.isArray(message) ? Buffer.concat(message) : Buffer.from(message as Buffer);
    if (data.length > MAX_MESSAGE_BYTES) {
      this.close();
      return;
    }
    if (data.length <= MAX_BLANK_BYTES && data.every((byte) => byte === 13 || byte === 10)) {
      if (data.length === MAX_BLANK_BYTES) this.#socket.send('\r\n', { binary: false }, () => {});
      return;
    }
    this.#user.onData(this, data);
  }

  #watchIdle(): void {
    if (!this.#active) {
      this.close();
      return;
    }
    this.#active = false;
    this.#cancelTimer = this.#clock.after(this.#times.idleMs, () => this.#watchIdle());
  }

  #closed(): void {
    if (!this.#open) return;
    this.#open = false;
    this.#cancelTimer();
    this.#user.onClosed(this);
    for (const listener of [...this.#closeListeners]) listener();
    this.#closeListeners.clear();
  }
}

function isUtf8Text(data: Buffer): boolean {
  return !data.includes(0) && Buffer.from(data.toString('utf8')).equals(data);
}
