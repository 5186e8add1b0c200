// Challenging others: nonces that prove themselves, replay refused. RFC 7616 §3.3, §3.4, §5.4; RFC 3261 §22.
import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import { parseDecimal } from '../message/grammar.ts';
import type { SipRequest } from '../message/message.ts';
import { algorithmOf, type DigestAlgorithm, digestResponse, parseDigest, printDigest } from './digest.ts';

export interface DigestServerOptions {
  realm: string;
  /** Algorithms offered, strongest first (RFC 8760 §2.2). */
  algorithms?: DigestAlgorithm[];
  nonceLifeMs?: number;
  now?: () => number;
  /** 32 bytes or more; the same in all processes that accept one another's nonces. Random when absent. */
  secret?: Buffer;
}

/** HA1 of a user for an algorithm (`ha1()`), or undefined when there is no such user. */
export type Ha1Lookup = (
  username: string,
  algorithm: 'MD5' | 'SHA-256',
) => string | undefined | Promise<string | undefined>;

export type Verdict =
  | { ok: true; username: string }
  /** `stale`: the password may be right, the nonce is too old or was used: challenge again without counting a failure. */
  | {
      ok: false;
      why: 'no-credentials' | 'stale' | 'replayed' | 'unknown-user' | 'wrong-password' | 'malformed';
      username?: string;
    };

const MAX_NONCES = 20_000;

export interface DigestServer {
  /** `WWW-Authenticate` fields for a 401 (or Proxy-Authenticate for a 407), one per algorithm. */
  challenge(options?: { stale?: boolean; proxy?: boolean }): [name: string, value: string][];
  verify(request: SipRequest, ha1For: Ha1Lookup, options?: { proxy?: boolean }): Promise<Verdict>;
}

export function createDigestServer(options: DigestServerOptions): DigestServer {
  const { realm, algorithms = ['SHA-256', 'MD5'], nonceLifeMs = 300_000, now = Date.now } = options;
  const secret = options.secret ?? randomBytes(32);
  /** Highest nc seen per nonce; a nonce is forgotten only after it is too old to be accepted. */
  const used = new Map<string, { nc: number; at: number }>();

  function newNonce(): string {
    const body = `${now().toString(36)}.${randomBytes(9).toString('base64url')}`;
    return `${body}.${sign(body)}`;
  }

  const sign = (body: string) =>
    createHmac('sha256', secret).update(`${realm}\0${body}`).digest('base64url').slice(0, 22);

  function isGenuine(nonce: string): boolean {
    const cut = nonce.lastIndexOf('.');
    return cut > 0 && safeEqual(nonce.slice(cut + 1), sign(nonce.slice(0, cut)));
  }

  function isFresh(nonce: string): boolean {
    const age = now() - Number.parseInt(nonce.slice(0, nonce.indexOf('.')), 36);
    return age >= 0 && age <= nonceLifeMs;
  }

  /** RFC 7616 §3.4: nc must grow; without qop a nonce serves once. */
  function isReplay(nonce: string, nc: number): boolean {
    const last = used.get(nonce);
    if (last && nc <= last.nc) return true;
    used.delete(nonce);
    used.set(nonce, { nc, at: now() });
    for (const [old, { at }] of used) {
      if (used.size <= MAX_NONCES && now() - at <= nonceLifeMs) break;
      used.delete(old);
    }
    return false;
  }

  function challenge({ stale = false, proxy = false } = {}): [string, string][] {
    const nonce = newNonce();
    const name = proxy ? 'Proxy-Authenticate' : 'WWW-Authenticate';
    return algorithms.map((algorithm) => [
      name,
      printDigest({ realm, nonce, qop: 'auth', algorithm, stale: stale ? 'true' : undefined }),
    ]);
  }

  async function verify(request: SipRequest, ha1For: Ha1Lookup, { proxy = false } = {}): Promise<Verdict> {
    const fields = request
      .headers(proxy ? 'proxy-authorization' : 'authorization')
      .map(parseDigest)
      .find((candidate) => candidate?.realm === realm);
    if (!fields) return { ok: false, why: 'no-credentials' };
    const { username, nonce, uri, response, cnonce, qop, nc } = fields;
    const algorithm = algorithmOf(fields.algorithm);
    if (username === undefined || !nonce || !uri || !response || !algorithm || !algorithms.includes(algorithm)) {
      return { ok: false, why: 'malformed' };
    }
    const counter = qop === undefined ? 1 : hexCounter(nc);
    if (counter === undefined || (qop !== undefined && (qop.toLowerCase() !== 'auth' || !cnonce))) {
      return { ok: false, why: 'malformed', username };
    }
    if (!isGenuine(nonce)) return { ok: false, why: 'stale', username };
    const base = algorithm.startsWith('SHA-256') ? 'SHA-256' : 'MD5';
    const key = await ha1For(username, base);
    // The same work is done for a user that does not exist, so that time tells nothing.
    const expected = digestResponse({
      algorithm,
      ha1: key ?? '',
      method: request.method,
      uri,
      nonce,
      qop,
      nc,
      cnonce,
    });
    const right = safeEqual(response.toLowerCase(), expected);
    if (key === undefined) return { ok: false, why: 'unknown-user', username };
    if (!right) return { ok: false, why: 'wrong-password', username };
    // RFC 7616 §3.4.6: the digest must be for what is asked, except where a proxy has rewritten the Request-URI's form.
    if (!isFresh(nonce)) return { ok: false, why: 'stale', username };
    if (isReplay(nonce, counter)) return { ok: false, why: 'replayed', username };
    return { ok: true, username };
  }

  return { challenge, verify };
}

function hexCounter(nc: string | undefined): number | undefined {
  if (nc === undefined || !/^[0-9a-f]{8}$/i.test(nc)) return undefined;
  const value = Number.parseInt(nc, 16);
  return parseDecimal(String(value), 0xffff_ffff);
}

function safeEqual(a: string, b: string): boolean {
  const left = Buffer.from(a);
  const right = Buffer.from(b);
  return left.length === right.length && timingSafeEqual(left, right);
}
