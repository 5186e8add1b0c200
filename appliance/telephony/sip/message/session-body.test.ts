import { describe, expect, test } from 'vitest';
import { SipRequest } from './message.ts';
import { readSession } from './session-body.ts';
import { refuseBody } from './validate.ts';

const sdp = 'v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-';
const part = (type: string, text: string, ...fields: string[]) =>
  [`Content-Type: ${type}`, ...fields, '', text].join('\r\n');
const parts = (...all: string[]) => `${all.map((one) => `--b1\r\n${one}\r\n`).join('')}--b1--\r\n`;
const isup = part('application/isup;version=nxv3', '\x01\x10', 'Content-Disposition: signal;handling=optional');
const place = part('application/pidf+xml', '<presence/>', 'Content-Disposition: by-reference; handling="optional"');

function invite(type: string | undefined, body: string, fields: [string, string][] = []): SipRequest {
  const request = new SipRequest('INVITE', 'sip:x@box', body);
  if (type) request.append('Content-Type', type);
  for (const [name, value] of fields) request.append(name, value);
  return request;
}

const mixed = 'multipart/mixed;boundary=b1';
const yes = { sdp, refused: false };
const no = { sdp: undefined, refused: true };

describe('the session description of an INVITE', () => {
  test.each<[string, SipRequest, object]>([
    ['is its body', invite('application/sdp', sdp), yes],
    ['is its body when nobody said what it is', invite(undefined, sdp), yes],
    ['is missing', invite('application/sdp', ''), { sdp: undefined, refused: false }],
    ['lies beside what a telephone exchange said', invite(mixed, parts(part('application/sdp', sdp), isup)), yes],
    ['is the second part', invite(mixed, parts(place, isup, part('application/sdp;x=y', sdp))), yes],
    ['is in a quoted boundary', invite('Multipart/Mixed; boundary="b1"', parts(part('application/sdp', sdp))), yes],
    ['comes after a preamble', invite(mixed, `hello\r\n${parts(part('application/sdp', sdp))}bye`), yes],
    [
      'has bare line feeds',
      invite(mixed, parts(part('application/sdp', 'v=0\ns=-')).replaceAll('\r', '')),
      { sdp: 'v=0\ns=-', refused: false },
    ],
    [
      'is the best of alternatives',
      invite(
        'multipart/alternative;boundary=b1',
        parts(part('application/sdp', 'v=0'), part('application/sdp', sdp), part('text/plain', 'x')),
      ),
      yes,
    ],
    [
      'lies two deep',
      invite(
        'multipart/mixed;boundary=o',
        `--o\r\n${part('multipart/alternative;boundary=b1', parts(part('application/sdp', sdp)))}\r\n--o--`,
      ),
      yes,
    ],
    [
      'is not looked for beside what must be understood',
      invite(mixed, parts(part('application/sdp', sdp), part('application/isup', '\x01'))),
      { sdp, refused: true },
    ],
    ['may be absent beside what need not be', invite(mixed, parts(isup)), { sdp: undefined, refused: false }],
    ['is not read when it is encoded', invite('application/sdp', sdp, [['Content-Encoding', 'gzip']]), no],
    [
      'is not read from base64',
      invite(mixed, parts(part('application/sdp', 'dj0w', 'Content-Transfer-Encoding: base64'))),
      no,
    ],
    ['is not read from another type', invite('text/html', sdp), no],
    [
      'is not missed when the body is optional',
      invite('text/html', 'x', [['Content-Disposition', 'render;handling=optional']]),
      { sdp: undefined, refused: false },
    ],
    ['is refused without a boundary', invite('multipart/mixed', parts(part('application/sdp', sdp))), no],
    ['is refused without an end', invite(mixed, `--b1\r\n${part('application/sdp', sdp)}`), no],
    [
      'is refused among a hundred parts',
      invite(mixed, parts(...Array(100).fill(isup), part('application/sdp', sdp))),
      no,
    ],
  ])('%s', (_name, request, expected) => {
    expect(readSession(request)).toEqual(expected);
  });

  test('nested without end is refused, and costs nothing', () => {
    let body = part('application/sdp', sdp);
    for (let i = 0; i < 400; i++) body = `${part(`multipart/mixed;boundary=n${i}`, `--n${i}\r\n${body}\r\n--n${i}--`)}`;
    const started = performance.now();
    expect(readSession(invite('multipart/mixed;boundary=top', `--top\r\n${body}\r\n--top--`))).toEqual(no);
    expect(readSession(invite(mixed, '--b1'.repeat(15_000)))).toEqual(no);
    expect(performance.now() - started).toBeLessThan(200);
  });
});

test.each([
  ['text/html', [], [['Accept', 'application/sdp, multipart/mixed, multipart/alternative, multipart/related']]],
  ['application/sdp', [['Content-Encoding', 'gzip']], [['Accept-Encoding', 'identity']]],
] as [string, [string, string][], object][])('415 says what would be taken instead of %s', (type, fields, headers) => {
  expect(refuseBody(invite(type, 'x', fields))).toEqual({ status: 415, headers });
});
