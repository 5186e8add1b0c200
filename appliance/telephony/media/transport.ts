// The one place that opens, reads and writes UDP. Everything above sees packets and addresses.
import dgram from 'node:dgram';

export type PacketHandler = (packet: Buffer, address: string, port: number) => void;

/** What Node keeps behind a socket. Two things have no public name: stop reading, and undo a connect that a former process made. */
interface Handle {
  fd: number;
  recvStop(): number;
  recvStart(): number;
  disconnect(): number;
}

export class UdpPort {
  onPacket: PacketHandler = ignore;
  readonly #socket: dgram.Socket;
  readonly #handle: Handle;
  #connected = false;

  private constructor(socket: dgram.Socket) {
    this.#socket = socket;
    this.#handle = handleOf(socket);
    socket.on('message', (packet, from) => this.onPacket(packet, from.address, from.port));
    socket.on('error', ignore); // ECONNREFUSED from a connected party: the silence rule decides, not the network
  }

  /** Opens a port without reading it: the kernel queues what arrives. @throws when it is taken. */
  static hold(port: number, address: string): UdpPort {
    const socket = createSocket(address);
    try {
      socket.bindSync({ port, address });
      const held = new UdpPort(socket);
      held.#handle.recvStop();
      return held;
    } catch (error) {
      socket.close();
      throw error;
    }
  }

  /** Takes over a descriptor inherited from the holder, whatever its former reader left behind, and starts reading. */
  static adopt(fd: number, address: string): UdpPort {
    const socket = createSocket(address);
    socket.bind({ fd, exclusive: true });
    const port = new UdpPort(socket);
    port.#handle.disconnect();
    return port;
  }

  /** Leaves the descriptor to somebody else in this process; the kernel queues meanwhile. */
  pause(): void {
    this.onPacket = ignore;
    this.#handle.recvStop();
  }

  resume(): void {
    this.disconnect();
    this.#handle.disconnect();
    this.#handle.recvStart();
  }

  get fd(): number {
    return this.#handle.fd;
  }

  get connected(): boolean {
    return this.#connected;
  }

  /** From here the kernel drops what others send, and sending is cheaper by a fifth. */
  connect(port: number, address: string): void {
    this.disconnect();
    try {
      this.#socket.connectSync(port, address);
      this.#connected = true;
    } catch {
      // no route just now: stay open and filter by address
    }
  }

  disconnect(): void {
    if (!this.#connected) return;
    this.#connected = false;
    try {
      this.#socket.disconnect();
    } catch {
      // was not connected any more
    }
  }

  send(packet: Buffer, port: number, address: string): void {
    try {
      if (this.#connected) this.#socket.send(packet);
      else this.#socket.send(packet, port, address);
    } catch {
      // an address nobody can send to: the party hears nothing, and is reported silent
    }
  }

  close(): void {
    this.onPacket = ignore;
    this.#socket.close();
  }
}

// A synchronous look-up makes dgram send at once, so that a reused buffer is safe. Addresses are always numeric here.
type Lookup = (host: string, options: unknown, done: (error: null, address: string, family: number) => void) => void;
const numericOnly: Lookup = (host, _options, done) => done(null, host, host.includes(':') ? 6 : 4);

function createSocket(address: string): dgram.Socket {
  const type = address.includes(':') ? 'udp6' : 'udp4';
  return dgram.createSocket({ type, lookup: numericOnly as never });
}

function handleOf(socket: dgram.Socket): Handle {
  const symbol = Object.getOwnPropertySymbols(socket).find((s) => s.description === 'state symbol');
  const state = symbol && (socket as unknown as Record<symbol, { handle?: Handle }>)[symbol];
  if (!state?.handle?.recvStop)
    throw new Error('This version of Node.js keeps UDP sockets differently: media needs 26.x');
  return state.handle;
}

function ignore(): void {}
