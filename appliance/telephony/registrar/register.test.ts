import { describe, expect, test } from 'vitest';
import { SipRequest } from '../sip/index.ts';
import { type Limits, readRegister, type Wanted } from './register.ts';

const LIMITS: Limits = { minS: 60, maxS: 3600, defaultS: 600, contacts: 3 };

function register(...fields: [string, string][]): Wanted {
  const request = new SipRequest('REGISTER', 'sip:box');
  for (const [name, value] of fields) request.append(name, value);
  return readRegister(request, LIMITS);
}

describe('a REGISTER asks for', () => {
  test.each([
    ['the list', [], { kind: 'query' }],
    [
      'the end of everything',
      [
        ['Contact', '*'],
        ['Expires', '0'],
      ],
      { kind: 'remove-all' },
    ],
    [
      'a contact for the usual time',
      [['Contact', '<sip:a@192.0.2.1:5060>']],
      { kind: 'contacts', contacts: [{ uri: 'sip:a@192.0.2.1:5060', expiresS: 600 }] },
    ],
    [
      'a contact for its own time before the common one',
      [
        ['Contact', '<sip:a@192.0.2.1>;expires=90'],
        ['Expires', '300'],
      ],
      { kind: 'contacts', contacts: [{ expiresS: 90 }] },
    ],
    [
      'no longer than we allow',
      [
        ['Contact', '<sip:a@192.0.2.1>'],
        ['Expires', '999999'],
      ],
      { kind: 'contacts', contacts: [{ expiresS: 3600 }] },
    ],
    [
      'the end of one contact',
      [['Contact', '<sip:a@192.0.2.1>;expires=0']],
      { kind: 'contacts', contacts: [{ expiresS: 0 }] },
    ],
    [
      'several contacts in one field',
      [['Contact', '<sip:a@192.0.2.1>, <sip:a@192.0.2.2>']],
      { kind: 'contacts', contacts: [{ uri: 'sip:a@192.0.2.1' }, { uri: 'sip:a@192.0.2.2' }] },
    ],
    [
      'an unreadable time: the usual one',
      [['Contact', '<sip:a@192.0.2.1>;expires=soon']],
      { kind: 'contacts', contacts: [{ expiresS: 600 }] },
    ],
  ] as [string, [string, string][], Partial<Wanted>][])('%s', (_name, fields, expected) => {
    expect(register(...fields)).toMatchObject(expected);
  });

  test.each([
    ['a wildcard that would register', [['Contact', '*']], 400],
    [
      'a wildcard in company',
      [
        ['Contact', '*, <sip:a@192.0.2.1>'],
        ['Expires', '0'],
      ],
      400,
    ],
    [
      'too short a time',
      [
        ['Contact', '<sip:a@192.0.2.1>'],
        ['Expires', '5'],
      ],
      423,
    ],
    ['too many contacts', [['Contact', '<sip:a@1.1.1.1>,<sip:a@1.1.1.2>,<sip:a@1.1.1.3>,<sip:a@1.1.1.4>']], 403],
    ['a contact that is no SIP address', [['Contact', '<mailto:a@b>']], 400],
    ['a contact that is none', [['Contact', '<<<']], 400],
  ] as [string, [string, string][], number][])('something impossible: %s', (_name, fields, status) => {
    expect(register(...fields)).toMatchObject({ kind: 'refused', status });
  });

  test('the same contact when the phone names its instance, whatever its address', () => {
    const id = '+sip.instance="<urn:uuid:00000000-0000-1000-8000-000A95A0E128>"';
    const bindings = ['192.0.2.1:5060', '198.51.100.7:1234'].map((host) => {
      const wanted = register(['Contact', `<sip:a@${host}>;${id};reg-id=1`]);
      return wanted.kind === 'contacts' ? wanted.contacts[0]!.binding : '';
    });
    expect(bindings[0]).toBe(bindings[1]);
  });
});
