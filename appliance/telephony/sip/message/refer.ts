// Refer-To (RFC 3515), Referred-By (RFC 3892), Replaces (RFC 3891).
import { parseParams } from './grammar.ts';
import type { SipRequest } from './message.ts';
import { parseNameAddr } from './name-addr.ts';
import { SipSyntaxError } from './syntax-error.ts';
import type { SipUri } from './uri.ts';

export interface Replaces {
  callId: string;
  toTag: string;
  fromTag: string;
  earlyOnly: boolean;
}

export interface Refer {
  /** Where to, without the headers part. */
  target: SipUri;
  /** The request to be sent; INVITE unless the URI says otherwise. */
  method: string;
  replaces: Replaces | undefined;
  referredBy: string | undefined;
  /** RFC 4488: no NOTIFYs wanted. */
  noSubscription: boolean;
}

/** @throws {SipSyntaxError} 400 without exactly one good Refer-To (RFC 3515 §2.4.2). */
export function parseRefer(request: SipRequest): Refer {
  const values = request.list('refer-to');
  if (values.length !== 1) throw new SipSyntaxError('Needs one Refer-To');
  const { uri } = parseNameAddr(values[0]!);
  const { headers, params, ...rest } = uri;
  const { method, ...others } = params ?? {};
  let replaces: Replaces | undefined;
  for (const part of (headers ?? '').split('&')) {
    const eq = part.indexOf('=');
    if (eq > 0 && part.slice(0, eq).toLowerCase() === 'replaces') replaces = parseReplaces(decoded(part.slice(eq + 1)));
  }
  return {
    target: params ? { ...rest, params: others } : rest,
    method: (method || 'INVITE').toUpperCase(),
    replaces,
    referredBy: request.header('referred-by'),
    noSubscription: request.header('refer-sub')?.trim().toLowerCase() === 'false',
  };
}

/** @throws {SipSyntaxError} when a tag is missing. */
export function parseReplaces(value: string): Replaces {
  const semicolon = value.indexOf(';');
  const params = semicolon < 0 ? {} : parseParams(value.slice(semicolon));
  const callId = (semicolon < 0 ? value : value.slice(0, semicolon)).trim();
  if (callId === '' || !params['to-tag'] || !params['from-tag']) throw new SipSyntaxError('Malformed Replaces');
  return { callId, toTag: params['to-tag'], fromTag: params['from-tag'], earlyOnly: 'early-only' in params };
}

export function printReplaces(replaces: Replaces): string {
  const early = replaces.earlyOnly ? ';early-only' : '';
  return `${replaces.callId};to-tag=${replaces.toTag};from-tag=${replaces.fromTag}${early}`;
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw new SipSyntaxError('Bad escape in Refer-To');
  }
}
