// The 49 messages of RFC 4475, by its names and sections, put to a whole stack: what does the sender hear?
import { afterAll, describe, expect, it } from 'vitest';
import { createDigestServer } from '../auth/server.ts';
import { createSipStack } from '../stack.ts';
import { fakeSocket } from '../testing/fake-socket.ts';
import { quiet } from '../testing/stacks.ts';
import type { SipRequest, SipResponse } from './message.ts';
import { parseMessage } from './parser.ts';

const stack = createSipStack({ listen: {}, userAgent: 'torture', log: quiet });
const seen: SipRequest[] = [];
stack.onInvite((invite) => {
  seen.push(invite.request);
  invite.reject({ status: 486 }); // stands for "understood"
});
const digest = createDigestServer({ realm: 'example.com' });
stack.onRequest((request) => {
  seen.push(request.request);
  const { method } = request.request;
  if (method === 'REGISTER' && request.request.has('authorization')) {
    void digest
      .verify(request.request, () => undefined)
      .then((verdict) => {
        request.respond({ status: verdict.ok ? 200 : 401, headers: digest.challenge() });
      });
    return;
  }
  const known = ['OPTIONS', 'REGISTER', 'MESSAGE'].includes(method);
  request.respond({ status: known ? 200 : 501 });
});
afterAll(() => stack.stop());

/** The status of the final response, or nothing. */
async function answer(message: Buffer | string): Promise<number | undefined> {
  const wire = fakeSocket();
  stack.acceptWebSocket(wire.socket, { address: '192.0.2.99', port: 9 });
  seen.length = 0;
  wire.feed(Buffer.isBuffer(message) ? message : Buffer.from(message));
  await new Promise(setImmediate);
  return wire.sent.map((text) => Number(text.split(' ')[1])).find((status) => status >= 200);
}

const crlf = (...lines: string[]) => lines.join('\r\n');
let serial = 0;

/** A request with the usual fields; a field given replaces the usual one, '' leaves it out. */
function request(start: string, fields: Record<string, string | string[]> = {}, body = ''): string {
  const method = start.split(' ')[0]!;
  const all: Record<string, string | string[]> = {
    Via: `SIP/2.0/TCP host.example.com;branch=z9hG4bK-t${++serial}`,
    To: '<sip:user@example.com>',
    From: '<sip:caller@example.net>;tag=1',
    'Max-Forwards': '70',
    'Call-ID': `torture.${serial}`,
    CSeq: `8 ${method}`,
    ...(method === 'INVITE' && { Contact: '<sip:caller@host5.example.net>' }),
    ...(body !== '' && { 'Content-Type': 'application/sdp' }),
    'Content-Length': String(Buffer.byteLength(body)),
    ...fields,
  };
  const lines = Object.entries(all).flatMap(([name, values]) =>
    [values].flat().map((value) => (value === '' ? [] : [`${name}: ${value}`])),
  );
  return crlf(start, ...lines.flat(), '', body);
}
const sdp = crlf(
  'v=0',
  'o=mhandley 29739 7272939 IN IP4 192.0.2.3',
  's=-',
  'c=IN IP4 192.0.2.4',
  't=0 0',
  'm=audio 49217 RTP/AVP 0 12',
  '',
);

