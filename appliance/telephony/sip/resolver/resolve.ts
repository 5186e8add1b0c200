// From a URI to addresses to try, in order: RFC 3263 §4. NAPTR and SRV live in records.ts.
import { lookup } from 'node:dns/promises';
import { isIP } from 'node:net';
import type { TransportName } from '../api.ts';
import type { SipUri } from '../message/uri.ts';

export interface Target {
  transport: TransportName;
  address: string;
  port: number;
  /** The name asked for: what a TLS certificate must hold. */
  serverName?: string;
}

const DEFAULT_PORT: Record<TransportName, number> = { udp: 5060, tcp: 5060, tls: 5061, ws: 443 };

/** An IP literal is answered at once, a name later. An empty list: nowhere to go. */
export function resolve(uri: SipUri, has: (transport: TransportName) => boolean): Target[] | Promise<Target[]> {
  const transport = transportOf(uri, has);
  const port = uri.port ?? DEFAULT_PORT[transport];
  const host = (uri.params?.maddr || uri.host).replace(/^\[|\]$/g, '');
  if (host === '') return [];
  if (isIP(host) !== 0) return [{ transport, address: host, port }];
  return lookup(host, { all: true, order: 'ipv4first' }).then(
    (found) => found.map(({ address }) => ({ transport, address, port, serverName: host })),
    () => [],
  );
}

/** RFC 3263 §4.1 without DNS: the parameter, else TLS for sips, else UDP where we have it. */
function transportOf(uri: SipUri, has: (transport: TransportName) => boolean): TransportName {
  const asked = uri.params?.transport?.toLowerCase();
  if (uri.scheme === 'sips') return asked === 'ws' ? 'ws' : 'tls';
  if (asked === 'udp' || asked === 'tcp' || asked === 'tls' || asked === 'ws') return asked;
  if (has('udp')) return 'udp';
  return has('tcp') ? 'tcp' : 'tls';
}
