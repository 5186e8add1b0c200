// One OPTIONS to a phone where it registered (RFC 3261 §11.1).
import { isIPv6 } from 'node:net';
import type { SipStack } from '../sip/index.ts';
import type { Contact } from './contacts.ts';

/** Long enough for three retransmissions over UDP. */
const ANSWER_WITHIN_MS = 4_000;

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
    headers: [['Accept', 'application/sdp']],
    timeoutMs: ANSWER_WITHIN_MS,
    ...(contact.path.length > 0 ? { routes: contact.path } : {}),
    ...(contact.flow ? { flow: contact.flow } : {}),
  });
  return status;
}
