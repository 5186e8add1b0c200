// TCP: listens, connects, reuses. RFC 3261 §18, RFC 5923 in spirit: whoever has a connection uses it.
import { connect, createServer, type Server, type Socket } from 'node:net';
import type { Clock } from '#appliance/kernel/clock.ts';
import { plainAddress, type TransportUser } from './connection.ts';
import { StreamFlow, type StreamTimes } from './stream.ts';

const MAX_CONNECTIONS = 10_000;

export class TcpTransport {
  readonly #flows = new Map<string, StreamFlow>();
  readonly #user: TransportUser;
  readonly #localFor: (remote: string) => string;
  readonly #clock: Clock;
  readonly #times: StreamTimes;
  #server: Server | undefined;
  #port = 0;

  constructor(user: TransportUser, localFor: (remote: string) => string, clock: Clock, times: StreamTimes) {
    this.#user = user;
    this.#localFor = localFor;
    this.#clock = clock;
    this.#times = times;
  }

  async listen(host: string, port: number): Promise<void> {
    const server = createServer((socket) => this.#accept(socket));
    server.maxConnections = MAX_CONNECTIONS;
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(port, host, () => {
        server.off('error', reject);
        resolve();
      });
    });
    server.on('error', () => {});
    this.#server = server;
    this.#port = (server.address() as { port: number }).port;
  }

  get port(): number {
    return this.#port;
  }

  get flows(): Iterable<StreamFlow> {
    return this.#flows.values();
  }

  /** The open connection to that address, or a new one; sends wait until it is made. */
  flowTo(address: string, port: number): StreamFlow {
    const known = this.#flows.get(`${address} ${port}`);
    if (known?.open) return known;
    const socket = connect({ host: address, port });
    const flow = this.#add(socket, address, port, true);
    socket.once('connect', () => flow.established());
    return flow;
  }

  /** A connection that is up already; undefined when there is none. */
  existing(address: string, port: number): StreamFlow | undefined {
    const known = this.#flows.get(`${address} ${port}`);
    return known?.open ? known : undefined;
  }

  async close(): Promise<void> {
    const server = this.#server;
    this.#server = undefined;
    const closed = new Promise<void>((resolve) => {
      if (server) server.close(() => resolve());
      else resolve();
    });
    for (const flow of [...this.#flows.values()]) flow.close();
    await closed;
  }

  #accept(socket: Socket): void {
    if (socket.remoteAddress === undefined || socket.remotePort === undefined) {
      socket.destroy();
      return;
    }
    this.#user.onOpen(this.#add(socket, plainAddress(socket.remoteAddress), socket.remotePort, false));
  }

  #add(socket: Socket, address: string, port: number, outgoing: boolean): StreamFlow {
    const key = `${address} ${port}`;
    const flow = new StreamFlow(socket, {
      id: `tcp ${key}`,
      transport: 'tcp',
      remote: { address, port },
      local: { address: this.#localFor(address), port: this.#port },
      user: this.#user,
      clock: this.#clock,
      times: this.#times,
      outgoing,
    });
    this.#flows.set(key, flow);
    flow.onClose(() => {
      if (this.#flows.get(key) === flow) this.#flows.delete(key);
    });
    return flow;
  }
}
