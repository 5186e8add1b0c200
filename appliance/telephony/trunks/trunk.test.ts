import { describe, expect, test } from 'vitest';
import { printUri, SipRequest } from '../sip/index.ts';
import { isNetwork, Networks } from './networks.ts';
import type { TrunkRow } from './store.ts';
import { Trunk } from './trunk.ts';

function trunk(fields: Partial<TrunkRow> = {}): Trunk {
  const row: TrunkRow = {
    id: 't',
    version: 1,
    createdAt: new Date(),
    updatedAt: new Date(),
    name: 'carrier',
    kind: 'address',
    host: 'sip.carrier.example',
    port: null,
    transport: 'udp',
    addresses: [],
    username: null,
    passwordSealed: null,
    registrar: null,
    realm: null,
    country: 'DE',
    numberFormat: 'plus',
    callerId: { mode: 'pass' },
    codecs: ['PCMA', 'PCMU'],
    forwardedAs: null,
    srtp: 'offer',
    maxCallsPerS: null,
    maxChannels: null,
    optionsIntervalS: 60,
    enabled: true,
    position: 0,
    ...fields,
  };
  return new Trunk(row, 'secret');
}

function invite(uri: string, from: string, fields: [string, string][] = [], to = '<sip:x@box>'): SipRequest {
  const request = new SipRequest('INVITE', uri);
  for (const [name, value] of [['From', from], ['To', to], ...fields] as [string, string][])
    request.append(name, value);
  return request;
}

describe('who calls', () => {
  test.each([
    ['From', '"Ann" <sip:030123456@carrier>;tag=1', [], { number: '+4930123456', name: 'Ann' }],
    [
      'P-Asserted-Identity before From',
      '<sip:anonymous@anonymous.invalid>;tag=1',
      [['P-Asserted-Identity', '"Ann" <sip:+4930123456@carrier>']],
      { number: '+4930123456', name: 'Ann' },
    ],
    ['a tel URI', '<sip:x@carrier>;tag=1', [['P-Asserted-Identity', '<tel:+4930123456>']], { number: '+4930123456' }],
    [
      'nobody when privacy is asked for',
      '<sip:x@carrier>;tag=1',
      [
        ['P-Asserted-Identity', '<sip:+4930123456@carrier>'],
        ['Privacy', 'id'],
      ],
      { number: 'anonymous' },
    ],
    [
      'nobody when the From is anonymous',
      '"Anonymous" <sip:anonymous@anonymous.invalid>;tag=1',
      [],
      { number: 'anonymous' },
    ],
    [
      'From when the identity is malformed',
      '<sip:030123456@carrier>;tag=1',
      [['P-Asserted-Identity', '<<<>']],
      { number: '+4930123456' },
    ],
    [
      'the first identity that is a number',
      '<sip:x@carrier>;tag=1',
      [['P-Asserted-Identity', '<sip:carrier.example>, "Ann" <sip:+4930123456@carrier>']],
      { number: '+4930123456', name: 'Ann' },
    ],
    [
      'whoever says that nothing is private',
      '<sip:x@carrier>;tag=1',
      [
        ['P-Asserted-Identity', '<sip:+4930123456@carrier>'],
        ['Privacy', 'none'],
      ],
      { number: '+4930123456' },
    ],
    ...['user', 'header', 'id;critical', 'none;id', 'USER; ID'].map((privacy) => [
      `nobody with Privacy: ${privacy}`,
      '"Ann" <sip:030123456@carrier>;tag=1',
      [
        ['P-Asserted-Identity', '<sip:+4930123456@carrier>'],
        ['Privacy', privacy],
      ],
      { number: 'anonymous' },
    ]),
    ['nobody at anonymous.invalid', '<sip:030123456@anonymous.invalid>;tag=1', [], { number: 'anonymous' }],
    ['a national number', '<sip:030123456@carrier>;tag=1', [], { number: '+4930123456' }],
    ['no name that only says anonymous', '"Anonymous" <sip:030123456@c>;tag=1', [], { number: '+4930123456' }],
    ['an extension of a PBX', '<sip:42@pbx>;tag=1', [], { number: '42' }],
  ] as [string, string, [string, string][], object][])('%s', (_name, from, fields, expected) => {
    expect(trunk().caller(invite('sip:1@box', from, fields))).toEqual(expected);
  });
});

