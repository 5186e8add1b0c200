// What mutations start from: one message of each kind a peer sends.
const text = (...lines: string[]) => Buffer.from(lines.join('\r\n'));

const sdp =
  'v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\nm=audio 30000 RTP/AVP 8 0 101\r\n';

function request(method: string, toTag: string, ...more: string[]): Buffer {
  return text(
    `${method} sip:bob@example.com;transport=ws SIP/2.0`,
    'Via: SIP/2.0/WS abc.invalid;branch=z9hG4bK776asdhds;rport, SIP/2.0/TCP [2001:db8::9]:5061;branch=z9hG4bKother',
    'Max-Forwards: 70',
    'From: "Alice \\"A\\" Example" <sip:alice@example.com>;tag=1928301774',
    `To: Bob <sip:bob@example.com>${toTag}`,
    'Call-ID: a84b4c76e66710@pc33.example.com',
    `CSeq: 314159 ${method}`,
    'Contact: <sip:alice@192.0.2.4:5070;transport=ws>;expires=60;q=0.5',
    'Supported: timer, 100rel, replaces',
    ...more,
  );
}

export const corpus: Buffer[] = [
  request(
    'INVITE',
    '',
    'Session-Expires: 1800;refresher=uac',
    'Record-Route: <sip:p1.example.com;lr>, <sip:p2.example.com>',
    'Content-Type: application/sdp',
    `Content-Length: ${sdp.length}`,
    '',
    sdp,
  ),
  request('INVITE', ';tag=b', 'Content-Length: 0', '', ''),
  request('ACK', ';tag=b', 'Content-Length: 0', '', ''),
  request('CANCEL', '', 'Reason: SIP;cause=200;text="Call completed elsewhere"', 'Content-Length: 0', '', ''),
  request('BYE', ';tag=b', 'Reason: Q.850;cause=16;text="Normal"', 'Content-Length: 0', '', ''),
  request(
    'REGISTER',
    '',
    'Authorization: Digest username="bob", realm="a, b", nonce="n\\"", uri="sip:example.com", response="00", algorithm=SHA-256, qop=auth, nc=00000001, cnonce="c"',
    'Content-Length: 0',
    '',
    '',
  ),
  request(
    'REFER',
    ';tag=b',
    'Refer-To: <sip:carol@example.com?Replaces=a%40b%3Bto-tag%3Dt%3Bfrom-tag%3Df>',
    'Content-Length: 0',
    '',
    '',
  ),
  request('PRACK', ';tag=b', 'RAck: 1 314159 INVITE', 'Content-Length: 0', '', ''),
  request(
    'OPTIONS',
    '',
    'Accept: application/sdp;level=1, application/x-private, text/html',
    'Require: a, b',
    'Content-Length: 0',
    '',
    '',
  ),
  text(
    'SIP/2.0 200 OK',
    'v: SIP/2.0/WS abc.invalid;branch=z9hG4bK1',
    'f: <sip:a@b>;tag=1',
    't: <sip:c@d>;tag=2',
    'i: x',
    'CSeq: 1 INVITE',
    'm: <sip:c@192.0.2.2>',
    'l: 3',
    '',
    'v=0',
  ),
  text(
    'SIP/2.0 183 Session Progress',
    'Via: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK1',
    'From: sip:a@b;tag=1',
    'To: sip:c@d;tag=2',
    'Call-ID: x',
    'CSeq: 1 INVITE',
    'Require: 100rel',
    'RSeq: 7',
    '',
    '',
  ),
  text(
    'SIP/2.0 401 Unauthorized',
    'Via: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK1',
    'From: sip:a@b;tag=1',
    'To: sip:c@d;tag=2',
    'Call-ID: x',
    'CSeq: 1 REGISTER',
    'WWW-Authenticate: Digest realm="r", nonce="n", qop="auth,auth-int", algorithm=MD5',
    '',
    '',
  ),
];
