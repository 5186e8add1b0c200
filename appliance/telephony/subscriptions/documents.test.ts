import { describe, expect, test } from 'vitest';
import type { LineCall } from './api.ts';
import { dialogInfo } from './dialog-info.ts';
import { messageSummary } from './message-summary.ts';
import { readXml } from './testing/xml.ts';

const call = (id: string, fields: Partial<LineCall> = {}): LineCall => ({
  id,
  dialog: { callId: `${id}@box`, localTag: 'ours', remoteTag: 'theirs' },
  direction: 'recipient',
  state: 'early',
  ...fields,
});
const entity = 'sip:1001@box.example';

describe('the document of waiting messages (RFC 3842 §5.2)', () => {
  test.each([
    [{ fresh: 0, heard: 0 }, 'no', '0/0 (0/0)'],
    [{ fresh: 2, heard: 8 }, 'yes', '2/8 (0/0)'],
    [{ fresh: 0, heard: 3 }, 'no', '0/3 (0/0)'],
  ])('%o', (counts, waiting, voice) => {
    expect(messageSummary(entity, counts)).toBe(
      `Messages-Waiting: ${waiting}\r\nMessage-Account: ${entity}\r\nVoice-Message: ${voice}\r\n`,
    );
  });
});

describe('the document of calls (RFC 4235 §4)', () => {
  test('nobody talks', () => {
    const root = readXml(dialogInfo({ entity, version: 0, calls: [], ended: [] }));
    expect(root).toEqual({
      name: 'dialog-info',
      attributes: { xmlns: 'urn:ietf:params:xml:ns:dialog-info', version: '0', state: 'full', entity },
      children: [],
      text: '',
    });
  });

  test('a call as in the example of §6.2', () => {
    const [dialog] = readXml(dialogInfo({ entity, version: 3, calls: [call('a84b4c76')], ended: [] })).children;
    expect(dialog).toMatchObject({
      name: 'dialog',
      attributes: {
        ...{ id: 'a84b4c76', 'call-id': 'a84b4c76@box', direction: 'recipient' },
        ...{ 'local-tag': 'ours', 'remote-tag': 'theirs' },
      },
      children: [{ name: 'state', text: 'early' }],
    });
  });

  test('calls that ended are told once as terminated', () => {
    const { children } = readXml(dialogInfo({ entity, version: 1, calls: [], ended: ['one'] }));
    expect(children.map(({ attributes, children: [state] }) => [attributes.id, state?.text])).toEqual([
      ['one', 'terminated'],
    ]);
  });

  test('it fits into a packet: the most telling calls stand in it', () => {
    const calls = Array.from({ length: 40 }, (_, i) =>
      call(`${i}`.padEnd(12, '0'), {
        dialog: { callId: 'c'.repeat(32), localTag: 'l'.repeat(16), remoteTag: 'r'.repeat(16) },
      }),
    );
    calls.push(call('talks', { state: 'confirmed', direction: 'initiator' }));
    const text = dialogInfo({ entity, version: 1, calls, ended: calls.map(({ id }) => id) });
    expect(text.length).toBeLessThan(800);
    expect(readXml(text).children[0]?.attributes.id).toBe('talks');
  });

  test('nothing a phone sends makes another document of it', () => {
    const evil = `"><dialog id='x'/>&\u0000\ud800]]>`;
    const root = readXml(
      dialogInfo({
        entity: `sip:${evil}@box`,
        version: 1,
        calls: [call('a', { dialog: { callId: evil, localTag: undefined, remoteTag: undefined } })],
        ended: [evil],
      }),
    );
    expect(root.children).toHaveLength(2);
    expect(root.children[0]?.attributes['call-id']).toBe(`"><dialog id='x'/>&??]]>`);
  });
});
