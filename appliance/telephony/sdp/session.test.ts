import { describe, expect, test } from 'vitest';
import { parseSdp } from './remote.ts';
import { agreeToAnswer, SdpSession } from './session.ts';

const LOCAL = { address: '192.0.2.1', port: 30000 };
const sdp = (...lines: string[]) =>
  parseSdp(['v=0', 'o=- 1 1 IN IP4 192.0.2.7', 's=-', 'c=IN IP4 192.0.2.7', 't=0 0', ...lines, ''].join('\r\n'));
const version = (body: string) => Number(/o=- \d+ (\d+)/.exec(body)?.[1]);

describe('answers', () => {
  test('echoes the offered number of telephone-event and says one codec', () => {
    const answer = new SdpSession().answer(
      sdp('m=audio 4000 RTP/AVP 18 8 0 96', 'a=rtpmap:96 telephone-event/8000'),
      LOCAL,
      [],
    );
    expect(answer?.agreed).toEqual({
      codec: 'PCMA',
      telephoneEvent: 96,
      remote: { address: '192.0.2.7', port: 4000 },
      direction: 'sendrecv',
      held: false,
    });
    expect(answer?.body).toContain('m=audio 30000 RTP/AVP 8 96\r\n');
    expect(answer?.body).toContain('a=rtpmap:96 telephone-event/8000\r\n');
  });

  test('has no telephone-event when none was offered', () => {
    expect(new SdpSession().answer(sdp('m=audio 4000 RTP/AVP 8'), LOCAL, [])?.body).not.toContain('telephone-event');
  });

  test.each([
    [['PCMU', 'PCMA'], 'PCMU'],
    [['PCMA'], 'PCMA'],
    [[], 'PCMA'],
  ] as const)('of our preference %j comes %s', (prefer, codec) => {
    expect(new SdpSession().answer(sdp('m=audio 4000 RTP/AVP 8 0'), LOCAL, prefer)?.agreed.codec).toBe(codec);
  });

  test.each([
    ['sendrecv', 'sendrecv', false],
    ['sendonly', 'recvonly', true],
    ['recvonly', 'sendonly', false],
    ['inactive', 'inactive', true],
  ] as const)('an offer of %s is answered %s', (theirs, ours, held) => {
    const answer = new SdpSession().answer(sdp('m=audio 4000 RTP/AVP 8', `a=${theirs}`), LOCAL, []);
    expect(answer?.agreed).toMatchObject({ direction: ours, held });
    expect(answer?.body).toContain(`a=${ours}\r\n`);
  });

  test('refuses every other medium in its place', () => {
    const answer = new SdpSession().answer(
      sdp('m=video 5000 RTP/AVP 99', 'm=audio 4000 RTP/AVP 8', 'm=text 6000 RTP/AVP 98', 'm=audio 4002 RTP/AVP 0'),
      LOCAL,
      [],
    );
    const lines = answer?.body.match(/^m=.*$/gm);
    expect(lines).toEqual([
      'm=video 0 RTP/AVP 99',
      'm=audio 30000 RTP/AVP 8',
      'm=text 0 RTP/AVP 98',
      'm=audio 0 RTP/AVP 0',
    ]);
  });

  test.each([
    ['no codec of ours', 'm=audio 4000 RTP/AVP 18'],
    ['no audio', 'm=image 4000 udptl t38'],
  ])('are impossible with %s', (_name, line) => {
    expect(new SdpSession().answer(sdp(line), LOCAL, [])).toBeUndefined();
  });

  test('keep the transport profile of the offer', () => {
    expect(new SdpSession().answer(sdp('m=audio 4000 RTP/AVPF 8'), LOCAL, [])?.body).toContain(
      'm=audio 30000 RTP/AVPF 8',
    );
  });

  test('speak IPv6 when our side does', () => {
    const body = new SdpSession().answer(
      sdp('m=audio 4000 RTP/AVP 8'),
      { address: '2001:db8::1', port: 30000 },
      [],
    )?.body;
    expect(body).toContain('c=IN IP6 2001:db8::1\r\n');
    expect(body).toMatch(/o=- \d+ 1 IN IP6 2001:db8::1\r\n/);
  });
});

describe('versions', () => {
  test('stay while the description is the same and grow by one when it changes', () => {
    const session = new SdpSession();
    const plain = sdp('m=audio 4000 RTP/AVP 8');
    expect(version(session.answer(plain, LOCAL, [])!.body)).toBe(1);
    expect(version(session.answer(plain, LOCAL, [])!.body)).toBe(1);
    expect(version(session.answer(sdp('m=audio 4000 RTP/AVP 8', 'a=sendonly'), LOCAL, [])!.body)).toBe(2);
    expect(version(session.again(LOCAL))).toBe(2);
  });

  test('go on in another process', () => {
    const first = new SdpSession();
    first.offer(LOCAL, { codecs: ['PCMA'] });
    const second = new SdpSession(JSON.parse(JSON.stringify(first.facts)));
    expect(version(second.offer(LOCAL, { codecs: ['PCMA'] }))).toBe(1);
    expect(version(second.offer(LOCAL, { codecs: ['PCMA'], direction: 'inactive' }))).toBe(2);
    expect(second.facts.id).toBe(first.facts.id);
  });
});

describe('offers', () => {
  test('say our codecs in our order', () => {
    const body = new SdpSession().offer(LOCAL, { codecs: ['PCMU', 'PCMA'] });
    expect(body).toContain('m=audio 30000 RTP/AVP 0 8 101\r\n');
    expect(parseSdp(body).audio).toMatchObject({ codecs: ['PCMU', 'PCMA'], telephoneEvent: 101, ptimeMs: 20 });
  });

  test('are settled by the first codec of the answer', () => {
    expect(agreeToAnswer(sdp('m=audio 4000 RTP/AVP 0 8 101', 'a=rtpmap:101 telephone-event/8000'))).toMatchObject({
      codec: 'PCMU',
      telephoneEvent: 101,
    });
    expect(agreeToAnswer(sdp('m=audio 0 RTP/AVP 0'))).toBeUndefined();
  });
});
