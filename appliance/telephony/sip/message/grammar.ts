// Small pieces of the RFC 3261 §25 grammar, written as single passes: time is linear in the input whatever it is.
import { SipSyntaxError } from './syntax-error.ts';

/** Parameter names are lower-cased; a flag such as `lr` has the value ''. No prototype, so hostile names are only names. */
export type Params = Record<string, string>;

const TOKEN = /^[A-Za-z0-9\-.!%*_+`'~]+$/;

export function isToken(text: string): boolean {
  return TOKEN.test(text);
}

/** The text can stand in one header line: CR, LF and NUL would end it or hide the rest. */
export function isOneLine(text: string): boolean {
  return !(text.includes('\r') || text.includes('\n') || text.includes('\0'));
}

/** Splits at `separator` outside of quoted strings and angle brackets; parts are trimmed, empty ones dropped. */
export function splitOutside(text: string, separator: ',' | ';'): string[] {
  if (!text.includes(separator)) {
    const only = text.trim();
    return only === '' ? [] : [only];
  }
  const parts: string[] = [];
  const mark = separator.charCodeAt(0);
  let start = 0;
  let quoted = false;
  let bracketed = false;
  for (let i = 0; i < text.length; i++) {
    const c = text.charCodeAt(i);
    if (quoted) {
      if (c === 0x5c) i++;
      else if (c === 0x22) quoted = false;
    } else if (c === 0x22) {
      quoted = true;
    } else if (c === 0x3c) {
      bracketed = true;
    } else if (c === 0x3e) {
      bracketed = false;
    } else if (c === mark && !bracketed) {
      const part = text.slice(start, i).trim();
      if (part !== '') parts.push(part);
      start = i + 1;
    }
  }
  const last = text.slice(start).trim();
  if (last !== '') parts.push(last);
  return parts;
}

/** `;a=b;c="d"` into an object. Quoted values are unquoted; of a name given twice the first counts. */
export function parseParams(text: string): Params {
  const params: Params = Object.create(null);
  if (text === '') return params;
  for (const part of splitOutside(text, ';')) {
    const eq = part.indexOf('=');
    const name = (eq < 0 ? part : part.slice(0, eq)).trim().toLowerCase();
    if (name === '' || name in params) continue;
    const value = eq < 0 ? '' : part.slice(eq + 1).trim();
    params[name] = value.startsWith('"') ? unquote(value) : value;
  }
  return params;
}

const PLAIN_VALUE = /^[A-Za-z0-9\-.!%*_+`'~[\]:]+$/;

/** The inverse of {@link parseParams}: values that are no tokens are quoted. */
export function printParams(params: Readonly<Params>): string {
  let out = '';
  for (const name in params) {
    const value = params[name]!;
    if (!isToken(name)) throw new SipSyntaxError(`Parameter name ${JSON.stringify(name)} is not a token`);
    out += value === '' ? `;${name}` : `;${name}=${PLAIN_VALUE.test(value) ? value : quote(value)}`;
  }
  return out;
}

/** A quoted-string around any text but CR, LF and NUL. */
export function quote(text: string): string {
  if (!isOneLine(text)) throw new SipSyntaxError('A quoted string cannot hold CR, LF or NUL');
  return text.includes('"') || text.includes('\\') ? `"${text.replace(/["\\]/g, '\\$&')}"` : `"${text}"`;
}

export function unquote(text: string): string {
  if (!text.startsWith('"')) return text;
  const inner = text.slice(1, text.endsWith('"') && text.length > 1 ? -1 : undefined);
  return inner.includes('\\') ? inner.replace(/\\(.)/gs, '$1') : inner;
}

/** Decimal digits only, at most `max`; undefined otherwise. */
export function parseDecimal(text: string, max: number): number | undefined {
  if (text.length === 0 || text.length > 15) return undefined;
  let value = 0;
  for (let i = 0; i < text.length; i++) {
    const digit = text.charCodeAt(i) - 0x30;
    if (digit < 0 || digit > 9) return undefined;
    value = value * 10 + digit;
  }
  return value <= max ? value : undefined;
}
