// Digest: RFC 7616, and RFC 2617 for old peers; SIP rules in RFC 3261 §22 and RFC 8760.
import { createHash } from 'node:crypto';
import { isToken, parseParams, quote, splitOutside } from '../message/grammar.ts';

export type DigestAlgorithm = 'MD5' | 'MD5-sess' | 'SHA-256' | 'SHA-256-sess';

export interface Challenge {
  realm: string;
  nonce: string;
  algorithm: DigestAlgorithm;
  opaque: string | undefined;
  /** auth is offered; without qop the old form of RFC 2069 is used. */
  qopAuth: boolean;
  stale: boolean;
}

const ALGORITHMS: DigestAlgorithm[] = ['MD5', 'MD5-sess', 'SHA-256', 'SHA-256-sess'];

/** Which algorithm a field names; MD5 when none, undefined when it is not one of ours. */
export function algorithmOf(name: string | undefined): DigestAlgorithm | undefined {
  if (name === undefined || name === '') return 'MD5';
  return ALGORITHMS.find((known) => known.toLowerCase() === name.toLowerCase());
}

export function hash(algorithm: DigestAlgorithm, text: string): string {
  return createHash(algorithm.startsWith('SHA-256') ? 'sha256' : 'md5')
    .update(text)
    .digest('hex');
}

/** HA1 without the session part: what a server keeps instead of the password. */
export function ha1(algorithm: DigestAlgorithm, username: string, realm: string, password: string): string {
  return hash(algorithm, `${username}:${realm}:${password}`);
}

/** The `response` value: RFC 7616 §3.4.1. */
export function digestResponse(input: {
  algorithm: DigestAlgorithm;
  ha1: string;
  method: string;
  uri: string;
  nonce: string;
  qop?: string | undefined;
  nc?: string | undefined;
  cnonce?: string | undefined;
}): string {
  const { algorithm, nonce, qop, nc, cnonce } = input;
  const key = algorithm.endsWith('-sess') ? hash(algorithm, `${input.ha1}:${nonce}:${cnonce ?? ''}`) : input.ha1;
  const ha2 = hash(algorithm, `${input.method}:${input.uri}`);
  return hash(algorithm, qop ? `${key}:${nonce}:${nc}:${cnonce}:${qop}:${ha2}` : `${key}:${nonce}:${ha2}`);
}

/** `Digest a=b, c="d"` into names and values; undefined for other schemes. */
export function parseDigest(value: string): Record<string, string> | undefined {
  const text = value.trim();
  if (!/^digest[ \t]/i.test(text)) return undefined;
  const fields: Record<string, string> = Object.create(null);
  for (const part of splitOutside(text.slice(7), ',')) {
    for (const [name, field] of Object.entries(parseParams(part))) fields[name] ??= field;
  }
  return fields;
}

export function parseChallenge(value: string): Challenge | undefined {
  const fields = parseDigest(value);
  const algorithm = fields && algorithmOf(fields.algorithm);
  if (!fields || !algorithm || fields.realm === undefined || fields.nonce === undefined) return undefined;
  const qop = fields.qop?.split(',').map((option) => option.trim().toLowerCase()) ?? [];
  if (qop.length > 0 && !qop.includes('auth')) return undefined; // auth-int alone is not ours
  return {
    realm: fields.realm,
    nonce: fields.nonce,
    algorithm,
    opaque: fields.opaque,
    qopAuth: qop.length > 0,
    stale: fields.stale?.toLowerCase() === 'true',
  };
}

/** `Digest name="value", ...`; tokens stay unquoted where the RFC wants them so. */
export function printDigest(fields: Record<string, string | undefined>): string {
  const bare = new Set(['algorithm', 'nc', 'stale']);
  const parts: string[] = [];
  for (const [name, value] of Object.entries(fields)) {
    if (value === undefined) continue;
    const plain = (bare.has(name) || (name === 'qop' && fields.response !== undefined)) && isToken(value);
    parts.push(`${name}=${plain ? value : quote(value)}`);
  }
  return `Digest ${parts.join(', ')}`;
}
