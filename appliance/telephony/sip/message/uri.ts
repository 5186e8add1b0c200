// SIP and SIPS URIs: RFC 3261 §19.1; tel URIs: RFC 3966. Others are kept as they are.
import { type Params, parseDecimal } from './grammar.ts';
import { SipSyntaxError } from './syntax-error.ts';

export interface SipUri {
  /** Lower-case: sip, sips, tel, or anything else with `opaque`. */
  scheme: string;
  /** Unescaped; for tel the number. */
  user?: string | undefined;
  password?: string | undefined;
  /** IPv6 in brackets; '' for tel. */
  host: string;
  port?: number | undefined;
  /** Names lower-case, values unescaped; '' is a flag. */
  params?: Params | undefined;
  /** What stands after `?`, as received. */
  headers?: string | undefined;
  /** Everything after the colon of a scheme that is not ours. */
  opaque?: string | undefined;
}

const SCHEME = /^[A-Za-z][A-Za-z0-9+.-]*$/;
const HOST_NAME = /^[A-Za-z0-9_.-]+$/;
const IPV6 = /^\[[0-9A-Fa-f:.]+\]$/;
// Whitespace and controls have no place in a URI; <>" would end it inside a header.
const FORBIDDEN = /[\0-\x20<>"\x7f]/;

/** @throws {SipSyntaxError} */
export function parseUri(text: string): SipUri {
  const colon = text.indexOf(':');
  const scheme = text.slice(0, Math.max(colon, 0)).toLowerCase();
  if (colon <= 0 || !SCHEME.test(scheme) || FORBIDDEN.test(text)) throw new SipSyntaxError('Malformed URI');
  const rest = text.slice(colon + 1);
  if (scheme === 'sip' || scheme === 'sips') return parseSip(scheme, rest);
  if (scheme === 'tel') {
    const semicolon = rest.indexOf(';');
    return {
      scheme,
      user: semicolon < 0 ? rest : rest.slice(0, semicolon),
      host: '',
      params: semicolon < 0 ? undefined : uriParams(rest.slice(semicolon + 1)),
    };
  }
  return { scheme, host: '', opaque: rest };
}

/** The URI as text. Everything that could leave the URI or the header is escaped; a bad host throws. */
export function printUri(uri: SipUri): string {
  if (uri.opaque !== undefined) return checked(`${uri.scheme}:${uri.opaque}`);
  const params = printUriParams(uri.params);
  if (uri.scheme === 'tel') return checked(`tel:${uri.user ?? ''}${params}`);
  if (!isHost(uri.host)) throw new SipSyntaxError(`${JSON.stringify(uri.host)} is not a host`);
  let out = `${uri.scheme}:`;
  if (uri.user !== undefined) {
    out += escapeUser(uri.user);
    if (uri.password !== undefined) out += `:${escapePassword(uri.password)}`;
    out += '@';
  }
  out += uri.port === undefined ? uri.host : `${uri.host}:${uri.port}`;
  out += params;
  return uri.headers === undefined ? out : checked(`${out}?${uri.headers}`);
}

export function isHost(text: string): boolean {
  return HOST_NAME.test(text) || IPV6.test(text);
}

/** RFC 3261 §19.1.4, for the parts that decide where a request goes: scheme, user, password, host, port, and the parameters that may not be on one side only. */
export function sameUri(a: SipUri, b: SipUri): boolean {
  if (a.scheme !== b.scheme || a.user !== b.user || a.password !== b.password || a.opaque !== b.opaque) return false;
  if (a.host.toLowerCase() !== b.host.toLowerCase() || a.port !== b.port) return false;
  const pa = a.params ?? {};
  const pb = b.params ?? {};
  for (const name of ['user', 'ttl', 'method', 'maddr', 'transport']) {
    if ((pa[name] ?? '').toLowerCase() !== (pb[name] ?? '').toLowerCase()) return false;
  }
  for (const name in pa) {
    if (name in pb && pa[name]!.toLowerCase() !== pb[name]!.toLowerCase()) return false;
  }
  return true;
}

function parseSip(scheme: string, rest: string): SipUri {
  // '@' cannot stand unescaped anywhere else, while ';', '?' and '/' can stand in the user part.
  const at = rest.indexOf('@');
  const uri: SipUri = { scheme, host: '' };
  if (at >= 0) {
    const userinfo = rest.slice(0, at);
    const colon = userinfo.indexOf(':');
    const user = colon < 0 ? userinfo : userinfo.slice(0, colon);
    if (user === '') throw new SipSyntaxError('URI with an empty user');
    uri.user = unescapeText(user);
    if (colon >= 0) uri.password = unescapeText(userinfo.slice(colon + 1));
  }
  let tail = at < 0 ? rest : rest.slice(at + 1);
  const question = tail.indexOf('?');
  if (question >= 0) {
    uri.headers = tail.slice(question + 1);
    tail = tail.slice(0, question);
  }
  const semicolon = tail.indexOf(';');
  if (semicolon >= 0) {
    uri.params = uriParams(tail.slice(semicolon + 1));
    tail = tail.slice(0, semicolon);
  }
  const portAt = tail.startsWith('[') ? tail.indexOf(':', tail.indexOf(']') + 1) : tail.indexOf(':');
  if (portAt >= 0) {
    const port = parseDecimal(tail.slice(portAt + 1), 65535);
    if (port === undefined) throw new SipSyntaxError('URI with a bad port');
    uri.port = port;
    tail = tail.slice(0, portAt);
  }
  if (!isHost(tail)) throw new SipSyntaxError('URI with a bad host');
  uri.host = tail;
  return uri;
}

function uriParams(text: string): Params {
  const params: Params = Object.create(null);
  for (const part of text.split(';')) {
    if (part === '') continue;
    const eq = part.indexOf('=');
    const name = unescapeText(eq < 0 ? part : part.slice(0, eq)).toLowerCase();
    if (!(name in params)) params[name] = eq < 0 ? '' : unescapeText(part.slice(eq + 1));
  }
  return params;
}

function printUriParams(params: Params | undefined): string {
  let out = '';
  for (const name in params) {
    const value = params[name]!;
    out += value === '' ? `;${escapeParam(name)}` : `;${escapeParam(name)}=${escapeParam(value)}`;
  }
  return out;
}

function checked(text: string): string {
  if (FORBIDDEN.test(text)) throw new SipSyntaxError('URI with characters that must be escaped');
  return text;
}

function unescapeText(text: string): string {
  if (!text.includes('%')) return text;
  try {
    return decodeURIComponent(text);
  } catch {
    return text; // not UTF-8: stays escaped
  }
}

const PLAIN_USER = /^[A-Za-z0-9\-_.!~*'()&=+$,;?/]*$/;
const PLAIN_PASSWORD = /^[A-Za-z0-9\-_.!~*'()&=+$,]*$/;
const PLAIN_PARAM = /^[A-Za-z0-9\-_.!~*'()[\]/:&+$]*$/;

function escapeUser(text: string): string {
  return PLAIN_USER.test(text) ? text : text.replace(/[^A-Za-z0-9\-_.!~*'()&=+$,;?/]/gu, percent);
}

function escapePassword(text: string): string {
  return PLAIN_PASSWORD.test(text) ? text : text.replace(/[^A-Za-z0-9\-_.!~*'()&=+$,]/gu, percent);
}

function escapeParam(text: string): string {
  return PLAIN_PARAM.test(text) ? text : text.replace(/[^A-Za-z0-9\-_.!~*'()[\]/:&+$]/gu, percent);
}

function percent(character: string): string {
  let out = '';
  for (const byte of Buffer.from(character)) out += `%${byte.toString(16).toUpperCase().padStart(2, '0')}`;
  return out;
}
