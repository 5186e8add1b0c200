import { describe, expect, test } from 'vitest';
import { diversionHeaders, parseDiversions } from './diversion.ts';
import { SipRequest } from './message.ts';
import { parseUri } from './uri.ts';

function said(...fields: [string, string][]) {
  const request = new SipRequest('INVITE', 'sip:x@box');
  for (const [name, value] of fields) request.append(name, value);
  return parseDiversions(request).map(
    ({ uri, reason, count, hidden }) => `${uri.user} ${reason} ${count}${hidden ? ' hidden' : ''}`,
  );
}

describe('who sent a call on', () => {
  test.each<[string, [string, string][], string[]]>([
    ['is nobody', [], []],
    [
      'is in Diversion',
      [['Diversion', '"Ann" <sip:+4930111@c>;reason=no-answer;counter=2;screen=no']],
      ['+4930111 no-answer 2'],
    ],
    [
      'is in several, the last one first',
      [['Diversion', '<sip:2@c>;reason=user-busy, <sip:1@c>;reason="unconditional"']],
      ['2 user-busy 1', '1 unconditional 1'],
    ],
    [
      'is in several fields',
      [
        ['Diversion', '<tel:2>'],
        ['Diversion', '<sip:1@c>;reason=weird'],
      ],
      ['2 unknown 1', '1 unknown 1'],
    ],
    ['wants no name', [['Diversion', '<sip:1@c>;privacy=full']], ['1 unknown 1 hidden']],
    [
      'wants no name by RFC 3323',
      [
        ['Diversion', '<sip:1@c>'],
        ['Privacy', 'id; History'],
      ],
      ['1 unknown 1 hidden'],
    ],
    ['counts no nonsense', [['Diversion', '<sip:1@c>;counter=99999']], ['1 unknown 1']],
    ['is skipped where it is malformed', [['Diversion', '<<<>, <sip:1@c>']], ['1 unknown 1']],
    [
      'is in History-Info',
      [['History-Info', '<sip:1@c?Reason=SIP%3Bcause%3D302>;index=1, <sip:2@c>;index=1.1;mp=1']],
      ['1 unconditional 1'],
    ],
    [
      'is in History-Info with causes in targets',
      [
        ['History-Info', '<sip:1@c>;index=1'],
        ['History-Info', '<sip:2@c;cause=486>;index=1.1, <sip:3@c;cause=408>;index=1.1.1'],
      ],
      ['2 no-answer 1', '1 user-busy 1'],
    ],
    [
      'is hidden in History-Info',
      [['History-Info', '<sip:1@c?Privacy=history>;index=1, <sip:2@c;cause=302>;index=1.1']],
      ['1 unconditional 1 hidden'],
    ],
    ['is nobody when it was routed only', [['History-Info', '<sip:1@c>;index=1, <sip:1@d>;index=1.1;rc=1']], []],
    [
      'is in Diversion where both are',
      [
        ['History-Info', '<sip:1@c>;index=1, <sip:2@c;cause=302>;index=1.1'],
        ['Diversion', '<sip:9@c>'],
      ],
      ['9 unknown 1'],
    ],
    ['has bad escapes', [['History-Info', '<sip:1@c?Reason=%ZZ>;index=1, <sip:2@c>;index=1.1']], []],
  ])('%s', (_name, fields, expected) => {
    expect(said(...fields)).toEqual(expected);
  });

  test('are ten at most', () => {
    expect(said(['Diversion', Array(200).fill('<sip:1@c>').join(',')])).toHaveLength(10);
    expect(said(['History-Info', Array(200).fill('<sip:1@c;cause=302>;index=1').join(',')])).toHaveLength(9);
  });
});

test.each([
  ['diversion', 'Diversion: <sip:+1@box>;reason=no-answer;counter=1;privacy=off', '+1 no-answer 1'],
  ['history-info', 'History-Info: <sip:+1@box>;index=1, <sip:+2@c;cause=408>;index=1.1;mp=1', '+1 no-answer 1'],
] as const)('a call that we send on says so by %s, as we would read it', (as, line, read) => {
  const fields = diversionHeaders(as, { by: parseUri('sip:+1@box'), to: parseUri('sip:+2@c'), reason: 'no-answer' });
  expect(fields.map(([name, value]) => `${name}: ${value}`)).toEqual([line]);
  expect(said(...fields)).toEqual([read]);
});
