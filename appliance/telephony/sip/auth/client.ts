// Answering challenges: RFC 3261 §22.2, §22.3; RFC 8760 §2.4 for several algorithms.

import type { Credentials } from '../api.ts';
import { randomHex } from '../message/build.ts';
import type { SipResponse } from '../message/message.ts';
import { type Challenge, digestResponse, ha1, parseChallenge, printDigest } from './digest.ts';

/** Strongest first. */
const PREFERENCE = ['SHA-256-sess', 'SHA-256', 'MD5-sess', 'MD5'];

/**
 * The field that answers a 401 or 407, or undefined when no challenge of it can be answered.
 * `nc` counts the requests sent with the same nonce.
 */
export function answerChallenge(
  response: SipResponse,
  credentials: Credentials,
  request: { method: string; uri: string },
  cnonce: string = randomHex(16),
): [name: string, value: string] | undefined {
  const proxy = response.status === 407;
  const best = response
    .headers(proxy ? 'proxy-authenticate' : 'www-authenticate')
    .map(parseChallenge)
    .filter((challenge) => challenge !== undefined && secretFor(credentials, challenge) !== undefined)
    .sort((a, b) => PREFERENCE.indexOf(a!.algorithm) - PREFERENCE.indexOf(b!.algorithm))[0];
  if (!best) return undefined;
  return [proxy ? 'Proxy-Authorization' : 'Authorization', authorization(best, credentials, request, cnonce)];
}

/** Is it worth trying again with the same password? Only when the nonce was merely too old. */
export function isStale(response: SipResponse): boolean {
  const name = response.status === 407 ? 'proxy-authenticate' : 'www-authenticate';
  return response.headers(name).some((value) => parseChallenge(value)?.stale);
}

function authorization(
  challenge: Challenge,
  credentials: Credentials,
  request: { method: string; uri: string },
  cnonce: string,
): string {
  const { algorithm, nonce, realm, opaque } = challenge;
  const qop = challenge.qopAuth ? 'auth' : undefined;
  const nc = qop && '00000001';
  const usesCnonce = qop !== undefined || algorithm.endsWith('-sess');
  return printDigest({
    username: credentials.username,
    realm,
    nonce,
    uri: request.uri,
    response: digestResponse({
      algorithm,
      ha1: secretFor(credentials, challenge)!,
      method: request.method,
      uri: request.uri,
      nonce,
      qop,
      nc,
      cnonce,
    }),
    algorithm,
    cnonce: usesCnonce ? cnonce : undefined,
    opaque,
    qop,
    nc,
  });
}

function secretFor(credentials: Credentials, { algorithm, realm }: Challenge): string | undefined {
  const base = algorithm.startsWith('SHA-256') ? 'SHA-256' : 'MD5';
  const known = credentials.ha1?.[base];
  if (known !== undefined) return known;
  if (credentials.password === undefined) return undefined;
  return ha1(algorithm, credentials.username, realm, credentials.password);
}