describe('RFC 4475 §3.1.1: valid', () => {
  it('wsinv: a short tortuous INVITE', async () => {
    const message = crlf(
      'INVITE sip:vivekg@chair-dnrc.example.com;unknownparam SIP/2.0',
      'TO :',
      ' sip:vivekg@chair-dnrc.example.com ;   tag    = 1918181833n',
      'from   : "J Rosenberg \\\\\\""       <sip:jdrosen@example.com>',
      '  ;',
      '  tag = 98asjd8',
      'MaX-fOrWaRdS: 0068',
      'Call-ID: wsinv.ndaksdj@192.0.2.1',
      'Content-Length   : 150',
      'cseq: 0009',
      '  INVITE',
      'Via  : SIP  /   2.0',
      ' /UDP',
      '    192.0.2.2;branch=390skdjuw',
      's :',
      'NewFangledHeader:   newfangled value',
      ' continued newfangled value',
      'UnknownHeaderWithUnusualValue: ;;,,;;,;',
      'Content-Type: application/sdp',
      'Route:',
      ' <sip:services.example.com;lr;unknownwith=value;unknown-no-value>',
      'v:  SIP  / 2.0  / TCP     spindle.example.com   ;',
      '  branch  =   z9hG4bK9ikj8  ,',
      ' SIP  /    2.0   / UDP  192.168.255.111   ; branch=',
      ' z9hG4bK30239',
      'm:"Quoted string \\"\\"" <sip:jdrosen@example.com> ; newparam =',
      '      newvalue ;',
      '  secondparam ; q = 0.33',
      '',
      sdp.padEnd(150, ' '),
    );
    const parsed = parseMessage(Buffer.from(message)) as SipRequest;
    expect(parsed.defect).toBeUndefined();
    expect(parsed.to.tag).toBe('1918181833n');
    expect(parsed.from.displayName).toBe('J Rosenberg \\"');
    expect(parsed.cseq).toEqual({ number: 9, method: 'INVITE' });
    expect(parsed.list('via')).toHaveLength(3);
    expect(parsed.contact).toMatchObject({
      displayName: 'Quoted string ""',
      params: { newparam: 'newvalue', secondparam: '', q: '0.33' },
    });
    expect(parsed.header('newfangledheader')).toBe('newfangled value continued newfangled value');
    expect(parsed.header('UnknownHeaderWithUnusualValue')).toBe(';;,,;;,;');
    expect(await answer(message)).toBe(481); // it is in a dialog that we do not have
  });

  it('intmeth: every character that may be somewhere is there', async () => {
    const method = "!interesting-Method0123456789_*+`.%indeed'~";
    const user = "1_unusual.URI~(to-be!sure)&isn't+it$/crazy?,/;;*";
    const uri = `sip:${user}:&it+has=1,weird!*pas$wo~d_too.(doesn't-it)@example.com`;
    const message = request(`${method} ${uri} SIP/2.0`, {
      Via: "SIP/2.0/TCP host1.example.com;branch=z9hG4bK-.!%66*_+`'~",
      To: `"BEL:\\\x07 NUL:\\\x00 DEL:\\\x7F" <${uri}>`,
      From: "token1~` token2'+_ token3*%!.- <sip:mundane@example.com>;fromParam''~+*_!.-%=\"работающий\";tag=_token~1'+`*%!-.",
      'Call-ID': 'intmeth.word%ZK-!.*_+\'@word`~)(><:\\/"][?}{',
      "extensionHeader-!.%*+_`'~": '大停電',
    });
    expect(await answer(message)).toBe(501);
    expect(seen[0]!.uri.user).toBe(user);
    expect(seen[0]!.header("extensionHeader-!.%*+_`'~")).toBe('大停電');
  });

  it('esc01: escapes are read in URIs and nowhere else', async () => {
    const message = request(
      'INVITE sip:sips%3Auser%40example.com@example.net SIP/2.0',
      {
        To: 'sip:%75se%72@example.com',
        From: '<sip:I%20have%20spaces@example.net>;tag=938',
        Contact: '<sip:cal%6Cer@host5.example.net;%6C%72;n%61me=v%61lue%25%34%31>',
      },
      sdp,
    );
    expect(await answer(message)).toBe(486);
    expect(seen[0]!.uri).toMatchObject({ user: 'sips:user@example.com', host: 'example.net' });
    expect(seen[0]!.to.uri.user).toBe('user');
    expect(seen[0]!.contact!.uri.params).toEqual({ lr: '', name: 'value%41' });
  });

  it('escnull: an escaped NUL is a character like others', async () => {
    const message = request('REGISTER sip:example.com SIP/2.0', {
      To: 'sip:null-%00-null@example.com',
      From: 'sip:null-%00-null@example.com;tag=839923423',
      Contact: ['<sip:%00@host5.example.com>', '<sip:%00%00@host5.example.com>'],
    });
    expect(await answer(message)).toBe(200);
    expect(seen[0]!.contacts.map((contact) => contact.uri.user)).toEqual(['\0', '\0\0']);
  });

  it('esc02: a percent sign in a method or a display name is no escape', async () => {
    const message = request('RE%47IST%45R sip:registrar.example.com SIP/2.0', {
      To: '"%Z%45" <sip:resource@example.com>',
      From: '"%Z%45" <sip:resource@example.com>;tag=f232jadfj23',
      Contact: '<sip:alias1@host1.example.com>',
    });
    expect(await answer(message)).toBe(501);
    expect(seen[0]!.to.displayName).toBe('%Z%45');
  });

  it('lwsdisp: no blank before the bracket', async () => {
    expect(
      await answer(request('OPTIONS sip:user@example.com SIP/2.0', { From: 'caller<sip:caller@example.com>;tag=323' })),
    ).toBe(200);
    expect(seen[0]!.from.displayName).toBe('caller');
  });

  it('longreq: long values', async () => {
    const long = 'a-really-long-parameter-'.repeat(40);
    const message = request(
      'INVITE sip:user@example.com SIP/2.0',
      {
        To: `"I have a user name of ${'extreme '.repeat(20)}proportion" <sip:user@example.com:6000;unknownparam1=${long};longparamname${long}=shortvalue>`,
        From: `sip:${'amazinglylongcallername'.repeat(30)}@example.net;tag=12${'982424'.repeat(60)};unknown${long}=x`,
        'Call-ID': `longreq.one${'really'.repeat(30)}longcallid`,
        Via: Array.from(
          { length: 34 },
          (_, i) => `SIP/2.0/TCP sip${33 - i}.example.com${i ? '' : ';branch=z9hG4bKlong'}`,
        ),
        Contact: `<sip:${'amazinglylongcallername'.repeat(30)}@host5.example.net>`,
      },
      sdp,
    );
    expect(await answer(message)).toBe(486);
  });

  it('dblreq: what follows the body of a datagram is not looked at', async () => {
    const message = request('REGISTER sip:example.com SIP/2.0', { Contact: '<sip:j.user@host.example.com>' });
    expect(await answer(message + request('INVITE sip:joe@example.com SIP/2.0'))).toBe(200);
    expect(seen).toHaveLength(1);
  });

  it('semiuri: semicolons in the user part', async () => {
    expect(
      await answer(request('OPTIONS sip:user;par=u%40example.net@example.com SIP/2.0', { Accept: 'application/sdp' })),
    ).toBe(200);
    expect(seen[0]!.uri).toMatchObject({ user: 'user;par=u@example.net', host: 'example.com' });
  });

  it('transports: transports nobody has', async () => {
    const transports = ['UDP', 'SCTP', 'TLS', 'UNKNOWN', 'TCP'];
    const Via = transports.map((name, i) => `SIP/2.0/${name} t${i}.example.com;branch=z9hG4bKtr${i}`);
    expect(await answer(request('OPTIONS sip:user@example.com SIP/2.0', { Via }))).toBe(200);
  });

  it('mpart01: a multipart body with bytes of all kinds', async () => {
    const body = Buffer.concat([
      Buffer.from('--7a9cbec02ceef655\r\nContent-Type: application/octet-stream\r\n\r\n'),
      Buffer.from([0, 0x30, 0x82, 0xff, 13, 10, 13, 10, 0xfe]),
      Buffer.from('\r\n--7a9cbec02ceef655--\r\n'),
    ]);
    const head = request('MESSAGE sip:kumiko@example.org SIP/2.0', {
      'Content-Type': 'multipart/mixed;boundary=7a9cbec02ceef655',
      'Content-Length': String(body.length),
    });
    expect(await answer(Buffer.concat([Buffer.from(head), body]))).toBe(200);
    expect(seen[0]!.body).toEqual(body);
  });

  const response = (start: string, fields: string[] = []) =>
    crlf(
      start,
      'Via: SIP/2.0/UDP 192.0.2.198;branch=z9hG4bK1324923',
      'Call-ID: r',
      'CSeq: 35 INVITE',
      'From: <sip:user@example.com>;tag=1',
      'To: <sip:user@example.edu>;tag=2',
      ...fields,
      'Content-Length: 0',
      '',
      '',
    );

  it('unreason: a reason phrase in another language', () => {
    const parsed = parseMessage(
      Buffer.from(response('SIP/2.0 200 = 2**3 * 5**2 но сто девяносто девять - простое')),
    ) as SipResponse;
    expect(parsed.reason).toBe('= 2**3 * 5**2 но сто девяносто девять - простое');
  });

  it('noreason: an empty reason phrase', () => {
    expect(parseMessage(Buffer.from(response('SIP/2.0 100 ')))).toMatchObject({ status: 100, reason: '' });
  });

  it('scalarlg, bigcode and bcast: responses that nobody can use are dropped', async () => {
    expect(
      await answer(response('SIP/2.0 503 Service Unavailable').replace('35 INVITE', '9292394834772304023312 OPTIONS')),
    ).toBeUndefined();
    expect(await answer(response('SIP/2.0 4294967301 better not break the receiver'))).toBeUndefined();
    expect(
      await answer(response('SIP/2.0 200 OK', ['Via: SIP/2.0/UDP 255.255.255.255;branch=z9hG4bK1saber23'])),
    ).toBeUndefined();
    expect(() => parseMessage(Buffer.from(response('SIP/2.0 4294967301 x')))).toThrow();
  });
});

