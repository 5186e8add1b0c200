import { describe, expect, test } from 'vitest';
import { parseSdp, type RemoteAudio, SdpError } from './remote.ts';

const sdp = (...lines: string[]) =>
  ['v=0', 'o=- 1 1 IN IP4 192.0.2.7', 's=-', 'c=IN IP4 192.0.2.7', 't=0 0', ...lines, ''].join('\r\n');

describe('audio of a remote description', () => {
  const cases: [string, string[], Partial<RemoteAudio> | undefined][] = [
    [
      'static payloads without rtpmap',
      ['m=audio 4000 RTP/AVP 8 0'],
      {
        address: '192.0.2.7',
        port: 4000,
        codecs: ['PCMA', 'PCMU'],
        telephoneEvent: undefined,
        direction: 'sendrecv',
        security: 'none',
      },
    ],
    ['order of the sender is kept', ['m=audio 4000 RTP/AVP 0 8'], { codecs: ['PCMU', 'PCMA'] }],
    [
      'telephone-event under any number',
      ['m=audio 4000 RTP/AVP 8 96', 'a=rtpmap:96 telephone-event/8000'],
      { codecs: ['PCMA'], telephoneEvent: 96 },
    ],
    [
      'names in small letters',
      ['m=audio 4000 RTP/AVP 8 97', 'a=rtpmap:8 pcma/8000', 'a=rtpmap:97 Telephone-Event/8000'],
      { codecs: ['PCMA'], telephoneEvent: 97 },
    ],
    [
      'telephone-event at another clock is not ours',
      ['m=audio 4000 RTP/AVP 8 97', 'a=rtpmap:97 telephone-event/48000'],
      { codecs: ['PCMA'], telephoneEvent: undefined },
    ],
    ['a payload mapped to something else', ['m=audio 4000 RTP/AVP 0', 'a=rtpmap:0 L16/8000'], { codecs: [] }],
    ['codecs unknown to us', ['m=audio 4000 RTP/AVP 9 18 96', 'a=rtpmap:96 opus/48000/2'], { codecs: [] }],
    ['two channels', ['m=audio 4000 RTP/AVP 8', 'a=rtpmap:8 PCMA/8000/2'], { codecs: [] }],
    ['direction of the media line', ['m=audio 4000 RTP/AVP 8', 'a=sendonly'], { direction: 'sendonly' }],
    ['inactive', ['m=audio 4000 RTP/AVP 8', 'a=inactive'], { direction: 'inactive' }],
    ['recvonly', ['m=audio 4000 RTP/AVP 8', 'a=recvonly'], { direction: 'recvonly' }],
    [
      'old-style hold by address',
      ['m=audio 4000 RTP/AVP 8', 'c=IN IP4 0.0.0.0'],
      { address: '0.0.0.0', direction: 'inactive' },
    ],
    [
      'address of the media line wins',
      ['m=audio 4000 RTP/AVP 8', 'c=IN IP4 198.51.100.9'],
      { address: '198.51.100.9' },
    ],
    ['IPv6', ['m=audio 4000 RTP/AVP 8', 'c=IN IP6 2001:db8::9'], { address: '2001:db8::9' }],
    ['ptime', ['m=audio 4000 RTP/AVP 8', 'a=ptime:30'], { ptimeMs: 30 }],
    ['nonsense ptime', ['m=audio 4000 RTP/AVP 8', 'a=ptime:999999'], { ptimeMs: undefined }],
    ['audio behind video', ['m=video 5000 RTP/AVP 99', 'm=audio 4000 RTP/AVP 8'], { index: 1, port: 4000 }],
    ['first usable audio of two', ['m=audio 0 RTP/AVP 8', 'm=audio 4002 RTP/AVP 0'], { index: 1, port: 4002 }],
    ['SRTP by SDES', ['m=audio 4000 RTP/SAVP 8'], { security: 'sdes' }],
    ['SRTP by DTLS', ['m=audio 4000 UDP/TLS/RTP/SAVPF 8'], { security: 'dtls' }],
    ['audio switched off', ['m=audio 0 RTP/AVP 8'], undefined],
    ['no audio at all', ['m=image 4000 udptl t38'], undefined],
    ['a name for an address', ['m=audio 4000 RTP/AVP 8', 'c=IN IP4 phone.example.net'], undefined],
    ['a multicast group', ['m=audio 4000 RTP/AVP 8', 'c=IN IP4 224.2.1.1/127'], undefined],
    ['broadcast', ['m=audio 4000 RTP/AVP 8', 'c=IN IP4 255.255.255.255'], undefined],
    ['an unknown transport', ['m=audio 4000 TCP/MRCPv2 8'], undefined],
  ];
  test.each(cases)('%s', (_name, lines, expected) => {
    const audio = parseSdp(sdp(...lines)).audio;
    if (expected) expect(audio).toMatchObject(expected);
    else expect(audio).toBeUndefined();
  });

  test('direction of the session counts when the media line has none', () => {
    const text = sdp('m=audio 4000 RTP/AVP 8').replace('t=0 0\r\n', 't=0 0\r\na=sendonly\r\n');
    expect(parseSdp(text).audio?.direction).toBe('sendonly');
  });

  test('lines may end with LF alone', () => {
    expect(parseSdp(sdp('m=audio 4000 RTP/AVP 8').replaceAll('\r\n', '\n')).audio?.port).toBe(4000);
  });
});

describe('hostile text is refused', () => {
  test.each([
    ['nothing', ''],
    ['something else', 'hello'],
    ['an empty description with a late version', 's=-\r\nv=0\r\n'],
    ['too many bytes', sdp(...Array.from({ length: 400 }, () => `a=x:${'y'.repeat(60)}`))],
    ['too many lines', sdp(...Array.from({ length: 600 }, () => 'a=x'))],
    ['an endless line', sdp(`a=${'x'.repeat(3000)}`)],
    ['too many media', sdp(...Array.from({ length: 9 }, () => 'm=audio 4000 RTP/AVP 8'))],
    ['a port out of range', sdp('m=audio 99999 RTP/AVP 8')],
    ['a port that is no number', sdp('m=audio x RTP/AVP 8')],
    ['a media line without formats', sdp('m=audio 4000')],
    ['controls among the formats', sdp('m=audio 4000 RTP/AVP 8\x01')],
  ])('%s', (_name, text) => {
    expect(() => parseSdp(text)).toThrow(SdpError);
  });

  test('random bytes never do more than throw SdpError', () => {
    const seedText = sdp(
      'm=audio 4000 RTP/AVP 8 96',
      'a=rtpmap:96 telephone-event/8000',
      'a=candidate:0 1 UDP 1 192.0.2.1 5 typ host',
    );
    let state = 12345;
    const random = () => {
      state = (state * 1103515245 + 12345) & 0x7fffffff;
      return state / 0x7fffffff;
    };
    for (let round = 0; round < 3000; round++) {
      const bytes = Buffer.from(seedText);
      for (let i = 0; i < 4; i++) bytes[Math.floor(random() * bytes.length)] = Math.floor(random() * 256);
      try {
        parseSdp(bytes.toString('latin1'));
      } catch (error) {
        expect(error).toBeInstanceOf(SdpError);
      }
    }
  });
});
