// TLS: as TCP, with certificates. RFC 3261 §26.2, RFC 5922 (the name asked for must be in the certificate).
import { isIP, type Socket } from 'node:net';
import { connect, createServer, type Server } from 'node:tls';
import type { Clock } from '#appliance/kernel/clock.ts';
import { plainAddress, type TransportUser } from './connection.ts';
import { StreamFlow, type StreamTimes } from './stream.ts';

export interface TlsOptions {
  key?: string | Buffer;
  cert?: string | Buffer;
  /** Authorities for outgoing connections; the system's when absent. */
  ca?: string | Buffer | (string | Buffer)[];
  /** Outgoing connections to servers whose certificate cannot be verified are refused unless this is false. */
  verifyPeer?: boolean;
}

const MAX_CONNECTIONS = 10_000;

export class TlsTransport {
  readonly #flows = new Map<string, StreamFlow>();
  readonly #user: TransportUser;
  readonly #localFor: (remote: string) => string;
  readonly #clock: Clock;
  readonly #times: StreamTimes;
  readonly #options: TlsOptions;
  #server: Server | undefined;
  #port = 0;

  constructor(
    user: TransportUser,
    localFor: (remote: string) => string,
    clock: Clock,
    times: StreamTimes,
    options: TlsOptions,
  ) {
    this.#user = user;
    this.#localFor = localFor;
    this.#clock = clock;
    this.#times = times;
    this.#options = options;
  }

  async listen(host: string, port: number): Promise<void> {
    const { key, cert } = this.#options;
    const server = createServer(
      { ...(key && { key }), ...(cert && { cert }), minVersion: 'TLSv1.2', handshakeTimeout: this.#times.firstMs },
      (socket) => this.#accept(socket),
    );
    server.maxConnections = MAX_CONNECTIONS;
    server.on('tlsClientError', (_error, socket) => socket.destroy());
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

  flowTo(address: string, port: number, serverName?: string): StreamFlow {
    const known = this.#flows.get(`${address} ${port}`);
    if (known?.open) return known;
    const name = serverName !== undefined && isIP(serverName) === 0 ? { servername: serverName } : {};
    const socket = connect({
      host: address,
      port,
      ...name,
      ...(this.#options.ca && { ca: this.#options.ca }),
      minVersion: 'TLSv1.2',
      rejectUnauthorized: this.#options.verifyPeer ?? true,
    });
    const flow = this.#add(socket, address, port, true);
    socket.once('secureConnect', () => flow.established());
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
    const flow = new StreamFlow(socket, {
      id: `tls ${key}`,
      transport: 'tls',
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
