// What a REGISTER asks for (RFC 3261 §10.3), read from a hostile message.
import type { SipRequest } from '../sip/index.ts';
import { type NameAddr, parseNameAddr, printUri } from '../sip/index.ts';

export interface Limits {
  minS: number;
  maxS: number;
  defaultS: number;
  /** Contacts of one phone. */
  contacts: number;
}

export interface WantedContact {
  /** What makes it the same contact when it comes again. */
  binding: string;
  uri: string;
  expiresS: number;
}

export type Wanted =
  | { kind: 'query' }
  | { kind: 'remove-all' }
  | { kind: 'contacts'; contacts: WantedContact[] }
  | { kind: 'refused'; status: 400 | 403 | 423; reason: string };

export function readRegister(request: SipRequest, limits: Limits): Wanted {
  const values = request.list('contact');
  const common = seconds(request.header('expires'));
  if (values.length === 0) return { kind: 'query' };
  if (values.includes('*')) {
    // §10.2.2: the wildcard stands alone, and only to take everything back.
    if (values.length > 1 || common !== 0)
      return { kind: 'refused', status: 400, reason: 'Wildcard Contact needs Expires: 0' };
    return { kind: 'remove-all' };
  }
  if (values.length > limits.contacts) return { kind: 'refused', status: 403, reason: 'Too Many Contacts' };
  const contacts: WantedContact[] = [];
  for (const value of values) {
    let address: NameAddr;
    try {
      address = parseNameAddr(value);
      if (address.uri.scheme !== 'sip' && address.uri.scheme !== 'sips')
        return { kind: 'refused', status: 400, reason: 'Contact is not a SIP URI' };
      const own = seconds(address.params.expires);
      const asked = own ?? common ?? limits.defaultS;
      // §10.3 step 7: less than an hour may be too brief, and 0 takes it back.
      if (asked > 0 && asked < limits.minS) return { kind: 'refused', status: 423, reason: 'Interval Too Brief' };
      contacts.push({
        binding: bindingOf(address),
        uri: printUri(address.uri),
        expiresS: Math.min(asked, limits.maxS),
      });
    } catch {
      return { kind: 'refused', status: 400, reason: 'Malformed Contact' };
    }
  }
  return { kind: 'contacts', contacts };
}

/** RFC 5626 §4.1: the instance (and its flow) when the phone says who it is; else the address without what changes. */
function bindingOf(address: NameAddr): string {
  const instance = address.params['+sip.instance'];
  if (instance) return `instance ${instance.slice(0, 200)} ${(address.params['reg-id'] ?? '').slice(0, 10)}`;
  const { scheme, user, host, port, params } = address.uri;
  return `${scheme}:${user ?? ''}@${host.toLowerCase()}:${port ?? ''};${(params?.transport ?? '').toLowerCase()}`.slice(
    0,
    300,
  );
}

function seconds(text: string | undefined): number | undefined {
  if (text === undefined || !/^\s*\d{1,10}\s*$/.test(text)) return undefined;
  return Number(text);
}