describe('which number was called', () => {
  test.each([
    ['the Request-URI', 'sip:+4930999@box', '<sip:x@box>', '+4930999'],
    ['as dialled in the country', 'sip:030999888@box', '<sip:x@box>', '+4930999888'],
    ['the To when our account was called', 'sip:acc1@box', '<sip:030999888@box>', '+4930999888'],
    ['parameters of the user part do not count', 'sip:+4930999888;npdi=yes@box', '<sip:x@box>', '+4930999888'],
    ['nothing', 'sip:box', '<sip:box>', ''],
  ])('%s', (_name, uri, to, expected) => {
    expect(trunk({ username: 'acc1' }).dialled(invite(uri, '<sip:a@b>;tag=1', [], to))).toBe(expected);
  });
});

describe('who sent a caller on', () => {
  test.each([
    [
      'by number of the country',
      '<sip:030123456@c>;reason=user-busy',
      [{ by: '+4930123456', reason: 'user-busy', count: 1 }],
    ],
    ['by extension', '<sip:42@pbx>;reason=unconditional;counter=3', [{ by: '42', reason: 'unconditional', count: 3 }]],
    ['without a name', '<sip:030111@c>;privacy=full', [{ by: 'anonymous', reason: 'unknown', count: 1 }]],
    ['with what no screen should show', '<sip:%1b%5bAnn%0d@c>', [{ by: '[Ann', reason: 'unknown', count: 1 }]],
  ])('is known %s', (_name, value, expected) => {
    const request = invite('sip:1@box', '<sip:x@c>;tag=1', [['Diversion', value]]);
    expect(trunk().forwarders(request)).toEqual(expected);
  });
});

describe('a call out', () => {
  const from = { number: '+4930111', name: 'Sales' };
  const view = (fields: Partial<TrunkRow>, caller: { number: string; name?: string } = from) => {
    const out = trunk(fields).outbound('0301234567', caller, '192.0.2.1');
    return {
      to: printUri(out.to),
      from: printUri(out.from.uri),
      name: out.from.displayName,
      headers: out.headers.map(([name, value]) => `${name}: ${value}`),
      credentials: out.credentials?.username,
    };
  };

  test('carries E.164 and our number', () => {
    expect(view({})).toEqual({
      to: 'sip:+49301234567@sip.carrier.example',
      from: 'sip:+4930111@192.0.2.1',
      name: 'Sales',
      headers: ['P-Asserted-Identity: <sip:+4930111@192.0.2.1>'],
      credentials: undefined,
    });
  });

  test("speaks the carrier's formats, ports and transports", () => {
    expect(view({ numberFormat: 'national', port: 5070, transport: 'tcp' })).toMatchObject({
      to: 'sip:0301234567@sip.carrier.example:5070;transport=tcp',
    });
    expect(view({ numberFormat: 'e164' })).toMatchObject({
      to: 'sip:49301234567@sip.carrier.example',
      from: 'sip:4930111@192.0.2.1',
    });
  });

  test("of a registered account comes from the carrier's domain, with its password", () => {
    expect(view({ kind: 'registration', username: 'acc1', realm: 'carrier.example' })).toMatchObject({
      from: 'sip:+4930111@carrier.example',
      credentials: 'acc1',
    });
  });

  test.each([
    [
      'the fixed number for everybody',
      { mode: 'fixed', number: '+4930000', name: 'House' },
      from,
      'sip:+4930000@192.0.2.1',
      'House',
    ],
    [
      'the number of the house for extensions',
      { mode: 'pass', number: '+4930000' },
      { number: '1001' },
      'sip:+4930000@192.0.2.1',
      undefined,
    ],
    ['nobody', { mode: 'anonymous', number: '+4930000' }, from, 'sip:anonymous@anonymous.invalid', 'Anonymous'],
    [
      'nobody for who wants to be nobody',
      { mode: 'pass', number: '+4930000' },
      { number: 'anonymous' },
      'sip:anonymous@anonymous.invalid',
      'Anonymous',
    ],
  ] as [string, TrunkRow['callerId'], { number: string }, string, string | undefined][])(
    'shows %s',
    (_name, callerId, caller, uri, name) => {
      expect(view({ callerId }, caller)).toMatchObject({ from: uri, name });
    },
  );

  test('that hides the number says so, and tells the carrier who it is', () => {
    expect(view({ callerId: { mode: 'anonymous' } }).headers).toEqual([
      'P-Asserted-Identity: <sip:+4930111@192.0.2.1>',
      'Privacy: id',
    ]);
  });
});

