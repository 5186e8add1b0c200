import { describe, expect, test } from 'vitest';
import { parseMessage, SipRequest } from '../sip/index.ts';
import { rawRequest } from '../sip/testing/raw-peer.ts';
import { readSubscribe } from './subscribe.ts';

const DURATIONS = { minS: 60, maxS: 3600, defaultS: 1800 };
const read = (...headers: string[]) => {
  const message = parseMessage(Buffer.from(rawRequest('SUBSCRIBE', { port: 5060, headers })));
  if (!(message instanceof SipRequest)) throw new Error('No request');
  return readSubscribe(message, DURATIONS);
};
const MWI = 'Event: message-summary';

describe('what a SUBSCRIBE asks for', () => {
  test.each<[string[], object]>([
    [[MWI], { package: 'message-summary', expiresS: 1800, eventId: undefined }],
    [[MWI, 'Expires: 600'], { expiresS: 600 }],
    [[MWI, 'Expires: 0'], { expiresS: 0 }],
    [[MWI, 'Expires: 60'], { expiresS: 60 }],
    [[MWI, 'Expires: 86400'], { expiresS: 3600 }],
    [[MWI, 'Expires: 99999999999999999999999999'], { expiresS: 3600 }],
    [['o: Dialog;id=7a', 'Expires: 600'], { package: 'dialog', eventId: '7a' }],
    [['Event: dialog;call-id="a b";from-tag=x'], { package: 'dialog', eventId: undefined }],
    [['Event: dialog;sla;ma'], { package: 'dialog' }],
    [[MWI, 'Accept: text/plain, application/simple-message-summary;q=0.5'], { kind: 'subscription' }],
    [[MWI, 'Accept: */*'], { kind: 'subscription' }],
    [['Event: dialog', 'Accept: application/*'], { kind: 'subscription' }],
    [[MWI, 'Accept: ,;;,"",/,application/simple-message-summary'], { kind: 'subscription' }],
  ])('%j', (headers, asked) => {
    expect(read(...headers)).toMatchObject({ kind: 'subscription', ...asked });
  });

  test.each<[string[], number, [string, string][]]>([
    [[], 489, [['Allow-Events', 'message-summary, dialog']]],
    [['Event: presence'], 489, [['Allow-Events', 'message-summary, dialog']]],
    [['Event: __proto__'], 489, [['Allow-Events', 'message-summary, dialog']]],
    [['Event: message-summary.winfo'], 489, [['Allow-Events', 'message-summary, dialog']]],
    [['Event: '], 489, [['Allow-Events', 'message-summary, dialog']]],
    [[MWI, 'Event: dialog'], 400, []],
    [[`Event: dialog;id=${'x'.repeat(65)}`], 400, []],
    [['Event: dialog;id="a, b"'], 400, []],
    [[MWI, 'Expires: 59'], 423, [['Min-Expires', '60']]],
    [[MWI, 'Expires: soon'], 400, []],
    [[MWI, 'Expires: -1'], 400, []],
    [[MWI, `Expires: ${'9'.repeat(101)}`], 400, []],
    [[MWI, 'Accept: application/sdp'], 406, [['Accept', 'application/simple-message-summary']]],
    [['Event: dialog', 'Accept: '], 406, [['Accept', 'application/dialog-info+xml']]],
    [['Event: dialog', 'Accept: text/*, */xml'], 406, [['Accept', 'application/dialog-info+xml']]],
  ])('%j is refused with %i', (headers, status, more) => {
    expect(read(...headers)).toMatchObject({ kind: 'refused', status, headers: more });
  });
});
