// One OPTIONS to a phone where it registered (RFC 3261 §11.1).
import { isIPv6 } from 'node:net';
import { newCallId, type SipStack, type TraceEntry } from '../sip/index.ts';
import type { Contact } from './contacts.ts';

/** Long enough for three retransmissions over UDP. */
const ANSWER_WITHIN_MS = 4_000;

/** Begins the Call-ID of our questions. */
const PING = 'ping-';

/**
 * One of our questions, or its answer: some thirteen a second with 400 phones, which would push everything else out of a
 * ring that remembers the last messages.
 */
export function isPing({ direction, message }: Pick<TraceEntry, 'direction' | 'message'>): boolean {
  // Only what we sent, and answers: nobody hides a call by words in it.
  const begin = direction === 'out' ? 'OPTIONS ' : 'SIP/2.0 ';
  return (
    message.toString('latin1', 0, begin.length) === begin && message.includes(' OPTIONS\r\n') && message.includes(PING)
  );
}

/** Resolves with the status of the answer; rejects when there was none. */
export async function askOptions(
  sip: Pick<SipStack, 'request' | 'localAddressFor'>,
  contact: Contact,
): Promise<number> {
  const local = sip.localAddressFor(contact.row.address);
  const { status } = await sip.request({
    method: 'OPTIONS',
    uri: contact.uri,
    to: { uri: contact.uri },
    from: { uri: { scheme: 'sip', host: isIPv6(local) ? `[${local}]` : local } },
    contact: { user: 'strongroom' },
    callId: PING + newCallId(),
    headers: [['Accept', 'application/sdp']],
    timeoutMs: ANSWER_WITHIN_MS,
    ...(contact.path.length > 0 ? { routes: contact.path } : {}),
    ...(contact.flow ? { flow: contact.flow } : {}),
  });
  return status;
}
