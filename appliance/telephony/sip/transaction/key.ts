// How messages find their transaction: RFC 3261 §17.1.3 and §17.2.3.
import type { SipRequest, SipResponse } from '../message/message.ts';
import { MAGIC_COOKIE } from '../message/via.ts';

/** ACK and CANCEL can ask for the key of the INVITE they belong to. */
export function serverKey(request: SipRequest, method: string = request.method): string {
  const via = request.via;
  const sentBy = `${via.host.toLowerCase()}:${via.port ?? ''}`;
  if (via.branch?.startsWith(MAGIC_COOKIE) && via.branch.length > MAGIC_COOKIE.length) {
    return `${via.branch} ${sentBy} ${method}`;
  }
  // RFC 2543 clients: no unique branch. The To tag differs between an INVITE and its ACK and is left out.
  const from = request.from.tag ?? '';
  return `2543 ${request.callId} ${request.cseq.number} ${from} ${request.uriText} ${sentBy} ${via.branch ?? ''} ${method}`;
}

export function clientKey(branch: string, method: string): string {
  return `${branch} ${method}`;
}

export function responseKey(response: SipResponse): string {
  return clientKey(response.via.branch ?? '', response.cseq.method);
}

/** RFC 3261 §8.2.2.2: the same request that came over another path. */
export function mergeKey(request: SipRequest): string {
  return `${request.callId} ${request.from.tag ?? ''} ${request.cseq.number} ${request.method}`;
}
