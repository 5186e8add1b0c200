// From a URI to addresses to try, in order: RFC 3263 §4.

import type { NaptrRecord, SrvRecord } from 'node:dns';
import { lookup, Resolver } from 'node:dns/promises';
import { isIP } from 'node:net';
import type { TransportName } from '../api.ts';
import type { SipUri } from '../message/uri.ts';
import { naptrChoices, orderSrv } from './records.ts';

export interface Target {
  transport: TransportName;
  address: string;
  port: number;
  /** The name asked for: what a TLS certificate must hold. */
  serverName?: string;
}

/** The questions asked of DNS; node's own, or a test's. */
export interface Dns {
  naptr(name: string): Promise<NaptrRecord[]>;
  srv(name: string): Promise<SrvRecord[]>;
  addresses(name: string): Promise<string[]>;
}

/** A house without DNS must not wait long for its own host names. */
const resolver = new Resolver({ timeout: 1000, tries: 2 });

export const systemDns: Dns = {
  naptr: (name) => resolver.resolveNaptr(name),
  srv: (name) => resolver.resolveSrv(name),
  // The hosts file counts as well, so that a name of the house needs no DNS.
  addresses: async (name) => (await lookup(name, { all: true, order: 'ipv4first' })).map(({ address }) => address),
};

const DEFAULT_PORT: Record<TransportName, number> = { udp: 5060, tcp: 5060, tls: 5061, ws: 443 };
const SRV_PREFIX: Record<TransportName, string> = { udp: '_sip._udp.', tcp: '_sip._tcp.', tls: '_sips._tcp.', ws: '' };
/** Addresses tried at most, however many a zone offers. */
const MAX_TARGETS = 10;

/** An IP literal is answered at once, a name later. An empty list: nowhere to go. */
export function resolve(
  uri: SipUri,
  has: (transport: TransportName) => boolean,
  dns: Dns = systemDns,
  random: () => number = Math.random,
): Target[] | Promise<Target[]> {
  const host = (uri.params?.maddr || uri.host).replace(/^\[|\]$/g, '');
  const transport = askedTransport(uri);
  // A WebSocket is opened by the browser alone (RFC 7118 §5); its made-up host is no question for DNS.
  if (host === '' || transport === 'ws' || host.endsWith('.invalid')) return [];
  if (isIP(host) !== 0) {
    const chosen = transport ?? (has('udp') ? 'udp' : has('tcp') ? 'tcp' : 'tls');
    return [{ transport: chosen, address: host, port: uri.port ?? DEFAULT_PORT[chosen] }];
  }
  return lookUp(uri, host, transport, has, dns, random);
}

async function lookUp(
  uri: SipUri,
  host: string,
  asked: TransportName | undefined,
  has: (transport: TransportName) => boolean,
  dns: Dns,
  random: () => number,
): Promise<Target[]> {
  // RFC 3263 §4.2: an explicit port means that the host is meant, not the domain.
  if (uri.port !== undefined) {
    const transport = asked ?? (has('udp') ? 'udp' : 'tcp');
    return atHost(host, transport, uri.port ?? DEFAULT_PORT[transport], host, dns);
  }
  const usable = asked ? [asked] : (['udp', 'tcp', 'tls'] as const).filter(has);
  const secure = uri.scheme === 'sips';
  let choices = asked && !secure ? [] : naptrChoices(await quietly(dns.naptr(host)), secure, has);
  if (choices.length === 0) choices = usable.map((transport) => ({ transport, name: SRV_PREFIX[transport] + host }));
  const targets: Target[] = [];
  for (const { transport, name } of choices) {
    const records = await quietly(dns.srv(name));
    // RFC 2782: a single "." says that the service is not there.
    if (records.length === 1 && (records[0]!.name === '.' || records[0]!.name === '')) continue;
    for (const record of orderSrv(records, random)) {
      targets.push(...(await atHost(record.name, transport, record.port, host, dns)));
      if (targets.length >= MAX_TARGETS) return targets.slice(0, MAX_TARGETS);
    }
  }
  if (targets.length > 0) return targets;
  const transport = usable[0] ?? 'udp';
  return atHost(host, transport, DEFAULT_PORT[transport], host, dns);
}

async function atHost(
  name: string,
  transport: TransportName,
  port: number,
  serverName: string,
  dns: Dns,
): Promise<Target[]> {
  const addresses = isIP(name) !== 0 ? [name] : await quietly(dns.addresses(name));
  return addresses.slice(0, MAX_TARGETS).map((address) => ({ transport, address, port, serverName }));
}

async function quietly<T>(answer: Promise<T[]>): Promise<T[]> {
  try {
    return await answer;
  } catch {
    return []; // no such name, no such record, no DNS
  }
}

/** RFC 3263 §4.1: the parameter, TLS for sips, else what DNS says. */
function askedTransport(uri: SipUri): TransportName | undefined {
  const asked = uri.params?.transport?.toLowerCase();
  if (uri.scheme === 'sips') return asked === 'ws' ? 'ws' : 'tls';
  return asked === 'udp' || asked === 'tcp' || asked === 'tls' || asked === 'ws' ? asked : undefined;
}
