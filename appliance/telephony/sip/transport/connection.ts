import type { Flow, TransportName } from '../api.ts';

/** A flow as the layers inside the stack see it. */
export interface Connection extends Flow {
  /** Streams and WebSockets: no retransmission by transactions. */
  readonly reliable: boolean;
  readonly secure: boolean;
  /** `onError` is called at most once, later, when the data could not be handed to the network. */
  send(data: Buffer, onError?: (error: Error) => void): void;
  close(): void;
  /** Called once when a stream is gone; never for UDP. The returned function takes the listener off. */
  onClose(listener: () => void): () => void;
}

/** What transports tell the layer above. */
export interface TransportUser {
  onData(flow: Connection, data: Buffer): void;
  onOpen(flow: Connection): void;
  onClosed(flow: Connection): void;
}

export interface Address {
  address: string;
  port: number;
}

/** Via transport names: RFC 3261 §20.42, RFC 7118 §5.2. */
export const VIA_NAME: Record<TransportName, string> = { udp: 'UDP', tcp: 'TCP', tls: 'TLS', ws: 'WS' };

/** `host:port`, IPv6 in brackets. */
export function printHost(address: string): string {
  return address.includes(':') && !address.startsWith('[') ? `[${address}]` : address;
}

/** `::ffff:1.2.3.4` of a dual-stack socket is 1.2.3.4. */
export function plainAddress(address: string): string {
  return address.startsWith('::ffff:') && address.includes('.') ? address.slice(7) : address;
}
