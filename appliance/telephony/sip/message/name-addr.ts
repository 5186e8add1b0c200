// name-addr and addr-spec with header parameters: From, To, Contact, Route, Refer-To... RFC 3261 §20.10, §25.1.
import { isToken, type Params, parseParams, printParams, quote, unquote } from './grammar.ts';
import { SipSyntaxError } from './syntax-error.ts';
import { parseUri, printUri, type SipUri } from './uri.ts';

export class NameAddr {
  readonly displayName: string | undefined;
  /** The URI as received. */
  readonly uriText: string;
  readonly params: Params;
  #uri: SipUri | undefined;

  constructor(displayName: string | undefined, uriText: string, params: Params) {
    this.displayName = displayName;
    this.uriText = uriText;
    this.params = params;
  }

  /** @throws {SipSyntaxError} */
  get uri(): SipUri {
    this.#uri ??= parseUri(this.uriText);
    return this.#uri;
  }

  get tag(): string | undefined {
    return this.params.tag || undefined;
  }
}

/** @throws {SipSyntaxError} */
export function parseNameAddr(text: string): NameAddr {
  let at = 0;
  while (isBlank(text.charCodeAt(at))) at++;
  let displayName: string | undefined;
  if (text.charCodeAt(at) === 0x22) {
    const end = endOfQuoted(text, at);
    displayName = unquote(text.slice(at, end));
    at = end;
    while (isBlank(text.charCodeAt(at))) at++;
    if (text.charCodeAt(at) !== 0x3c) throw new SipSyntaxError('A display name without <address>');
  }
  const open = text.indexOf('<', at);
  if (open < 0) {
    // RFC 3261 §20.10: without brackets, parameters belong to the header field.
    const semicolon = text.indexOf(';', at);
    const uriText = (semicolon < 0 ? text.slice(at) : text.slice(at, semicolon)).trim();
    if (uriText === '' || uriText.includes(',') || uriText.includes('?')) throw new SipSyntaxError('Malformed address');
    return new NameAddr(undefined, uriText, semicolon < 0 ? parseParams('') : parseParams(text.slice(semicolon)));
  }
  if (displayName === undefined && open > at) {
    displayName = text.slice(at, open).trim();
    if (displayName.includes('"')) throw new SipSyntaxError('Malformed display name');
    if (displayName === '') displayName = undefined;
  }
  const close = text.indexOf('>', open);
  if (close < 0) throw new SipSyntaxError('Address without closing bracket');
  const rest = text.slice(close + 1).trim();
  if (rest !== '' && !rest.startsWith(';')) throw new SipSyntaxError('Text after the address');
  return new NameAddr(displayName, text.slice(open + 1, close), parseParams(rest));
}

/** `"Display" <uri>;params`. The display name may hold anything but CR, LF and NUL. */
export function printNameAddr(address: {
  uri: SipUri | string;
  displayName?: string | undefined;
  params?: Params | undefined;
}): string {
  const uri = typeof address.uri === 'string' ? bracketSafe(address.uri) : printUri(address.uri);
  const name = address.displayName ? `${quote(address.displayName)} ` : '';
  return `${name}<${uri}>${address.params ? printParams(address.params) : ''}`;
}

/** A header value with its tag parameter set: From and To of our own messages. */
export function withTag(value: string, tag: string): string {
  if (!isToken(tag)) throw new SipSyntaxError('A tag must be a token');
  return `${value};tag=${tag}`;
}

function bracketSafe(uri: string): string {
  if (/[\0-\x20<>"\x7f]/.test(uri)) throw new SipSyntaxError('URI with characters that must be escaped');
  return uri;
}

function endOfQuoted(text: string, start: number): number {
  for (let i = start + 1; i < text.length; i++) {
    const c = text.charCodeAt(i);
    if (c === 0x5c) i++;
    else if (c === 0x22) return i + 1;
  }
  throw new SipSyntaxError('Quoted string without end');
}

function isBlank(code: number): boolean {
  return code === 0x20 || code === 0x09;
}
