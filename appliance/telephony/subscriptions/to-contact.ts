// A NOTIFY outside of dialogs to a place where a phone is. RFC 6665 knows none; phones have understood it for twenty years.
import { isIPv6 } from 'node:net';
import type { PhoneRow } from '../phones/index.ts';
import type { Contact } from '../registrar/index.ts';
import type { SipResponse, SipStack, SipUri } from '../sip/index.ts';

export type Place = { uri: SipUri; address: string } & Partial<Pick<Contact, 'flow' | 'path'>>;

export interface Notice {
  /** Value of the Event field. */
  event: string;
  contentType?: string;
  body?: string;
}

/** Three retransmissions over UDP. */
const ANSWER_WITHIN_MS = 4_000;

/** @throws {RequestFailed} (as a rejection) when nothing was answered. */
export function notifyPlace(
  sip: Pick<SipStack, 'request' | 'localAddressFor'>,
  phone: PhoneRow,
  { uri, address, flow, path = [] }: Place,
  { event, contentType, body }: Notice,
): Promise<SipResponse> {
  const local = hostOf(sip.localAddressFor(address));
  return sip.request({
    method: 'NOTIFY',
    uri,
    to: { uri: { scheme: 'sip', user: phone.username, host: local } },
    from: { uri: { scheme: 'sip', user: phone.extension ?? phone.username, host: local } },
    contact: { user: phone.extension ?? 'strongroom' },
    headers: [
      ['Event', event],
      ['Subscription-State', 'terminated;reason=noresource'],
    ],
    timeoutMs: ANSWER_WITHIN_MS,
    ...(flow?.open ? { flow } : {}),
    ...(path.length > 0 ? { routes: path } : {}),
    ...(body === undefined ? {} : { contentType: contentType!, body }),
  });
}

/** Where a phone is: where it registered, or the address it has for good. */
export function placesOf(phone: PhoneRow, contacts: readonly Contact[]): Place[] {
  if (phone.kind !== 'fixed' || !phone.fixedHost)
    return contacts.map(({ uri, flow, path, row }) => ({ uri, flow, path, address: row.address }));
  const uri: SipUri = {
    scheme: 'sip',
    user: phone.username,
    host: hostOf(phone.fixedHost),
    ...(phone.fixedPort ? { port: phone.fixedPort } : {}),
    ...(phone.fixedTransport === 'udp' ? {} : { params: { transport: phone.fixedTransport } }),
  };
  return [{ uri, address: phone.fixedHost }];
}

function hostOf(address: string): string {
  return isIPv6(address) ? `[${address}]` : address;
}
