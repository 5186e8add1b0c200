import { describe, expect, it } from 'vitest';
import { buildResponse } from './build.ts';
import { SipRequest, SipResponse } from './message.ts';
import { parseNameAddr, printNameAddr } from './name-addr.ts';
import { parseMessage } from './parser.ts';
import { parseReason, reasonHeaders } from './reason.ts';
import { parseRefer, parseReplaces, printReplaces } from './refer.ts';
import { parseUri, printUri, sameUri } from './uri.ts';

const request = (lines: string[], body = '') =>
  parseMessage(Buffer.from(`${lines.join('\r\n')}\r\n\r\n${body}`)) as SipRequest;

const INVITE = [
  'INVITE sip:bob@example.com SIP/2.0',
  'v: SIP / 2.0 / UDP 192.0.2.1 ; branch=z9hG4bK1 , SIP/2.0/TCP p.example.com;branch=z9hG4bK2',
  'X-Unknown:  kept  as is ',
  'f: "A \\"quoted\\" <name>" <sip:alice@example.com;transport=tcp>;tag=1',
  'To: sip:bob@example.com;tag=2',
  'i: abc',
  'CSeq:  0009  INVITE',
  'm: <sip:alice@192.0.2.1>,',
  ' <sip:alice@192.0.2.9>',
  'x-unknown: twice',
  'l: 4',
];

/** Without the length of the body. */
const HEAD = INVITE.slice(0, -1);

describe('parser', () => {
  it('reads compact forms, folded lines and lists, and keeps unknown fields in their order', () => {
    const message = request(INVITE, 'body and more');
    expect(message.via).toMatchObject({ transport: 'UDP', host: '192.0.2.1', branch: 'z9hG4bK1' });
    expect(message.from.displayName).toBe('A "quoted" <name>');
    expect(message.from.uri.params).toEqual({ transport: 'tcp' });
    expect(message.from.tag).toBe('1');
    expect(message.to.tag).toBe('2');
    expect(message.cseq).toEqual({ number: 9, method: 'INVITE' });
    expect(message.contacts.map((contact) => contact.uri.host)).toEqual(['192.0.2.1', '192.0.2.9']);
    expect(message.headers('X-UNKNOWN')).toEqual(['kept  as is', 'twice']);
    expect(message.bodyText).toBe('body');
    expect([...message.fields()].map(([name]) => name)).toEqual(
      INVITE.slice(1)
        .filter((line) => line[0] !== ' ')
        .map((line) => line.split(':')[0]),
    );
  });

  it('prints what it has read', () => {
    const once = request(INVITE, 'body').print();
    expect(parseMessage(once).print()).toEqual(once);
    expect(once.toString()).toContain('X-Unknown: kept  as is\r\n');
  });

  it('notes a body that is shorter than it says, and lengths that are no numbers', () => {
    expect(request([...HEAD, 'l: 400'], 'body').defect?.message).toContain('shorter');
    for (const length of ['-1', '4x', '99999999999999999999', '', '0x4']) {
      expect(request([...HEAD, `l: ${length}`], 'body').defect?.message).toContain('Content-Length');
    }
  });

  it('notes two lengths that differ', () => {
    expect(request([...INVITE, 'Content-Length: 5'], 'body!').defect?.message).toContain('Content-Length');
  });

  it('refuses messages that are too large, have too many fields, or too long ones', () => {
    const many = request([...HEAD, ...Array.from({ length: 300 }, (_, i) => `X-${i}: 1`)]);
    expect(many.defect).toMatchObject({ status: 513 });
    expect(many.fieldCount).toBe(256);
    expect(request([...HEAD, `X: ${'x'.repeat(9000)}`]).defect).toMatchObject({ status: 513 });
    expect(request([...HEAD, 'X: 1', ...Array(200).fill(` ${'x'.repeat(100)}`)]).defect).toMatchObject({ status: 513 });
    expect(() => parseMessage(Buffer.alloc(70_000, 'a'))).toThrow('too large');
  });

  it('is done in no time with hostile lists and quotes', () => {
    const started = performance.now();
    for (const nasty of [
      '"'.repeat(8000),
      '<'.repeat(8000),
      ';'.repeat(8000),
      `"${'\\'.repeat(7999)}`,
      ','.repeat(8000),
      ' '.repeat(8000),
    ]) {
      const message = request([...INVITE.slice(0, 3), `From: ${nasty}`, `Reason: ${nasty}`]);
      expect(() => message.from).toThrow();
      parseReason(message);
      message.list('from');
    }
    expect(performance.now() - started).toBeLessThan(200);
  });
});

