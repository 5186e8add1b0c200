import { describe, expect, it } from 'vitest';
import { classifySdp, needsEdge, type SdpKind } from './classify.ts';

const FINGERPRINT = 'a=fingerprint:sha-256 00:11';
const SDES = 'a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:WVNfX19zZW1jdGwgKCkgewkyMjA7fQp9CnVubGVz';

describe('what a session description asks of us', () => {
  const cases: [string, string[], SdpKind][] = [
    ['a trunk with A-law', ['m=audio 4000 RTP/AVP 8'], 'plain'],
    ['static payload types without rtpmap', ['m=audio 4000 RTP/AVP 18 0 101'], 'plain'],
    ['AVPF in clear', ['m=audio 4000 RTP/AVPF 8 0'], 'plain'],
    ['a phone that could encrypt but need not', ['m=audio 4000 RTP/AVP 0', SDES], 'plain'],
    ['SDES', ['m=audio 4000 RTP/SAVP 8', SDES], 'sdes'],
    ['SDES with the null cipher only', ['m=audio 4000 RTP/SAVP 8', 'a=crypto:1 NULL_HMAC_SHA1_80 inline:AA'], 'none'],
    ['a browser', ['m=audio 9 UDP/TLS/RTP/SAVPF 111 8', 'a=rtpmap:111 opus/48000/2', FINGERPRINT], 'webrtc'],
    ['DTLS announced as RTP/SAVPF', ['m=audio 9 RTP/SAVPF 8', FINGERPRINT], 'webrtc'],
    ['Opus alone', ['m=audio 9 RTP/AVP 111', 'a=rtpmap:111 opus/48000/2'], 'transcode'],
    ['G.722 alone', ['m=audio 9 RTP/AVP 9'], 'transcode'],
    ['an unknown codec', ['m=audio 9 RTP/AVP 100', 'a=rtpmap:100 secret/8000'], 'none'],
    ['a refused line', ['m=audio 0 RTP/AVP 8'], 'none'],
    ['a protocol that reads like a number', ['m=audio 4000 0 8'], 'none'],
    ['lines without end', ['m=audio 9 RTP/AVP 8', ...Array(600).fill('a=x')], 'none'],
    ['video only', ['m=video 9 RTP/AVP 96', 'a=rtpmap:96 VP8/90000'], 'none'],
    ['the second audio line', ['m=audio 0 RTP/SAVP 8', 'm=audio 4000 RTP/AVP 8'], 'plain'],
    ['fax', ['m=image 9 udptl t38'], 'none'],
  ];
  it.each(cases)('%s', (_name, lines, kind) => {
    const sdp = ['v=0', 'o=- 1 1 IN IP4 192.0.2.1', 's=-', 'c=IN IP4 192.0.2.1', 't=0 0', ...lines, ''].join('\r\n');
    expect(classifySdp(sdp)).toBe(kind);
    expect(needsEdge(sdp)).toBe(kind !== 'plain' && kind !== 'none');
  });

  it('finds nothing in noise, however long', () => {
    for (const text of ['', 'v=0', '\0\r\n=', 'm=audio', 'm=audio x y z\r\n'.repeat(2000)]) {
      expect(classifySdp(text)).toBe('none');
    }
  });
});
