// Via: RFC 3261 §20.42 with rport, RFC 3581.
import { type Params, parseDecimal, parseParams } from './grammar.ts';
import { SipSyntaxError } from './syntax-error.ts';
import { isHost } from './uri.ts';

export interface Via {
  /** Upper-case: UDP, TCP, TLS, WS, WSS or what was sent. */
  transport: string;
  host: string;
  port: number | undefined;
  branch: string | undefined;
  params: Params;
}

export const MAGIC_COOKIE = 'z9hG4bK';

/** @throws {SipSyntaxError} */
export function parseVia(text: string): Via {
  const semicolon = text.indexOf(';');
  const front = semicolon < 0 ? text : text.slice(0, semicolon);
  // sent-protocol may hold blanks around its slashes: "SIP / 2.0 / UDP host".
  const first = front.indexOf('/');
  const second = front.indexOf('/', first + 1);
  if (first < 0 || second < 0) throw new SipSyntaxError('Malformed Via');
  const name = front.slice(0, first).trim();
  const version = front.slice(first + 1, second).trim();
  const tail = front.slice(second + 1).trim();
  if (name.toUpperCase() !== 'SIP' || version !== '2.0') throw new SipSyntaxError('Via of an unknown protocol');
  const gap = tail.search(/[ \t]/);
  if (gap < 0) throw new SipSyntaxError('Via without sent-by');
  const sentBy = tail.slice(gap).trim();
  const portAt = sentBy.startsWith('[') ? sentBy.indexOf(':', sentBy.indexOf(']')) : sentBy.indexOf(':');
  const host = (portAt < 0 ? sentBy : sentBy.slice(0, portAt)).trim();
  const port = portAt < 0 ? undefined : parseDecimal(sentBy.slice(portAt + 1).trim(), 65535);
  if (!isHost(host) || (portAt >= 0 && port === undefined)) throw new SipSyntaxError('Via with a bad sent-by');
  const params = semicolon < 0 ? parseParams('') : parseParams(text.slice(semicolon));
  return { transport: tail.slice(0, gap).toUpperCase(), host, port, branch: params.branch || undefined, params };
}
