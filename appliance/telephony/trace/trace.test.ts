import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { Flow } from '../sip/index.ts';
import { ladder } from './ladder.ts';
import { masked } from './mask.ts';
import { pcap } from './pcap.ts';
import { SipRing } from './ring.ts';
import { createSipTrace } from './trace.ts';

const flow = (address: string, port = 5060, transport: Flow['transport'] = 'udp') =>
  ({
    transport,
    remote: { address, port },
    local: { address: address.includes(':') ? '2001:db8::1' : '198.51.100.1', port: 5060 },
  }) as Flow;
const SDP = 'v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\nm=audio 4000 RTP/AVP 8\r\n';
function message(start: string, callId: string, more = '', body = ''): Buffer {
  const method = start.startsWith('SIP') ? 'INVITE' : start.split(' ', 1)[0];
  return Buffer.from(
    `${start}\r\nVia: SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bKa\r\nFrom: "A" <sip:+15550001@192.0.2.1>;tag=1\r\nTo: <sip:+15550100@198.51.100.1>\r\nCall-ID: ${callId}\r\nCSeq: 1 ${method}\r\n${more}Content-Length: ${body.length}\r\n\r\n${body}`,
  );
}
function fill(ring: SipRing): void {
  const at = new Date('2026-01-05T09:00:00.123Z');
  const add = (direction: 'in' | 'out', where: Flow, data: Buffer) =>
    ring.add({ at, direction, flow: where, message: data });
  add(
    'in',
    flow('192.0.2.1'),
    message('INVITE sip:+15550100@198.51.100.1 SIP/2.0', 'a', 'Content-Type: application/sdp\r\n', SDP),
  );
  add('out', flow('192.0.2.1'), message('SIP/2.0 100 Trying', 'a'));
  add(
    'out',
    flow('2001:db8::7', 5090, 'tcp'),
    message('INVITE sip:1002@x SIP/2.0', 'b', 'Content-Type: application/sdp\r\n', SDP),
  );
  add('in', flow('2001:db8::7', 5090, 'tcp'), message('SIP/2.0 200 OK', 'b'));
  add('out', flow('192.0.2.1'), message('SIP/2.0 200 OK', 'a', 'Content-Type: application/sdp\r\n', SDP));
  add('in', flow('203.0.113.9'), message('OPTIONS sip:x SIP/2.0', 'c'));
}

describe('what is shown has no secrets', () => {
  test.each([
    [
      'Authorization: Digest username="bob", response="0123456789abcdef0123456789abcdef", nonce="n"',
      '0123456789abcdef',
      'username="bob"',
    ],
    ['Proxy-Authorization: Digest username="bob",\r\n response="deadbeef00", nonce="n"', 'deadbeef00', 'nonce="n"'],
    ['authorization : Basic Ym9iOnNlY3JldA==', 'Ym9iOnNlY3JldA', 'Basic'],
    ['Authorization: Bearer abc.def', 'abc.def', 'Bearer'],
  ])('%s', (field, secret, kept) => {
    const shown = masked(message('REGISTER sip:x SIP/2.0', 'a', `${field}\r\n`));
    expect(shown).not.toContain(secret);
    expect(shown).toContain(kept);
    expect(shown).toHaveLength(message('REGISTER sip:x SIP/2.0', 'a', `${field}\r\n`).length);
  });

  test.each([
    [
      'application/sdp',
      'v=0\r\na=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:WVNfX19zZW1jdGwgKCkgewkyMjA7fQp9|2^20\r\n',
      'WVNfX19z',
      'AES_CM_128',
    ],
    ['application/sdp', 'v=0\r\na=ice-ufrag:abcd\r\na=ice-pwd:asd88fgpdd777uzjYhagZg\r\n', 'asd88f', 'ice-ufrag:abcd'],
    [
      'multipart/mixed;boundary=x',
      '--x\r\nContent-Type: application/sdp\r\n\r\nv=0\r\nk=base64:SECRET\r\n--x--\r\n',
      'SECRET',
      'k=base64:',
    ],
    ['application/dtmf-relay', 'Signal=7\r\nDuration=160\r\n', 'Signal=7', 'Duration=160'],
    ['application/dtmf', '7', '\r\n\r\n7', 'x'],
  ])('a body of %s', (type, body, secret, kept) => {
    const shown = masked(message('INFO sip:x SIP/2.0', 'a', `Content-Type: ${type}\r\n`, body));
    expect(shown).not.toContain(secret);
    expect(shown).toContain(kept);
  });

  test('a hostile message is masked in linear time', () => {
    const began = performance.now();
    for (const text of [
      'Authorization: '.repeat(4000),
      `Authorization: Digest ${'\r\n '.repeat(20_000)}`,
      'a=crypto:1 '.repeat(6000),
      ' '.repeat(60_000),
    ])
      masked(Buffer.from(`INVITE x SIP/2.0\r\n${text}\r\n\r\n${text}`));
    expect(performance.now() - began).toBeLessThan(1000);
  });
});

