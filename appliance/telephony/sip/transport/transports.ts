// All transports behind one door: who listens, which connection leads to an address.
import type { Clock } from '#appliance/kernel/clock.ts';
import type { ListenOptions, TransportName } from '../api.ts';
import type { Address, Connection, TransportUser } from './connection.ts';
import { createLocalAddress } from './local-address.ts';
import type { StreamTimes } from './stream.ts';
import { StreamTransport } from './stream-transport.ts';
import { tcpKind } from './tcp.ts';
import { tlsKind } from './tls.ts';
import { UdpTransport } from './udp.ts';
import { WebSocketFlow, type WebSocketLike } from './ws.ts';

export class Transports {
  readonly #listen: ListenOptions;
  readonly #user: TransportUser;
  readonly #clock: Clock;
  readonly #times: StreamTimes;
  readonly #udp: UdpTransport;
  readonly #tcp: StreamTransport;
  readonly #tls: StreamTransport;
  readonly #webSockets = new Set<WebSocketFlow>();
  readonly localAddressFor: (remote: string) => string;

  constructor(
    listen: ListenOptions,
    user: TransportUser,
    clock: Clock,
    times: StreamTimes,
    advertise?: (remote: string) => string | undefined,
  ) {
    this.#listen = listen;
    this.#user = user;
    this.#clock = clock;
    this.#times = times;
    const detect = createLocalAddress();
    this.localAddressFor = (remote) => advertise?.(remote) ?? detect(remote);
    const at = (host: string | undefined) => (remote: string) =>
      advertise?.(remote) ?? (host === undefined || isWildcard(host) ? detect(remote) : host);
    this.#udp = new UdpTransport(user, at(listen.udp?.host));
    this.#tcp = new StreamTransport(tcpKind, user, at(listen.tcp?.host), clock, times);
    this.#tls = new StreamTransport(tlsKind(listen.tls ?? {}, times.firstMs), user, at(listen.tls?.host), clock, times);
  }

  async start(): Promise<void> {
    const { udp, tcp, tls } = this.#listen;
    if (udp) await this.#udp.listen(udp.host, udp.port);
    if (tcp) await this.#tcp.listen(tcp.host, tcp.port);
    if (tls) await this.#tls.listen(tls.host, tls.port);
  }

  async stop(): Promise<void> {
    for (const flow of [...this.#webSockets]) flow.close();
    await Promise.all([this.#udp.close(), this.#tcp.close(), this.#tls.close()]);
  }

  /** Is there something to send with? */
  has(transport: TransportName): boolean {
    return transport !== 'ws' && this.#listen[transport] !== undefined;
  }

  /** @returns undefined for a WebSocket, which only its browser can open. */
  connect(transport: TransportName, address: string, port: number, serverName?: string): Connection | undefined {
    switch (transport) {
      case 'udp':
        return this.#udp.flowTo(address, port);
      case 'tcp':
        return this.#tcp.flowTo(address, port);
      case 'tls':
        return this.#tls.flowTo(address, port, serverName);
      case 'ws':
        for (const flow of this.#webSockets) {
          if (flow.open && flow.remote.address === address && flow.remote.port === port) return flow;
        }
        return undefined;
    }
  }

  acceptWebSocket(
    socket: WebSocketLike,
    remote: Address,
    local: Address = { address: this.localAddressFor(remote.address), port: 443 },
  ): WebSocketFlow {
    const flow = new WebSocketFlow(socket, remote, local, this.#user, this.#clock, this.#times);
    this.#webSockets.add(flow);
    flow.onClose(() => this.#webSockets.delete(flow));
    this.#user.onOpen(flow);
    return flow;
  }

  /** Connections that are up; UDP has none. */
  get flows(): Connection[] {
    return [...this.#tcp.flows, ...this.#tls.flows, ...this.#webSockets];
  }

  /** The port we listen at, as others reach it; 0 when we do not. */
  port(transport: TransportName): number {
    if (transport === 'udp') return this.#udp.port;
    if (transport === 'tcp') return this.#tcp.port;
    return transport === 'tls' ? this.#tls.port : 0;
  }
}

function isWildcard(host: string): boolean {
  return host === '0.0.0.0' || host === '::' || host === '';
}
