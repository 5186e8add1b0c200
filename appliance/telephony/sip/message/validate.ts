// What a request or response must have before any layer looks at it: RFC 3261 §8.1.1, §8.2.2, §16.3.
import { isToken, parseDecimal } from './grammar.ts';
import type { SipRequest, SipResponse } from './message.ts';
import { parseNameAddr } from './name-addr.ts';
import { ACCEPTED, readSession } from './session-body.ts';
import { SipSyntaxError } from './syntax-error.ts';
import { parseVia } from './via.ts';

const ONCE = ['from', 'to', 'call-id', 'cseq', 'max-forwards', 'content-length'];

/** Undefined when the request can be processed, else the status and reason it deserves. */
export function refuse(request: SipRequest): { status: number; reason: string } | undefined {
  try {
    if (request.defect) throw request.defect;
    if (request.version !== 'SIP/2.0') return { status: 505, reason: 'Version Not Supported' };
    for (const key of ONCE) {
      if (request.count(key) > 1) return { status: 400, reason: `More than one ${key}` };
    }
    if (request.callId === '') return { status: 400, reason: 'Empty Call-ID' };
    if (request.cseq.method !== request.method) return { status: 400, reason: 'CSeq does not match the method' };
    if (!request.from.uriText || !request.to.uriText) return { status: 400, reason: 'Empty From or To' };
    const hops = request.header('max-forwards');
    if (hops !== undefined && parseDecimal(hops, 255) === undefined) return { status: 400, reason: 'Bad Max-Forwards' };
    const scheme = request.uriText.slice(0, request.uriText.indexOf(':')).toLowerCase();
    if (scheme !== 'sip' && scheme !== 'sips' && scheme !== 'tel' && isToken(scheme)) {
      return { status: 416, reason: 'Unsupported URI Scheme' };
    }
    // RFC 3261 §19.1.1: no header fields in a Request-URI.
    if (request.uri.headers !== undefined) return { status: 400, reason: 'Request-URI with headers' };
    for (const via of request.list('via')) void parseVia(via);
    void request.from.uri.scheme;
    void request.to.uri.scheme;
    for (const route of [...request.list('record-route'), ...request.list('route')]) void parseNameAddr(route).uri;
    const contacts = request.contacts;
    for (const contact of contacts) void contact.uri;
    // RFC 3261 §8.1.1.8. Inside a dialog the target is known already, and some phones leave it out.
    const makesDialog = request.method === 'INVITE' || request.method === 'SUBSCRIBE';
    if (makesDialog && contacts.length !== 1 && (contacts.length > 1 || request.to.tag === undefined)) {
      return { status: 400, reason: 'Needs one Contact' };
    }
    return undefined;
  } catch (error) {
    if (error instanceof SipSyntaxError) return { status: error.status, reason: error.message };
    throw error;
  }
}

/** RFC 3261 §8.2.3 and §13.2.1 for INVITE: the body is a session description, alone or among what need not be understood. */
export function refuseBody(
  request: SipRequest,
): { status: number; headers?: [name: string, value: string][] } | undefined {
  if (readSession(request).refused) {
    const encoding = (request.header('content-encoding') ?? 'identity').trim().toLowerCase();
    // §21.4.13: the field that names what was wrong.
    return { status: 415, headers: [encoding === 'identity' ? ['Accept', ACCEPTED] : ['Accept-Encoding', 'identity']] };
  }
  const accept = request.list('accept').map((value) => value.split(';')[0]!.trim().toLowerCase());
  const takesSdp = ['application/sdp', 'application/*', '*/*'].some((wanted) => accept.includes(wanted));
  return request.has('accept') && !takesSdp ? { status: 406 } : undefined;
}

/** A response that can be matched to a transaction. */
export function isUsable(response: SipResponse): boolean {
  try {
    return (
      response.defect === undefined &&
      response.via.branch !== undefined &&
      response.list('via').length === 1 && // RFC 3261 §8.1.3.3
      response.cseq.method !== '' &&
      response.callId !== '' &&
      response.from.uriText !== '' &&
      response.to.uriText !== ''
    );
  } catch {
    return false;
  }
}

/** A request that can at least be answered: it says where from. What else is missing is missing in the answer. */
export function isAnswerable(request: SipRequest): boolean {
  try {
    return request.via.host !== '';
  } catch {
    return false;
  }
}
