import { describe, expect, test } from 'vitest';
import {
  causeOfEnd,
  causeOfOurs,
  causeOfResponse,
  q850OfStatus,
  readReasons,
  reasonOf,
  statusOfCause,
} from './causes.ts';

test.each([
  [1, 404],
  [2, 404],
  [3, 404],
  [17, 486],
  [18, 408],
  [19, 480],
  [20, 480],
  [21, 403],
  [22, 410],
  [27, 502],
  [28, 484],
  [31, 480],
  [34, 503],
  [38, 503],
  [41, 503],
  [42, 503],
  [47, 503],
  [55, 403],
  [57, 403],
  [58, 503],
  [65, 488],
  [79, 501],
  [88, 503],
  [102, 504],
  [111, 500],
  [127, 500],
  [99, 480],
])('Q.850 %i before the answer is SIP %i', (q850, status) => {
  expect(statusOfCause({ q850 })).toBe(status);
});

test.each([
  [400, 41],
  [401, 21],
  [403, 21],
  [404, 1],
  [405, 63],
  [407, 21],
  [408, 102],
  [410, 22],
  [480, 18],
  [481, 41],
  [482, 25],
  [484, 28],
  [486, 17],
  [487, 16],
  [488, 65],
  [500, 41],
  [501, 79],
  [502, 38],
  [503, 41],
  [504, 102],
  [600, 17],
  [603, 21],
  [604, 1],
  [499, 41],
  [599, 41],
  [699, 17],
  [302, 23],
])('SIP %i is Q.850 %i', (status, q850) => {
  expect(q850OfStatus(status)).toBe(q850);
});

test('an explicit status wins, unless it is no final failure', () => {
  expect(statusOfCause({ sip: 603, q850: 17 })).toBe(603);
  expect(statusOfCause({ sip: 200, q850: 17 })).toBe(486);
  expect(statusOfCause({})).toBe(480);
});

describe('Reason fields', () => {
  test.each([
    ['one', ['Q.850;cause=17;text="User busy"'], { q850: 17, text: 'User busy' }],
    ['blanks and small letters', [' q.850 ; cause = 19 '], { q850: 19 }],
    [
      'two in one field',
      ['SIP;cause=200;text="Call completed elsewhere", Q.850;cause=26'],
      { sip: 200, q850: 26, text: 'Call completed elsewhere' },
    ],
    ['two fields', ['SIP;cause=480', 'Q.850;cause=20'], { sip: 480, q850: 20 }],
    [
      'a comma within the text',
      ['Q.850;cause=16;text="bye, then", SIP;cause=200'],
      { q850: 16, text: 'bye, then', sip: 200 },
    ],
    ['escaped quotes', ['Q.850;cause=16;text="say \\"bye\\""'], { q850: 16, text: 'say "bye"' }],
    ['unknown protocol', ['X.25;cause=3;text="no"'], {}],
    ['cause out of range', ['Q.850;cause=999'], {}],
    ['a cause with too many digits', ['Q.850;cause=1600000'], {}],
    ['nonsense', [';;;=,"'], {}],
    ['an unclosed quote', ['Q.850;cause=16;text="oh'], { q850: 16 }],
  ])('%s', (_name, values, expected) => {
    expect(readReasons(values)).toEqual(expected);
  });

  test('of ours survive reading and cannot carry line breaks', () => {
    expect(readReasons([reasonOf(17)])).toEqual({ q850: 17, text: 'User busy' });
    expect(reasonOf(16, 'a\r\nEvil: "x"')).toBe('Q.850;cause=16;text="a Evil: \\"x\\""');
  });
});

test('a response with a Reason tells the network cause', () => {
  expect(causeOfResponse(480, 'Temporarily Unavailable', ['Q.850;cause=19;text="No answer"'])).toEqual({
    by: 'party',
    q850: 19,
    sip: 480,
    text: 'No answer',
  });
  expect(causeOfResponse(486, 'Busy Here')).toEqual({ by: 'party', q850: 17, sip: 486, text: '486 Busy Here' });
});

test('BYE without a Reason is normal clearing', () => {
  expect(causeOfEnd()).toEqual({ by: 'party', q850: 16, text: 'Normal call clearing' });
  expect(causeOfOurs({ sip: 486 })).toEqual({ by: 'us', q850: 17, sip: 486, text: 'User busy' });
});
