// From a target to the places that ring: a phone's contacts, a fixed address, a trunk.
import { isIPv6 } from 'node:net';
import type { PhoneRow } from '../phones/index.ts';
import { diversionHeaders, type Flow, type InviteOptions, type SipUri } from '../sip/index.ts';
import type { Trunk } from '../trunks/index.ts';
import type { DialOptions, DialTarget, Party } from './api.ts';
import type { CallsContext } from './context.ts';

export type Endpoint =
  | {
      kind: 'phone';
      phone: PhoneRow;
      uri: SipUri;
      flow: Flow | undefined;
      address: string;
      routes: SipUri[];
      secured: 'webrtc' | 'sdes' | undefined;
    }
  | {
      kind: 'trunk';
      trunk: Trunk;
      number: string;
      /** Where the trunk itself sent us. */
      target?: SipUri;
      secured: 'sdes' | undefined;
    };

/** What rings at once; for a number the trunks to try, best first, are in `instead`. */
export interface Place {
  endpoint: Endpoint;
  instead: Endpoint[];
}

export function placesOf(context: CallsContext, target: DialTarget): Place[] {
  switch (target.kind) {
    case 'phone': {
      const phone = context.phones.book.get(target.phoneId);
      return phone ? endpointsOf(context, phone).map(alone) : [];
    }
    case 'extension':
      return context.phones.book
        .byExtension(target.extension)
        .flatMap((phone) => endpointsOf(context, phone).map(alone));
    case 'number': {
      const { number, trunkId } = target;
      const [first, ...rest] = context.trunks
        .outbound({ trunkId, channels: context.channels })
        .map((trunk): Endpoint => ({ kind: 'trunk', trunk, number, secured: encrypted(context, trunk) }));
      return first ? [{ endpoint: first, instead: rest }] : [];
    }
  }
}

/** Who is called, as the rooms above know them. */
export function partyAt(endpoint: Endpoint): Party {
  if (endpoint.kind === 'trunk') return { number: endpoint.trunk.toE164(endpoint.number) };
  return { number: endpoint.phone.extension ?? endpoint.phone.username, name: endpoint.phone.label };
}

/** The parts of the INVITE that say who, whom and where. */
export function addressing(
  endpoint: Endpoint,
  from: Party,
  local: string,
  forwarded?: DialOptions['forwarded'],
): Pick<InviteOptions, 'to' | 'from' | 'target' | 'flow' | 'routes' | 'headers' | 'credentials'> {
  if (endpoint.kind === 'trunk') {
    const { trunk, number, target } = endpoint;
    const { to, from: caller, headers, credentials } = trunk.outbound(number, from, local, forwarded);
    return { to, from: caller, headers, ...(target ? { target } : {}), ...(credentials ? { credentials } : {}) };
  }
  const anonymous = from.number === 'anonymous';
  const caller: SipUri = anonymous
    ? { scheme: 'sip', user: 'anonymous', host: 'anonymous.invalid' }
    : { scheme: 'sip', user: from.number, host: hostOf(local) };
  const name = from.name ?? (anonymous ? 'Anonymous' : undefined);
  return {
    to: { scheme: 'sip', user: endpoint.phone.username, host: hostOf(endpoint.phone.realm || local) },
    from: { uri: caller, ...(name ? { displayName: name } : {}) },
    target: endpoint.uri,
    headers: forwarded
      ? diversionHeaders('diversion', { by: divertedBy(forwarded, local), to: caller, reason: forwarded.reason })
      : [],
    ...(endpoint.flow ? { flow: endpoint.flow } : {}),
    ...(endpoint.routes.length > 0 ? { routes: endpoint.routes } : {}),
  };
}

function divertedBy({ by }: NonNullable<DialOptions['forwarded']>, local: string): SipUri {
  return { scheme: 'sip', user: by, host: hostOf(local) };
}

/** The address the audio and the signalling go to, as far as it is known before the name server is asked. */
export function remoteOf(endpoint: Endpoint): string {
  return endpoint.kind === 'trunk' ? endpoint.trunk.row.host : endpoint.address;
}

function endpointsOf(context: CallsContext, phone: PhoneRow): Endpoint[] {
  if (phone.kind === 'fixed' && phone.fixedHost) {
    const uri: SipUri = {
      scheme: 'sip',
      user: phone.username,
      host: hostOf(phone.fixedHost),
      ...(phone.fixedPort ? { port: phone.fixedPort } : {}),
      ...(phone.fixedTransport === 'udp' ? {} : { params: { transport: phone.fixedTransport } }),
    };
    return [
      {
        kind: 'phone',
        phone,
        uri,
        flow: undefined,
        address: phone.fixedHost,
        routes: [],
        secured: phone.fixedTransport === 'tls' && context.edge ? 'sdes' : undefined,
      },
    ];
  }
  return context.registrar.contacts(phone.id).map((contact) => ({
    kind: 'phone',
    phone,
    uri: contact.uri,
    flow: contact.flow?.open ? contact.flow : undefined,
    address: contact.row.address,
    routes: contact.path,
    // Keys are sent where nobody on the way can read them. A phone that has no SRTP says 488 and is offered plain audio.
    secured:
      contact.row.transport === 'ws' ? 'webrtc' : contact.row.transport === 'tls' && context.edge ? 'sdes' : undefined,
  }));
}

function encrypted({ edge }: CallsContext, trunk: Trunk): 'sdes' | undefined {
  return trunk.srtp === 'require' || (trunk.srtp === 'offer' && edge) ? 'sdes' : undefined;
}

/** The same without encryption, where that may be tried: the far side has none, or our edge is away. */
export function inClear(endpoint: Endpoint): Endpoint | undefined {
  if (endpoint.secured !== 'sdes') return undefined;
  if (endpoint.kind === 'trunk' && endpoint.trunk.srtp === 'require') return undefined;
  return { ...endpoint, secured: undefined };
}

export function alone(endpoint: Endpoint): Place {
  return { endpoint, instead: [] };
}

function hostOf(address: string): string {
  return isIPv6(address) ? `[${address}]` : address;
}
