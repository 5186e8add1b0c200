// What reads bytes of strangers, each as one function: it may refuse, and throw nothing but its own refusal.
import { EventReceiver } from '#appliance/telephony/media/digits/telephone-event.ts';
import { bdecode } from '#appliance/telephony/media/edge/bencode.ts';
import { classifySdp, needsEdge } from '#appliance/telephony/media/index.ts';
import { readReports } from '#appliance/telephony/media/rtcp.ts';
import { looksLikeRtcp, type RtpView, readRtp } from '#appliance/telephony/media/rtp.ts';
import { RxStats } from '#appliance/telephony/media/rx-stats.ts';
import { agreeToAnswer, parseSdp, SdpError, SdpSession } from '#appliance/telephony/sdp/index.ts';
import { parseMessage, SipRequest, SipSyntaxError } from '#appliance/telephony/sip/index.ts';
import { dialogInfo } from '#appliance/telephony/subscriptions/dialog-info.ts';
import { readSubscribe } from '#appliance/telephony/subscriptions/subscribe.ts';
import { readXml } from '#appliance/telephony/subscriptions/testing/xml.ts';
import { mutateBytes, mutateText } from './random.ts';

export interface Target {
  name: 'sdp' | 'subscribe' | 'rtp' | 'rtcp' | 'stun' | 'ng';
  make(random: (below: number) => number): Buffer;
  /** Throws when a rule is broken. True: the input was taken for what it claims to be. */
  feed(input: Buffer): boolean;
}

const LOCAL = { address: '192.0.2.1', port: 30_000 };
const session = ['v=0', 'o=- 1 2 IN IP4 192.0.2.7', 's=-', 'c=IN IP4 192.0.2.7', 't=0 0'];
const sdps = [
  [
    ...session,
    'm=audio 4000 RTP/AVP 8 0 101',
    'a=rtpmap:101 telephone-event/8000',
    'a=fmtp:101 0-15',
    'a=ptime:20',
    'a=sendrecv',
  ],
  [
    ...session,
    'a=sendonly',
    'm=video 0 RTP/AVP 96',
    'm=audio 4002 RTP/AVP 0',
    'c=IN IP6 2001:db8::7',
    'a=rtcp:4003',
    'a=rtpmap:0 PCMU/8000',
  ],
  [
    ...session,
    'm=audio 4004 RTP/SAVP 8',
    'a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:d0RmdmcmVCspeEc3QGZiNWpVLFJhQX1cfHAwJSoj|2^20|1:32',
  ],
  [
    ...session,
    'a=group:BUNDLE 0 1',
    'm=audio 9 UDP/TLS/RTP/SAVPF 111 0 8 126',
    'a=ice-ufrag:abcd',
    'a=ice-pwd:abcdefghijklmnopqrstuvwx',
    'a=fingerprint:sha-256 00:11:22:33',
    'a=setup:actpass',
    'a=mid:0',
    'a=rtcp-mux',
    'a=candidate:1 1 udp 2122260223 192.0.2.7 54321 typ host',
    'a=rtpmap:111 opus/48000/2',
    'a=rtpmap:126 telephone-event/8000',
  ],
].map((lines) => `${lines.join('\r\n')}\r\n`);

const subscribes = [
  ['Event: dialog;id=7;call-id="a b"', 'Expires: 3600', 'Accept: application/dialog-info+xml;q=0.5, text/*'],
  ['o: message-summary', 'Expires: 0', 'Accept: */*'],
  ['Event: Message-Summary ; id=k-1', 'Expires: 600'],
].map((fields) =>
  [
    'SUBSCRIBE sip:1002@192.0.2.1 SIP/2.0',
    'Via: SIP/2.0/UDP 192.0.2.7:5060;branch=z9hG4bK1',
    'From: <sip:1001@192.0.2.1>;tag=a',
    'To: <sip:1002@192.0.2.1>',
    'Call-ID: 843817637684230@998sdasdh09',
    'CSeq: 1 SUBSCRIBE',
    'Contact: <sip:1001@192.0.2.7>',
    ...fields,
    '',
    '',
  ].join('\r\n'),
);

const rtp = (payloadType: number, payload: number[], flags = 0x80) =>
  Buffer.from([flags, payloadType, 0, 1, 0, 0, 0, 160, 1, 2, 3, 4, ...payload]);
