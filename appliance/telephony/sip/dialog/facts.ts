// The state of a dialog as plain JSON: RFC 3261 §12.1, made from the messages that formed it.
import type { DialogFacts } from '../api.ts';
import type { SipRequest, SipResponse } from '../message/message.ts';
import { SipSyntaxError } from '../message/syntax-error.ts';
import { parseUri } from '../message/uri.ts';
import type { Connection } from '../transport/connection.ts';
import { route, routeSetFrom } from './route-set.ts';

/** RFC 3261 §12.1.2: we called. `viaFlow`: the INVITE was sent over a connection given by the user. */
export function uacFacts(
  request: SipRequest,
  response: SipResponse,
  flow: Connection,
  localContact: string,
  viaFlow: boolean,
): DialogFacts {
  // The peer is in a call already: what cannot be read must not keep us from the ACK.
  const remoteTarget = readable(() => targetOf(response)) ?? request.uriText;
  const routeSet = readable(() => routeSetFrom(response, 'uac')) ?? [];
  return {
    callId: request.callId,
    localTag: request.from.tag ?? '',
    remoteTag: response.to.tag ?? '',
    localUri: request.from.uriText,
    remoteUri: request.to.uriText,
    localSeq: request.cseq.number,
    remoteSeq: null,
    remoteTarget,
    routeSet,
    localContact,
    secure: flow.secure,
    flow: flowFacts(flow),
    viaFlow: routeSet.length === 0 && viaFlow ? true : isSameHost(remoteTarget, routeSet, flow),
    role: 'uac',
  };
}

/** RFC 3261 §12.1.1: we were called. */
export function uasFacts(request: SipRequest, flow: Connection, localTag: string, localContact: string): DialogFacts {
  const remoteTarget = request.contact?.uriText ?? request.from.uriText;
  const routeSet = routeSetFrom(request, 'uas');
  const natted = request.via.params.received !== undefined && routeSet.length === 0;
  return {
    callId: request.callId,
    localTag,
    remoteTag: request.from.tag ?? '',
    localUri: request.to.uriText,
    remoteUri: request.from.uriText,
    localSeq: 0,
    remoteSeq: request.cseq.number,
    remoteTarget,
    routeSet,
    localContact,
    secure: flow.secure,
    flow: flowFacts(flow),
    viaFlow: natted || isSameHost(remoteTarget, routeSet, flow),
    role: 'uas',
  };
}

export function flowFacts(flow: Connection): DialogFacts['flow'] {
  return { transport: flow.transport, ...flow.remote, local: { ...flow.local } };
}

/** The next hop is the host at the other end of this stream: its connection is used again (RFC 5923). A browser has no other. */
function isSameHost(remoteTarget: string, routeSet: string[], flow: Connection): boolean {
  if (flow.transport === 'ws') return true;
  if (!flow.reliable) return false;
  const next = parseUri(route(remoteTarget, routeSet).nextHop);
  return next.host.replace(/^\[|\]$/g, '') === flow.remote.address;
}

function targetOf(response: SipResponse): string | undefined {
  const { contact } = response;
  void contact?.uri;
  return contact?.uriText;
}

function readable<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    if (error instanceof SipSyntaxError) return undefined;
    throw error;
  }
}