describe('a call that is sent on', () => {
  const sent = (fields: Partial<TrunkRow>, by = '+4930122') =>
    trunk(fields)
      .outbound('0301234567', { number: '+4930111' }, '192.0.2.1', { by, reason: 'user-busy' })
      .headers.slice(1)
      .map(([name, value]) => `${name}: ${value}`);

  test.each<[string, Partial<TrunkRow>, string | undefined, string[]]>([
    ['is not explained to a trunk that does not ask', {}, undefined, []],
    [
      'by Diversion',
      { forwardedAs: 'diversion' },
      undefined,
      ['Diversion: <sip:+4930122@192.0.2.1>;reason=user-busy;counter=1;privacy=off'],
    ],
    [
      'by History-Info, in the numbers of the trunk',
      { forwardedAs: 'history-info', numberFormat: 'national' },
      undefined,
      ['History-Info: <sip:030122@192.0.2.1>;index=1, <sip:0301234567@sip.carrier.example;cause=486>;index=1.1;mp=1'],
    ],
    ['but not by whom when they are nobody', { forwardedAs: 'diversion' }, 'anonymous', []],
    [
      'from the domain of the account',
      { forwardedAs: 'diversion', kind: 'registration', realm: 'carrier.example' },
      undefined,
      ['Diversion: <sip:+4930122@carrier.example>;reason=user-busy;counter=1;privacy=off'],
    ],
  ])('is told %s', (_name, fields, by, expected) => {
    expect(sent(fields, by)).toEqual(expected);
  });
});

describe('whether audio is encrypted', () => {
  test.each([
    ['udp', 'require', 'off'],
    ['tls', 'off', 'off'],
    ['tls', 'offer', 'offer'],
    ['tls', 'require', 'require'],
  ] as const)('over %s with %s: %s', (transport, srtp, expected) => {
    expect(trunk({ transport, srtp }).srtp).toBe(expected);
  });
});

describe('networks', () => {
  test.each([
    ['192.0.2.1', true],
    ['192.0.2.0/24', true],
    ['2001:db8::/32', true],
    ['::1', true],
    ['192.0.2.0/33', false],
    ['carrier.example', false],
    ['', false],
    ['192.0.2.0/24/8', false],
    ['1.2.3', false],
  ])('%s: %s', (text, expected) => {
    expect(isNetwork(text)).toBe(expected);
  });

  test('hold IPv4, also as IPv6 sockets show it, and IPv6', () => {
    const networks = new Networks(['192.0.2.0/24', '2001:db8::/32', 'nonsense']);
    expect(
      ['192.0.2.9', '::ffff:192.0.2.9', '2001:db8::7', '198.51.100.1', 'nonsense'].map((address) =>
        networks.has(address),
      ),
    ).toEqual([true, true, true, false, false]);
  });
});
