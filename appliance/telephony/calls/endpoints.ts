// From a target to the places that ring: a phone's contacts, a fixed address, a trunk.
import { isIPv6 } from 'node:net';
import type { PhoneRow } from '../phones/index.ts';
import type { Flow, InviteOptions, SipUri } from '../sip/index.ts';
import type { Trunk } from '../trunks/index.ts';
import type { DialTarget, Party } from './api.ts';
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
  | { kind: 'trunk'; trunk: Trunk; number: string };

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
        .map((trunk): Endpoint => ({ kind: 'trunk', trunk, number }));
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
): Pick<InviteOptions, 'to' | 'from' | 'target' | 'flow' | 'routes' | 'headers' | 'credentials'> {
  if (endpoint.kind === 'trunk') {
    const { to, from: caller, headers, credentials } = endpoint.trunk.outbound(endpoint.number, from, local);
    return { to, from: caller, headers, ...(credentials ? { credentials } : {}) };
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
    ...(endpoint.flow ? { flow: endpoint.flow } : {}),
    ...(endpoint.routes.length > 0 ? { routes: endpoint.routes } : {}),
  };
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
    return [{ kind: 'phone', phone, uri, flow: undefined, address: phone.fixedHost, routes: [], secured: undefined }];
  }
  return context.registrar.contacts(phone.id).map((contact) => ({
    kind: 'phone',
    phone,
    uri: contact.uri,
    flow: contact.flow?.open ? contact.flow : undefined,
    address: contact.row.address,
    routes: contact.path,
    secured: contact.row.transport === 'ws' ? 'webrtc' : undefined,
  }));
}

function alone(endpoint: Endpoint): Place {
  return { endpoint, instead: [] };
}

function hostOf(address: string): string {
  return isIPv6(address) ? `[${address}]` : address;
}
