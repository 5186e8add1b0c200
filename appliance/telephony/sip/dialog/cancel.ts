import { SipRequest } from '../message/message.ts';

/** CANCEL of an INVITE of ours, without its Via: RFC 3261 §9.1. Sent with the INVITE's branch. */
export function buildCancel(invite: SipRequest, headers: [string, string][]): SipRequest {
  const cancel = new SipRequest('CANCEL', invite.uriText);
  for (const value of invite.headers('route')) cancel.append('Route', value);
  cancel.append('Max-Forwards', '70');
  cancel.append('From', invite.header('from')!);
  cancel.append('To', invite.header('to')!);
  cancel.append('Call-ID', invite.callId);
  cancel.append('CSeq', `${invite.cseq.number} CANCEL`);
  for (const [name, value] of headers) cancel.append(name, value);
  return cancel;
}
