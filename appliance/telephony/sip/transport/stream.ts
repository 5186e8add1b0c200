// What TCP and TLS have in common: a socket with framing, keep-alives, bounds and an end.
import type { Socket } from 'node:net';
import type { Clock } from '#appliance/kernel/clock.ts';
import type { TransportName } from '../api.ts';
import type { Address, Connection, TransportUser } from './connection.ts';
import { StreamFraming } from './framing.ts';

const PONG = Buffer.from('\r\n');
/** A peer that does not read is cut off. */
const MAX_UNSENT_BYTES = 4 << 20;

export interface StreamTimes {
  /** A connection without traffic is closed. RFC 5626 clients ping every two minutes. */
  idleMs: number;
  /** From accepted to the first whole message. */
  firstMs: number;
  /** From connecting to connected. */
  connectMs: number;
}

export class StreamFlow implements Connection {
  readonly id: string;
  readonly transport: TransportName;
  readonly reliable = true;
  readonly secure: boolean;
  readonly remote: Address;
  readonly local: Address;
  readonly #socket: Socket;
  readonly #user: TransportUser;
  readonly #clock: Clock;
  readonly #times: StreamTimes;
  readonly #framing = new StreamFraming();
  readonly #closeListeners = new Set<() => void>();
  readonly #unsent = new Set<(error: Error) => void>();
  #cancelTimer: () => void;
  #active = true;
  #open = true;

  constructor(
    socket: Socket,
    options: {
      id: string;
      transport: 'tcp' | 'tls';
      remote: Address;
      local: Address;
      user: TransportUser;
      clock: Clock;
      times: StreamTimes;
      outgoing: boolean;
    },
  ) {
    this.#socket = socket;
    this.id = options.id;
    this.transport = options.transport;
    this.secure = options.transport === 'tls';
    this.remote = options.remote;
    this.local = options.local;
    this.#user = options.user;
    this.#clock = options.clock;
    this.#times = options.times;
    socket.setNoDelay(true);
    socket.setKeepAlive(true, 60_000);
    socket.on('data', (data: Buffer) => this.#onData(data));
    socket.on('error', () => {}); // 'close' follows
    socket.on('close', () => this.#closed());
    this.#cancelTimer = this.#clock.after(options.outgoing ? this.#times.connectMs : this.#times.firstMs, () =>
      this.close(),
    );
  }

  get open(): boolean {
    return this.#open;
  }

  /** An outgoing connection is made: from now on only idleness ends it. */
  established(): void {
    this.#active = true;
    this.#watchIdle();
  }

  send(data: Buffer, onError?: (error: Error) => void): void {
    if (!this.#open) {
      if (onError) queueMicrotask(() => onError(new Error('Connection is closed')));
      return;
    }
    this.#active = true;
    if (this.#socket.writableLength > MAX_UNSENT_BYTES) {
      if (onError) queueMicrotask(() => onError(new Error('Peer does not read')));
      this.close();
      return;
    }
    if (onError) this.#unsent.add(onError);
    this.#socket.write(data, (error) => {
      // Delivered to the kernel, or failed: then 'close' follows, which tells all that wait.
      if (onError && !error) this.#unsent.delete(onError);
    });
  }

  close(): void {
    this.#socket.destroy();
    this.#closed();
  }

  onClose(listener: () => void): () => void {
    this.#closeListeners.add(listener);
    return () => this.#closeListeners.delete(listener);
  }

  #onData(data: Buffer): void {
    if (!this.#open) return;
    this.#active = true;
    try {
      for (const frame of this.#framing.push(data)) {
        if (frame.kind === 'ping') {
          this.#socket.write(PONG); // RFC 5626 §4.4.1
        } else {
          this.established();
          this.#user.onData(this, frame.data);
        }
      }
    } catch {
      this.close(); // the stream cannot be followed any more
    }
  }

  #watchIdle(): void {
    if (!this.#active && this.#open) {
      this.close();
      return;
    }
    this.#active = false;
    this.#cancelTimer();
    this.#cancelTimer = this.#clock.after(this.#times.idleMs, () => this.#watchIdle());
  }

  #closed(): void {
    if (!this.#open) return;
    this.#open = false;
    this.#cancelTimer();
    for (const onError of this.#unsent) onError(new Error('Connection closed'));
    this.#unsent.clear();
    this.#user.onClosed(this);
    for (const listener of [...this.#closeListeners]) listener();
    this.#closeListeners.clear();
  }
}