describe('RFC 4475 §3.1.2 to §3.4: refused, or understood all the same', () => {
  const options = 'OPTIONS sip:user@example.com SIP/2.0';
  const invite = 'INVITE sip:user@example.com SIP/2.0';
  const register = 'REGISTER sip:example.com SIP/2.0';

  it.each<[name: string, expected: number, message: string]>([
    [
      'badinv01: extra separators',
      400,
      request(invite, { Via: 'SIP/2.0/UDP 192.0.2.15;;,;,,', Contact: '"Joe" <sip:joe@example.org>;;;;' }),
    ],
    ['clerr: Content-Length larger than the message', 400, request(invite, { 'Content-Length': '9999' }, sdp)],
    ['ncl: negative Content-Length', 400, request(invite, { 'Content-Length': '-999' }, sdp)],
    [
      'scalar02: numbers out of range',
      400,
      request(register, {
        CSeq: '36893488147419103232 REGISTER',
        'Max-Forwards': '300',
        Expires: '10000000000000000000000000000000000000000',
        Contact: '<sip:user@host129.example.com>;expires=280297596632815',
      }),
    ],
    ['quotbal: quote without end', 400, request(invite, { To: '"Mr. J. User <sip:j.user@example.com>' })],
    ['ltgtruri: brackets around the Request-URI', 400, request('INVITE <sip:user@example.com> SIP/2.0')],
    ['lwsruri: blanks in the Request-URI', 400, request('INVITE sip:user@example.com; lr SIP/2.0')],
    ['lwsstart: double blanks in the start line', 400, request('INVITE  sip:user@example.com  SIP/2.0')],
    ['trws: blanks after the start line', 200, request(`${options}  `)],
    [
      'escruri: headers in the Request-URI',
      400,
      request('INVITE sip:user@example.com?Route=%3Csip:example.com%3E SIP/2.0'),
    ],
    ['baddate: a Date not in GMT', 486, request(invite, { Date: 'Fri, 01 Jan 2010 16:00:00 EST' })],
    [
      'regbadct: URI with headers and no brackets',
      400,
      request(register, { Contact: 'sip:user@example.com?Route=%3Csip:sip.example.com%3E' }),
    ],
    [
      'badaspec: blanks within an address',
      400,
      request('OPTIONS sip:user@example.org SIP/2.0', { To: '"Watson, Thomas" < sip:t.watson@example.org >' }),
    ],
    [
      'baddn: comma in an unquoted display name',
      200,
      request(options, { From: 'Bell, Alexander <sip:a.g.bell@example.com>;tag=43' }),
    ],
    ['badvers: an unknown version', 505, request('OPTIONS sip:t.watson@example.org SIP/7.0')],
    ['mismatch01: CSeq of another method', 400, request(options, { CSeq: '8 INVITE' })],
    [
      'mismatch02: the same for an unknown method',
      400,
      request('NEWMETHOD sip:user@example.com SIP/2.0', { CSeq: '8 INVITE' }),
    ],
    [
      'badbranch: nothing after the magic cookie',
      200,
      request(options, { Via: 'SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK' }),
    ],
    ['insuf: no Call-ID, From or To', 400, request(invite, { 'Call-ID': '', From: '', To: '' }, sdp)],
    ['unkscm: an unknown scheme', 416, request('OPTIONS nobodyKnowsThisScheme:totallyopaquecontent SIP/2.0')],
    ['novelsc: a known scheme that is not for SIP', 416, request('OPTIONS soap.beep://192.0.2.103:3002 SIP/2.0')],
    [
      'unksm2: unknown schemes in other fields',
      200,
      request(register, {
        To: '<isbn:2983792873>',
        From: '<http://www.example.com>;tag=3234233',
        Contact: '<name:John_Smith>',
      }),
    ],
    [
      'bext01: Require nobody knows',
      420,
      request(options, {
        Require: 'nothingSupportsThis, nothingSupportsThisEither',
        'Proxy-Require': 'noProxiesSupportThis, norDoAnyProxiesSupportThis',
      }),
    ],
    [
      'invut: a body of an unknown type',
      415,
      request(invite, { 'Content-Type': 'application/unknownformat' }, '<audio><pcmu port="443"/></audio>'),
    ],
    [
      'regaut01: an unknown scheme of authorization',
      401,
      request(register, { Contact: '<sip:host@example.com>', Authorization: 'NoOneKnowsThisScheme opaque-data=here' }),
    ],
    [
      'multi01: fields given twice that may be there once',
      400,
      request(invite, {
        CSeq: ['5 INVITE', '59 OPTIONS'],
        'Call-ID': ['multi01.98asdh', 'multi01.98lkjh'],
        To: ['sip:user@example.com', 'sip:other@example.net'],
        From: ['<sip:a@example.net>;tag=1', '<sip:b@example.net>;tag=2'],
      }),
    ],
    [
      'mcl01: two values of Content-Length',
      400,
      request(options, { 'Content-Length': ['13', '5'] }, 'there is no way'),
    ],
    ['zeromf: Max-Forwards zero reaches an endpoint', 200, request(options, { 'Max-Forwards': '0' })],
    [
      'cparam01: an unknown parameter of Contact',
      200,
      request(register, { Contact: 'sip:+19725552222@gw1.example.net;unknownparam' }),
    ],
    [
      'cparam02: an unknown parameter of the URI',
      200,
      request(register, { Contact: '<sip:+19725552222@gw1.example.net;unknownparam>' }),
    ],
    [
      'regescrt: headers in the URI of Contact',
      200,
      request(register, { Contact: '<sip:user@example.com?Route=%3Csip:sip.example.com%3E>' }),
    ],
    ['sdp01: an answer is wanted in a form nobody knows', 406, request(invite, { Accept: 'text/nobodyKnowsThis' })],
    [
      'inv2543: as in the last century',
      486,
      request(
        'INVITE sip:UserB@example.com SIP/2.0',
        {
          Via: 'SIP/2.0/UDP iftgw.example.com',
          'Max-Forwards': '',
          From: '<sip:+13035551111@ift.client.example.net;user=phone>',
          To: 'sip:+16505552222@ss1.example.net;user=phone',
          'Record-Route': '<sip:UserB@example.com;maddr=ss1.example.com>',
          Contact: '<sip:+13035551111@ift.client.example.net;user=phone>',
        },
        sdp,
      ),
    ],
  ])('%s', async (_name, expected, message) => {
    expect(await answer(message)).toBe(expected);
  });
});