export const rtps = [
  rtp(8, Array(160).fill(0xd5)),
  rtp(0x80 | 101, [5, 0x0a, 0, 160]),
  rtp(101, [11, 0x8a, 3, 32]),
  rtp(13, [70]),
  rtp(8, [0xbe, 0xde, 0, 1, 1, 2, 3, 4, ...Array(80).fill(1)], 0x90),
  rtp(0, [...Array(80).fill(1), 0, 0, 0, 4], 0xa3),
];
const report = (type: number, words: number[]) => {
  const b = Buffer.alloc(4 + 4 * words.length);
  b[0] = 0x81;
  b[1] = type;
  b.writeUInt16BE(words.length, 2);
  for (const [i, word] of words.entries()) b.writeUInt32BE(word, 4 + 4 * i);
  return b;
};
const OURS = 0x01020304;
export const rtcps = [
  Buffer.concat([
    report(200, [9, 1, 2, 3, 4, 5, OURS, 0x10000001, 6, 7, 8, 9]),
    report(202, [9, 0x01036162, 0x63000000]),
  ]),
  report(201, [9, OURS, 0xff000001, 6, 7, 8, 9]),
  Buffer.concat([report(201, [9, OURS, 1, 6, 7, 8, 9]), report(203, [9])]),
  report(206, [9, OURS]),
];
export const stuns = [
  Buffer.concat([
    Buffer.from([0, 1, 0, 12, 0x21, 0x12, 0xa4, 0x42]),
    Buffer.alloc(12, 7),
    Buffer.from([0, 6, 0, 5, 97, 58, 98, 99, 100, 0, 0, 0]),
  ]),
  Buffer.concat([
    Buffer.from([1, 1, 0, 12, 0x21, 0x12, 0xa4, 0x42]),
    Buffer.alloc(12, 7),
    Buffer.from([0, 32, 0, 8, 0, 1, 0x11, 0x22, 0x33, 0x44, 0x55, 0x66]),
  ]),
  Buffer.from([0x16, 0xfe, 0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, 4, 1, 2, 3, 4]),
];
const ngs = [
  Buffer.from('d6:result2:ok3:sdp4:v=0\r4:tagsd3:abcd3:tag3:abcd6:mediasld5:indexi1eeeeee'),
  Buffer.from('d6:result5:error12:error-reason3:bade'),
];

export function createTargets(): Target[] {
  const view: RtpView = { payloadType: 0, seq: 0, ts: 0, ssrc: 0, offset: 0, end: 0 };
  let rx = new RxStats();
  let events = new EventReceiver(() => {});
  let now = 0;

  /** As leg.ts reads what comes to a port. */
  function packet(input: Buffer): boolean {
    now += 5;
    if (now % 50_000 === 0) {
      rx = new RxStats();
      events = new EventReceiver(() => {});
    }
    if (looksLikeRtcp(input)) {
      readReports(input, OURS, rx, now);
      finite(rx.remoteLossPct, rx.rttMs, rx.lastReport);
      return true;
    }
    if (!readRtp(input, view)) return false;
    if (view.offset < 12 || view.end > input.length || view.offset > view.end)
      throw new Error('a payload outside of its packet');
    if (!rx.update(view.ssrc, view.seq, view.ts, now * 8)) return true;
    const ticks = events.packet(input, view.offset, view.end, view.ts, now);
    finite(rx.jitterTicks, rx.received, rx.fractionLost(), rx.totalLost, rx.extendedHighest, ticks);
    if (ticks < 0 || ticks > 0xffff) throw new Error(`an event of ${ticks} ticks`);
    return true;
  }

  return [
    {
      name: 'sdp',
      make: (random) => Buffer.from(mutateText(sdps, random, 20_000), 'latin1'),
      feed(input) {
        const text = input.toString('latin1');
        classifySdp(text);
        needsEdge(text);
        try {
          const remote = parseSdp(text);
          agreeToAnswer(remote);
          const own = new SdpSession();
          const answer = own.answer(remote, LOCAL, ['PCMA', 'PCMU']);
          if (!answer) return false;
          // What we say must be one description that we understand ourselves, however odd the offer was.
          const again = parseSdp(answer.body);
          if (again.audio?.port !== LOCAL.port) throw new Error(`an answer without our port: ${answer.body}`);
          if (answer.body.split('\r\n').some((line) => line !== '' && !/^[a-z]=/.test(line)))
            throw new Error(`an answer that is no SDP: ${answer.body}`);
          return true;
        } catch (error) {
          if (error instanceof SdpError) return false;
          throw error;
        }
      },
    },
    {
      name: 'subscribe',
      make: (random) => Buffer.from(mutateText(subscribes, random, 20_000), 'latin1'),
      feed(input) {
        try {
          const message = parseMessage(input);
          if (!(message instanceof SipRequest)) return false;
          const asked = readSubscribe(message, { minS: 60, maxS: 3600, defaultS: 3600 });
          if (asked.kind === 'refused') return false;
          const { expiresS, eventId = 'x' } = asked;
          if (!Number.isInteger(expiresS) || expiresS < 0 || expiresS > 3600) throw new Error(`${expiresS} seconds`);
          if (!/^[\x21-\x7e]{1,64}$/.test(eventId)) throw new Error(`an id that cannot be said again: ${eventId}`);
          // Whatever a phone names its dialogs, our document of them is one.
          const dialog = { callId: message.callId, localTag: message.from.tag, remoteTag: message.to.tag };
          const call = { id: message.callId, dialog, direction: 'recipient', state: 'early' } as const;
          readXml(dialogInfo({ entity: message.uriText, version: 0, calls: [call], ended: [message.uriText] }));
          return true;
        } catch (error) {
          if (error instanceof SipSyntaxError) return false;
          throw error;
        }
      },
    },
    { name: 'rtp', make: (random) => mutateBytes(rtps, random, 1600), feed: packet },
    { name: 'rtcp', make: (random) => mutateBytes(rtcps, random, 1600), feed: packet },
    { name: 'stun', make: (random) => mutateBytes([...stuns, rtps[0]!], random, 1600), feed: packet },
    {
      name: 'ng',
      make: (random) => mutateBytes(ngs, random, 4000),
      feed(input) {
        try {
          bdecode(input);
          return true;
        } catch (error) {
          if (error instanceof RangeError || error instanceof TypeError) throw error;
          return false;
        }
      },
    },
  ];
}

function finite(...values: number[]): void {
  for (const value of values) if (!Number.isFinite(value)) throw new Error(`a figure became ${value}`);
}
