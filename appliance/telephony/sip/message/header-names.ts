// Header names: compact forms (RFC 3261 §7.3.3 and the IANA registry) and the key under which a field is found.
const COMPACT: Record<string, string> = {
  a: 'accept-contact',
  b: 'referred-by',
  c: 'content-type',
  d: 'request-disposition',
  e: 'content-encoding',
  f: 'from',
  i: 'call-id',
  j: 'reject-contact',
  k: 'supported',
  l: 'content-length',
  m: 'contact',
  n: 'identity-info',
  o: 'event',
  r: 'refer-to',
  s: 'subject',
  t: 'to',
  u: 'allow-events',
  v: 'via',
  x: 'session-expires',
  y: 'identity',
};

const COMMON = [
  ...['Via', 'From', 'To', 'Call-ID', 'CSeq', 'Contact', 'Max-Forwards', 'Content-Length', 'Content-Type', 'Route'],
  ...['Record-Route', 'User-Agent', 'Server', 'Allow', 'Supported', 'Require', 'Authorization', 'Proxy-Authorization'],
  ...['WWW-Authenticate', 'Proxy-Authenticate', 'Expires', 'Reason', 'Refer-To', 'Referred-By', 'Replaces', 'Event'],
  ...['Accept', 'Retry-After', 'Session-Expires', 'Min-SE', 'RSeq', 'RAck', 'Date', 'Subject', 'P-Asserted-Identity'],
  ...[
    'Privacy',
    'Diversion',
    'History-Info',
    'Subscription-State',
    'Allow-Events',
    'Min-Expires',
    'Unsupported',
    'Path',
  ],
];

const keys = new Map<string, string>();
for (const name of COMMON) {
  keys.set(name, name.toLowerCase());
  keys.set(name.toLowerCase(), name.toLowerCase());
}
for (const letter in COMPACT) {
  keys.set(letter, COMPACT[letter]!);
  keys.set(letter.toUpperCase(), COMPACT[letter]!);
}

/** The long name in lower case: `m`, `CONTACT` and `Contact` are all `contact`. */
export function keyOf(name: string): string {
  return keys.get(name) ?? name.toLowerCase();
}