describe('RFC 5118: IPv6', () => {
  const register = (uri: string, fields: Record<string, string> = {}) => request(`REGISTER ${uri} SIP/2.0`, fields);

  it.each<[name: string, expected: number, message: string]>([
    [
      'ipv6-good: a reference in brackets',
      200,
      register('sip:[2001:db8::10]', {
        Via: 'SIP/2.0/UDP [2001:db8::9:1];branch=z9hG4bKas3-111',
        Contact: '"Caller" <sip:caller@[2001:db8::1]>',
      }),
    ],
    ['ipv6-bad: no brackets', 400, register('sip:2001:db8::10')],
    ['port-ambiguous: the port is part of the address', 200, register('sip:[2001:db8::10:5070]')],
    ['port-unambiguous: a port after the bracket', 200, register('sip:[2001:db8::10]:5070')],
    [
      'via-received-param-with-delim',
      200,
      register('sip:[2001:db8::10]', {
        Via: 'SIP/2.0/UDP [2001:db8::9:1];received=[2001:db8::9:255];branch=z9hG4bKas3-112',
      }),
    ],
    [
      'via-received-param-no-delim',
      200,
      register('sip:[2001:db8::10]', {
        Via: 'SIP/2.0/UDP [2001:db8::9:1];received=2001:db8::9:255;branch=z9hG4bKas3-113',
      }),
    ],
    ['ipv4-mapped-ipv6', 200, register('sip:[::ffff:192.0.2.10]:19823', { Contact: '<sip:[::ffff:192.0.2.2]>' })],
    [
      'ipv6-bug-abnf-3-colons: generous with an old mistake of the grammar',
      200,
      register('sip:[2001:db8:::192.0.2.1]'),
    ],
  ])('%s', async (_name, expected, message) => {
    expect(await answer(message)).toBe(expected);
  });

  it('ambiguous and clear ports are told apart', () => {
    const uriOf = (uri: string) => (parseMessage(Buffer.from(register(uri))) as SipRequest).uri;
    expect(uriOf('sip:[2001:db8::10:5070]')).toMatchObject({ host: '[2001:db8::10:5070]' });
    expect(uriOf('sip:[2001:db8::10:5070]').port).toBeUndefined();
    expect(uriOf('sip:[2001:db8::10]:5070')).toMatchObject({ host: '[2001:db8::10]', port: 5070 });
  });
});
