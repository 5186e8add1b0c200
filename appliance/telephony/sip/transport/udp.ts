// UDP: one socket, one flow per peer address. RFC 3261 §18, RFC 3581.
import { createSocket, type Socket } from 'node:dgram';
import { isIPv4, isIPv6 } from 'node:net';
import { type Address, type Connection, plainAddress, type TransportUser } from './connection.ts';

const MAX_FLOWS = 50_000;

export class UdpTransport {
  readonly #flows = new Map<string, UdpFlow>();
  readonly #user: TransportUser;
  readonly #localFor: (remote: string) => string;
  #socket: Socket | undefined;
  #port = 0;
  #dual = false;

  constructor(user: TransportUser, localFor: (remote: string) => string) {
    this.#user = user;
    this.#localFor = localFor;
  }

  async listen(host: string, port: number): Promise<void> {
    this.#dual = isIPv6(host);
    const socket = createSocket({
      type: this.#dual ? 'udp6' : 'udp4',
      recvBufferSize: 4 << 20,
      sendBufferSize: 4 << 20,
    });
    await new Promise<void>((resolve, reject) => {
      socket.once('error', reject);
      socket.bind(port, host, () => {
        socket.off('error', reject);
        resolve();
      });
    });
    socket.on('error', () => {}); // ICMP errors of single datagrams arrive at send's callback
    socket.on('message', (data, from) => this.#user.onData(this.flowTo(plainAddress(from.address), from.port), data));
    this.#socket = socket;
    this.#port = socket.address().port;
  }

  get port(): number {
    return this.#port;
  }

  /** The flow to a peer; the same object as long as it is in use. */
  flowTo(address: string, port: number): UdpFlow {
    const key = `${address} ${port}`;
    const known = this.#flows.get(key);
    if (known) return known;
    if (this.#flows.size >= MAX_FLOWS) {
      // Flows of UDP hold nothing; the oldest can be made again when needed.
      for (const oldest of this.#flows.keys()) {
        this.#flows.delete(oldest);
        break;
      }
    }
    const local = { address: this.#localFor(address), port: this.#port };
    const flow = new UdpFlow({ address, port }, local, (data, onError) => this.#send(data, address, port, onError));
    this.#flows.set(key, flow);
    return flow;
  }

  close(): Promise<void> {
    const socket = this.#socket;
    this.#socket = undefined;
    this.#flows.clear();
    return new Promise((resolve) => {
      if (socket) socket.close(() => resolve());
      else resolve();
    });
  }

  #send(data: Buffer, address: string, port: number, onError?: (error: Error) => void): void {
    if (!this.#socket) {
      if (onError) queueMicrotask(() => onError(new Error('UDP socket is closed')));
      return;
    }
    // An IPv6 socket speaks to IPv4 by mapped addresses.
    const to = this.#dual && isIPv4(address) ? `::ffff:${address}` : address;
    this.#socket.send(data, port, to, (error) => {
      if (error) onError?.(error);
    });
  }
}

class UdpFlow implements Connection {
  readonly id: string;
  readonly transport = 'udp';
  readonly reliable = false;
  readonly secure = false;
  readonly open = true;
  readonly remote: Address;
  readonly local: Address;
  readonly send: (data: Buffer, onError?: (error: Error) => void) => void;

  constructor(remote: Address, local: Address, send: (data: Buffer, onError?: (error: Error) => void) => void) {
    this.id = `udp ${remote.address} ${remote.port}`;
    this.remote = remote;
    this.local = local;
    this.send = send;
  }

  close(): void {}

  onClose(): () => void {
    return () => {};
  }
}