describe('printing', () => {
  it('cannot be made to start another line', () => {
    const message = new SipRequest('OPTIONS', 'sip:a@b');
    expect(() => message.append('Subject', 'x\r\nVia: evil')).toThrow('one line');
    expect(() => message.append('Subject', 'x\nVia: evil')).toThrow('one line');
    expect(() => message.append('Subject', 'x\rVia: evil')).toThrow('one line');
    expect(() => message.append('Sub\r\nject', 'x')).toThrow('token');
    expect(() => message.append('Sub: ject', 'x')).toThrow('token');
    expect(() => message.prepend('Via', 'x\r\n\r\nbody')).toThrow('one line');
    expect(() => printUri({ scheme: 'sip', user: 'a', host: 'b\r\nVia: evil' })).toThrow('host');
    expect(printUri({ scheme: 'sip', user: 'a\r\nb>;c', host: 'h' })).toBe('sip:a%0D%0Ab%3E;c@h');
    expect(() => printNameAddr({ uri: 'sip:a@b', displayName: 'x\r\ny' })).toThrow();
    expect(() => printNameAddr({ uri: 'sip:a@b>\r\nX: y' })).toThrow();
    expect(() => reasonHeaders({ q850: 16, text: 'a\r\nb' })).toThrow();
    const reply = buildResponse(request(HEAD), { status: 400, reason: 'a\r\nb' });
    expect(reply.print().toString().split('\r\n')[0]).toBe('SIP/2.0 400 a  b');
    expect(() => buildResponse(request(HEAD), { status: 400, headers: [['X', 'a\r\nb']] })).toThrow();
  });

  it('never carries a stray CR of a received value on', () => {
    const message = request([...INVITE.slice(0, 6), 'CSeq: 1 INVITE', 'Subject: a\rVia: b']);
    expect(message.print().toString()).toContain('Subject: a Via: b\r\n');
  });

  it('counts bytes, not characters', () => {
    expect(new SipResponse(200, 'OK', 'ä€').print().toString()).toContain('Content-Length: 5\r\n');
  });
});

describe('URIs', () => {
  it.each([
    'sip:alice@example.com',
    'sips:alice:secret@example.com:5061;transport=tls;lr?subject=x',
    'sip:[2001:db8::1]:5060;lr',
    'sip:+15550100;ext=1@example.com;user=phone',
    'tel:+15550100;phone-context=example.com',
    'sip:a%20b%2F@example.com',
  ])('%s reads and prints back', (text) => {
    expect(sameUri(parseUri(printUri(parseUri(text))), parseUri(text))).toBe(true);
    expect(printUri(parseUri(text)).toLowerCase()).toBe(text.replace('%2F', '/').toLowerCase());
  });

  it.each([
    '',
    'sip:',
    'sip:@host',
    'sip:a b@host',
    'sip:host:99999',
    'sip:host:1x',
    'sip:[::1',
    'nocolon',
    ':x',
    'sip:a@ho<st',
  ])('%j is refused', (text) => {
    expect(() => parseUri(text)).toThrow();
  });

  it('does not fall for names of the prototype', () => {
    const { params } = parseUri('sip:h;__proto__=1;constructor=2');
    expect(Object.keys(params!)).toEqual(['__proto__', 'constructor']);
    expect(({} as Record<string, unknown>).constructor).toBe(Object);
  });
});

describe('addresses', () => {
  it('gives parameters outside of brackets to the field', () => {
    const address = parseNameAddr('sip:a@b;tag=x;q=1');
    expect(address.uriText).toBe('sip:a@b');
    expect(address.tag).toBe('x');
  });

  it.each(['"Anna" sip:a@b', '<sip:a@b', '"open <sip:a@b>', '<sip:a@b> x', 'a "b" <sip:a@b>', ''])(
    '%j is refused',
    (text) => {
      expect(() => parseNameAddr(text)).toThrow();
    },
  );
});

describe('Reason, Refer-To and Replaces', () => {
  it('reads both protocols of a Reason and writes them', () => {
    const message = request([...HEAD, 'Reason: SIP ;cause=200 ;text="Call completed elsewhere", Q.850;cause=26']);
    expect(parseReason(message)).toEqual({ sip: 200, q850: 26, text: 'Call completed elsewhere' });
    expect(reasonHeaders({ q850: 16, text: 'bye "now"' })).toEqual([['Reason', 'Q.850;cause=16;text="bye \\"now\\""']]);
    expect(reasonHeaders({})).toEqual([]);
  });

  it('reads an attended transfer', () => {
    const refer = parseRefer(
      request([
        ...HEAD,
        'r: <sip:carol@example.com;method=INVITE?Replaces=a%40b%3Bto-tag%3Dt%3Bfrom-tag%3Df>',
        'b: <sip:x@y>',
      ]),
    );
    expect(printUri(refer.target)).toBe('sip:carol@example.com');
    expect(refer.replaces).toEqual({ callId: 'a@b', toTag: 't', fromTag: 'f', earlyOnly: false });
    expect(refer.referredBy).toBe('<sip:x@y>');
    expect(printReplaces(parseReplaces('a;from-tag=f;to-tag=t;early-only'))).toBe('a;to-tag=t;from-tag=f;early-only');
  });

  it('wants exactly one Refer-To', () => {
    expect(() => parseRefer(request(HEAD))).toThrow();
    expect(() => parseRefer(request([...HEAD, 'Refer-To: <sip:a@b>, <sip:c@d>']))).toThrow();
  });
});