describe('the ring', () => {
  test('keeps the newest, and no more than it may', () => {
    const ring = new SipRing({ messages: 100, bytes: 10_000 });
    for (let i = 0; i < 1000; i++)
      ring.add({
        at: new Date(),
        direction: 'in',
        flow: flow('192.0.2.1'),
        message: message('OPTIONS sip:x SIP/2.0', `c${i}`),
      });
    expect(ring.size).toBeLessThanOrEqual(100);
    expect(ring.bytes).toBeLessThanOrEqual(10_000);
    expect(ring.messages(new Set(['c999']))).toHaveLength(1);
    expect(ring.messages(new Set(['c1']))).toHaveLength(0);
    ring.add({ at: new Date(), direction: 'in', flow: flow('192.0.2.1'), message: Buffer.alloc(20_000) });
    expect(ring.messages(new Set(['c999']))).toHaveLength(1);
  });

  test('knows the calls, and an interaction by its legs of now and before', () => {
    const ring = new SipRing();
    fill(ring);
    expect(ring.calls().map(({ callId, from, to, messages }) => [callId, from, to, messages])).toEqual([
      ['b', '+15550001', '+15550100', 2],
      ['a', '+15550001', '+15550100', 3],
    ]);
    const trace = createSipTrace({ ring, live: () => [{ callId: 'b', tag: { interactionId: 'i' } }] });
    expect(trace.messages({ interactionId: 'i' }).map(({ callId }) => callId)).toEqual(['b', 'b']);
    trace.ended({ callId: 'a', tag: { interactionId: 'i' } });
    expect(trace.messages({ interactionId: 'i' })).toHaveLength(5);
    expect(trace.messages({})).toEqual([]);
  });
});

test('the ladder shows who said what to whom', () => {
  const ring = new SipRing();
  fill(ring);
  const lines = ladder(ring.messages(new Set(['a', 'b'])));
  expect(lines[0]).toMatch(/192\.0\.2\.1:5060 +strongroom +\[2001:db8::7\]:5090 tcp/);
  expect(lines[1]).toMatch(/^09:00:00\.123 +│─+ INVITE \(sdp\) ─+►│ +│$/);
  expect(lines[2]).toMatch(/│◄─+ 100 Trying INVITE ─+│ +│$/);
  expect(lines[3]).toMatch(/│ +│─+ INVITE \(sdp\) ─+►│$/);
  expect(lines[4]).toMatch(/│ +│◄─+ 200 OK INVITE ─+│$/);
});

const tshark = spawnSync('tshark', ['--version']).status === 0;
test.skipIf(!tshark)(
  'Wireshark reads the capture as SIP, over IPv4 and IPv6',
  () => {
    const dir = mkdtempSync(join(tmpdir(), 'trace-'));
    try {
      const ring = new SipRing();
      fill(ring);
      const file = join(dir, 'call.pcap');
      writeFileSync(file, pcap(ring.messages(new Set(['a', 'b']))));
      const fields = [
        '-e',
        'ip.src',
        '-e',
        'ipv6.dst',
        '-e',
        'sip.Request-Line',
        '-e',
        'sip.Status-Code',
        '-e',
        'sdp.media.port',
      ];
      const read = execFileSync(
        'tshark',
        ['-r', file, '-o', 'udp.check_checksum:TRUE', '-o', 'ip.check_checksum:TRUE', '-T', 'fields', ...fields],
        { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] },
      );
      expect(
        read
          .trimEnd()
          .split('\n')
          .map((line) => line.split('\t')),
      ).toEqual([
        ['192.0.2.1', '', 'INVITE sip:+15550100@198.51.100.1 SIP/2.0', '', '4000'],
        ['198.51.100.1', '', '', '100', ''],
        ['', '2001:db8::7', 'INVITE sip:1002@x SIP/2.0', '', '4000'],
        ['', '2001:db8::1', '', '200', ''],
        ['198.51.100.1', '', '', '200', '4000'],
      ]);
      const bad = execFileSync(
        'tshark',
        [
          '-r',
          file,
          '-o',
          'udp.check_checksum:TRUE',
          '-o',
          'ip.check_checksum:TRUE',
          '-Y',
          'udp.checksum.status == 0 || ip.checksum.status == 0 || _ws.malformed',
        ],
        { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] },
      );
      expect(bad).toBe('');
    } finally {
      rmSync(dir, { recursive: true });
    }
  },
  60_000,
);
