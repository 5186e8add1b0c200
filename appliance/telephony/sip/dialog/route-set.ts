// Where a request inside a dialog goes and what it carries: RFC 3261 §12.2.1.1.
import { splitOutside } from '../message/grammar.ts';
import type { SipRequest, SipResponse } from '../message/message.ts';
import { parseNameAddr } from '../message/name-addr.ts';

export interface Routing {
  requestUri: string;
  /** Values of Route, in order. */
  routes: string[];
  /** URI whose address the request is sent to. */
  nextHop: string;
}

/** `routeSet` holds Route values such as `<sip:p1.example.com;lr>`. */
export function route(remoteTarget: string, routeSet: readonly string[]): Routing {
  const first = routeSet[0];
  if (first === undefined) return { requestUri: remoteTarget, routes: [], nextHop: remoteTarget };
  const top = parseNameAddr(first);
  if (top.uri.params !== undefined && 'lr' in top.uri.params) {
    return { requestUri: remoteTarget, routes: [...routeSet], nextHop: top.uriText };
  }
  // A strict router of RFC 2543 wants to find itself in the Request-URI.
  return { requestUri: top.uriText, routes: [...routeSet.slice(1), `<${remoteTarget}>`], nextHop: top.uriText };
}

/** Route set of a dialog: the server keeps the order of Record-Route, the client reverses it (RFC 3261 §12.1). */
export function routeSetFrom(message: SipRequest | SipResponse, role: 'uac' | 'uas'): string[] {
  const values = message.headers('record-route').flatMap((line) => splitOutside(line, ','));
  for (const value of values) void parseNameAddr(value).uri;
  return role === 'uac' ? values.reverse() : values;
}
