// 3xx to an INVITE of ours: where it sends us, and whether we go there. RFC 3261 §8.1.3.4 leaves that to the client; anybody who
// can answer our INVITE could otherwise let us call the most expensive number of the world.
import { isIP } from 'node:net';
import type { NameAddr, SipResponse, SipUri } from '../sip/index.ts';
import type { Trunk } from '../trunks/index.ts';
import type { Endpoint } from './endpoints.ts';

/** Redirections of one call that are followed. */
export const MAX_REDIRECTS = 5;
const MAX_CONTACTS = 10;

export interface Redirects {
  status: number;
  /** Best first. */
  contacts: SipUri[];
}

export type Way =
  /** Out through the same trunk. */
  | { to: 'trunk'; endpoint: Extract<Endpoint, { kind: 'trunk' }> }
  /** Phones of the house. */
  | { to: 'extension'; extension: string };

/** Undefined for 305 and 380, which speak of other things than where the callee is, and for what is no redirection. */
export function readRedirect(response: SipResponse): Redirects | undefined {
  if (![300, 301, 302].includes(response.status)) return undefined;
  let found: NameAddr[];
  try {
    found = response.contacts.slice(0, MAX_CONTACTS);
  } catch {
    found = [];
  }
  const contacts = found
    .map((contact) => ({ contact, q: qualityOf(contact.params.q) }))
    .toSorted((a, b) => b.q - a.q)
    .flatMap(({ contact }) => uriOf(contact) ?? []);
  return { status: response.status, contacts };
}

/** The first of these is tried first. `isOurs` says whether a host is this box, `isExtension` whether a phone of ours has that number. */
export function waysOf(
  from: Endpoint,
  contacts: readonly SipUri[],
  house: { isOurs(host: string): boolean; isExtension(user: string): boolean },
): Way[] {
  return contacts.flatMap((uri): Way[] => {
    const user = uri.user ?? '';
    if (house.isOurs(hostOf(uri)) && house.isExtension(user)) return [{ to: 'extension', extension: user }];
    // A phone leads out of the house by no means of SIP: that is what the rules of forwarding are for.
    if (from.kind !== 'trunk') return [];
    const target = withinTrunk(from.trunk, uri);
    return target ? [{ to: 'trunk', endpoint: { ...from, target } }] : [];
  });
}

/** What we send to: of the trunk's own domain, without anything that would lead elsewhere; undefined for the rest. */
export function withinTrunk(trunk: Trunk, uri: SipUri): SipUri | undefined {
  const { transport } = trunk.row;
  if (uri.scheme !== 'sip' && uri.scheme !== 'sips') return undefined;
  if (!/^\+?[\w.\-*#]{1,64}(;[\w.\-;=+]{0,200})?$/.test(uri.user ?? '')) return undefined;
  const asked = uri.scheme === 'sips' ? 'tls' : uri.params?.transport?.toLowerCase();
  // What was asked for in secret is not repeated aloud.
  if (transport === 'tls' && asked !== undefined && asked !== 'tls') return undefined;
  const host = hostOf(uri);
  if (!isOf(trunk, host, uri.port)) return undefined;
  const over = asked === 'tcp' || asked === 'tls' || asked === 'udp' ? asked : transport;
  return {
    scheme: 'sip',
    user: uri.user!,
    host: uri.host,
    ...(uri.port ? { port: uri.port } : {}),
    ...(over === 'udp' ? {} : { params: { transport: over } }),
  };
}

function isOf(trunk: Trunk, host: string, port: number | undefined): boolean {
  if (isIP(host)) return trunk.accepts({ address: host, port: port ?? trunk.port });
  const own = [...trunk.hosts, ...(trunk.row.realm ? [trunk.row.realm] : [])].map((name) => name.toLowerCase());
  return own.some((name) => !isIP(name) && (host === name || host.endsWith(`.${name}`)));
}

function hostOf(uri: SipUri): string {
  return uri.host.replace(/^\[|\]$/g, '').toLowerCase();
}

function qualityOf(q: string | undefined): number {
  const value = q === undefined ? 1 : Number(q);
  return value >= 0 && value <= 1 ? value : 0;
}

/** maddr would lead elsewhere than the host that is judged. */
function uriOf(contact: NameAddr): SipUri | undefined {
  try {
    const { uri } = contact;
    return uri.params && 'maddr' in uri.params ? undefined : uri;
  } catch {
    return undefined;
  }
}
