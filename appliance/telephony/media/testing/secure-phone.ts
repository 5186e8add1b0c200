// Parties behind the edge, for tests.
import { PCMA } from '../g711.ts';
import { loudness, Phone } from './phone.ts';
import { Srtp } from './srtp.ts';

/** A desk phone that speaks SRTP with SDES keys. */
export class SecurePhone {
  readonly inline = Srtp.newInline();
  readonly phone: Phone;
  readonly #send = new Srtp(this.inline);
  #receive: Srtp | undefined;
  bad = 0;

  constructor(tone: number) {
    this.phone = new Phone(PCMA, [tone]);
    this.phone.transform = (rtp) => this.#send.protect(rtp);
  }

  static async open(tone: number): Promise<SecurePhone> {
    const secure = new SecurePhone(tone);
    await secure.phone.open();
    return secure;
  }

  sdp(direction: string): string {
    const lines = [
      'v=0',
      'o=- 1 1 IN IP4 127.0.0.1',
      's=-',
      'c=IN IP4 127.0.0.1',
      't=0 0',
      `m=audio ${this.phone.port} RTP/SAVP 8 0 101`,
      'a=rtpmap:8 PCMA/8000',
      'a=rtpmap:101 telephone-event/8000',
      'a=crypto:1 NULL_HMAC_SHA1_80 inline:4UAS/fi8GwOqoKGKR4p9DfLEDNanCr/Eo0mKk/NC',
      `a=crypto:2 AES_CM_128_HMAC_SHA1_80 inline:${this.inline}`,
      `a=${direction}`,
    ];
    return `${lines.join('\r\n')}\r\n`;
  }

  /** Our answer has come: talk. */
  answered(body: string): void {
    this.#receive = new Srtp(/AES_CM_128_HMAC_SHA1_80 inline:(\S+)/.exec(body)![1]!);
    this.phone.hush();
    this.phone.call(portOf(body));
  }

  answer(offer: string): string {
    const [, tag] = /a=crypto:(\d+) AES_CM_128_HMAC_SHA1_80/.exec(offer)!;
    this.answered(offer);
    return this.sdp('sendrecv')
      .replace(/a=crypto:1 .*\r\n/, '')
      .replace('a=crypto:2', `a=crypto:${tag}`);
  }

  key(code: number): Promise<void> {
    return this.phone.key(code);
  }

  hears(hz: number): boolean {
    const { phone } = this;
    const recent = phone.heard.slice(-15).map((p) => {
      const header = Buffer.alloc(12, 0x80);
      header[1] = p.payloadType;
      header.writeUInt16BE(p.seq, 2);
      header.writeUInt32BE(p.ts, 4);
      header.writeUInt32BE(p.ssrc, 8);
      header[1] |= p.marker ? 0x80 : 0;
      header[0] = 0x80;
      const clear = this.#receive!.unprotect(Buffer.concat([header, p.payload]));
      if (!clear) this.bad++;
      return { ...p, payload: clear?.subarray(12) ?? Buffer.alloc(0) };
    });
    phone.heard.splice(0, phone.heard.length, ...recent);
    return loudness(phone.samples(5000), hz) > 1500;
  }

  close(): void {
    this.phone.close();
  }
}

export function portOf(sdp: string): number {
  return Number(/^m=audio (\d+)/m.exec(sdp)?.[1]);
}

/** As Chromium makes it, with a second line that is refused. */
export const BROWSER_OFFER = [
  'v=0',
  'o=- 5 2 IN IP4 127.0.0.1',
  's=-',
  't=0 0',
  'a=group:BUNDLE 0 1',
  'a=extmap-allow-mixed',
  'm=audio 54321 UDP/TLS/RTP/SAVPF 111 63 9 0 8 13 110 126',
  'c=IN IP4 127.0.0.1',
  'a=candidate:1 1 udp 2122260223 127.0.0.1 54321 typ host generation 0',
  'a=ice-ufrag:abcd',
  'a=ice-pwd:abcdefghijklmnopqrstuvwx',
  'a=fingerprint:sha-256 00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF:00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF',
  'a=setup:actpass',
  'a=mid:0',
  'a=extmap:1 urn:ietf:params:rtp-hdrext:ssrc-audio-level',
  'a=sendrecv',
  'a=rtcp-mux',
  'a=rtpmap:111 opus/48000/2',
  'a=rtpmap:63 red/48000/2',
  'a=rtpmap:9 G722/8000',
  'a=rtpmap:0 PCMU/8000',
  'a=rtpmap:8 PCMA/8000',
  'a=rtpmap:13 CN/8000',
  'a=rtpmap:110 telephone-event/48000',
  'a=rtpmap:126 telephone-event/8000',
  'm=video 9 UDP/TLS/RTP/SAVPF 96',
  'c=IN IP4 0.0.0.0',
  'a=mid:1',
  'a=rtpmap:96 VP8/90000',
  '',
].join('\r\n');
