// What TCP and TLS have in common: listening, connecting, and using a connection again (RFC 3261 §18; RFC 5923 in spirit: whoever
// has a connection uses it).
import type { Server, Socket } from 'node:net';
import type { Clock } from '#appliance/kernel/clock.ts';
import { plainAddress, type TransportUser } from './connection.ts';
import { StreamFlow, type StreamTimes } from './stream.ts';

const MAX_CONNECTIONS = 10_000;

/** The two places where they differ. */
export interface StreamKind {
  readonly transport: 'tcp' | 'tls';
  serve(accept: (socket: Socket) => void): Server;
  /** `ready` is the event after which the connection is made. */
  connect(address: string, port: number, serverName: string | undefined): { socket: Socket; ready: string };
}

export class StreamTransport {
  readonly #kind: StreamKind;
  readonly #flows = new Map<string, StreamFlow>();
  readonly #user: TransportUser;
  readonly #localFor: (remote: string) => string;
  readonly #clock: Clock;
  readonly #times: StreamTimes;
  #server: Server | undefined;
  #port = 0;

  constructor(
    kind: StreamKind,
    user: TransportUser,
    localFor: (remote: string) => string,
    clock: Clock,
    times: StreamTimes,
  ) {
    this.#kind = kind;
    this.#user = user;
    this.#localFor = localFor;
    this.#clock = clock;
    this.#times = times;
  }

  async listen(host: string, port: number): Promise<void> {
    const server = this.#kind.serve((socket) => this.#accept(socket));
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
  flowTo(address: string, port: number, serverName?: string): StreamFlow {
    const known = this.#flows.get(`${address} ${port}`);
    if (known?.open) return known;
    const { socket, ready } = this.#kind.connect(address, port, serverName);
    const flow = this.#add(socket, address, port, true);
    socket.once(ready, () => flow.established());
    return flow;
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
    const { transport } = this.#kind;
    const flow = new StreamFlow(socket, {
      id: `${transport} ${key}`,
      transport,
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
