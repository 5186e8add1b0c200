// Reason: RFC 3326. Why a call ends, as Q.850 cause and as SIP status.
import { parseDecimal, parseParams, quote } from './grammar.ts';
import type { SipRequest, SipResponse } from './message.ts';

export interface Reason {
  q850?: number;
  sip?: number;
  text?: string;
}

/** Everything the Reason fields of a message say. */
export function parseReason(message: SipRequest | SipResponse): Reason {
  const reason: Reason = {};
  for (const value of message.list('reason')) {
    const semicolon = value.indexOf(';');
    if (semicolon < 0) continue;
    const params = parseParams(value.slice(semicolon));
    const cause = parseDecimal(params.cause ?? '', 699);
    const protocol = value.slice(0, semicolon).trim().toUpperCase();
    if (protocol === 'Q.850' && cause !== undefined && cause <= 127) reason.q850 ??= cause;
    if (protocol === 'SIP' && cause !== undefined) reason.sip ??= cause;
    if (params.text) reason.text ??= params.text;
  }
  return reason;
}

/** Header fields for a BYE, CANCEL or failure response; none when there is nothing to say. */
export function reasonHeaders(reason: Reason | undefined): [name: string, value: string][] {
  if (!reason) return [];
  const text = reason.text === undefined ? '' : `;text=${quote(reason.text)}`;
  const headers: [string, string][] = [];
  if (reason.sip !== undefined)
    headers.push(['Reason', `SIP;cause=${reason.sip}${reason.q850 === undefined ? text : ''}`]);
  if (reason.q850 !== undefined) headers.push(['Reason', `Q.850;cause=${reason.q850}${text}`]);
  return headers;
}
