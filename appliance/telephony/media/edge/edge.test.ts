import type { ChildProcess } from 'node:child_process';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { PCMA } from '../g711.ts';
import { loudness, Phone, until, wait } from '../testing/phone.ts';
import { rtpengineBinary, startRtpengine } from '../testing/rtpengine.ts';
import { Srtp } from '../testing/srtp.ts';
import { type TestSwitch, testSwitch } from '../testing/switch.ts';
import { createEdge, type Edge } from './edge.ts';

const NG_PORT = 22_410;
const quiet = { info: () => undefined, warn: () => undefined };

describe.skipIf(!rtpengineBinary)('parties behind the edge (real rtpengine)', () => {
  let rtpengine: ChildProcess;
  let edge: Edge;
  let rig: TestSwitch;

  beforeAll(async () => {
    rtpengine = await startRtpengine(NG_PORT, 23_400, 23_599);
    edge = createEdge({ url: `udp://127.0.0.1:${NG_PORT}`, log: quiet });
    rig = await testSwitch(20_500);
  });

  afterAll(async () => {
    edge?.close();
    rtpengine?.kill('SIGKILL');
    await rig?.close();
  });

  it('takes an SRTP phone that calls us: prompt and digits both ways', async () => {
    const phone = await SecurePhone.open(400);
    const { port } = await rig.media.createLeg({ leg: 'caller', codec: 'PCMA' });
    const settled = await edge.answer({ leg: 'caller', offer: phone.sdp('sendrecv'), inner: port });
    expect(settled).toMatchObject({ codec: 'PCMA', telephoneEvent: 101, held: false });
    expect(settled.body).toMatch(/^m=audio \d+ RTP\/SAVP 8 101\r$/m);
    await rig.media.updateLeg({ leg: 'caller', codec: 'PCMA', telephoneEvent: 101, remote: settled.remote });
    phone.answered(settled.body);
    await rig.media.route([{ leg: 'caller', hear: { kind: 'play', prompts: ['music'], loop: true } }]);
    await wait(500);
    expect(phone.hears(2200)).toBe(true);
    expect(phone.bad).toBe(0);
    await phone.key(7);
    await until(() => rig.digits('caller', 'up') === '7');

    const moved = await edge.answer({ leg: 'caller', offer: phone.sdp('sendonly'), inner: port, facts: settled.facts });
    expect(moved.held).toBe(true);
    expect(moved.remote).toEqual(settled.remote);
    expect(portOf(moved.body)).toBe(portOf(settled.body));
    await edge.remove('caller', moved.facts);
    await rig.media.deleteLeg('caller');
    phone.close();
  });

  it('calls an SRTP phone, and offers no suite without encryption', async () => {
    const phone = await SecurePhone.open(1000);
    const { port } = await rig.media.createLeg({ leg: 'called', codec: 'PCMA' });
    const offered = await edge.offer({ leg: 'called', kind: 'sdes', inner: port });
    expect(offered.body).not.toContain('NULL');
    const settled = await edge.settle({ leg: 'called', answer: phone.answer(offered.body), facts: offered.facts });
    await rig.media.updateLeg({ leg: 'called', codec: settled.codec, telephoneEvent: 101, remote: settled.remote });
    await rig.media.route([{ leg: 'called', hear: { kind: 'play', prompts: ['music'], loop: true } }]);
    await wait(500);
    expect(phone.hears(2200)).toBe(true);
    expect((await rig.media.stats('called'))?.received).toBeGreaterThan(15);
    await edge.remove('called');
    expect(await edge.query('called')).toBeUndefined();
    await rig.media.deleteLeg('called');
    phone.close();
  });

  it('answers a browser as it wants to be answered', async () => {
    const { port } = await rig.media.createLeg({ leg: 'browser', codec: 'PCMA' });
    const settled = await edge.answer({ leg: 'browser', offer: BROWSER_OFFER, inner: port });
    expect(settled.telephoneEvent).toBe(126);
    for (const part of [
      'UDP/TLS/RTP/SAVPF',
      'a=fingerprint:sha-256',
      'a=ice-ufrag:',
      'a=rtcp-mux',
      'a=group:BUNDLE 0',
    ]) {
      expect(settled.body).toContain(part);
    }
    expect(settled.body).toContain('m=video 0 UDP/TLS/RTP/SAVPF 96');
    await edge.remove('browser');
    await rig.media.deleteLeg('browser');
  });

  it('makes an offer for a browser', async () => {
    const offered = await edge.offer({ leg: 'rung', kind: 'webrtc', inner: 20_998 });
    for (const part of ['UDP/TLS/RTP/SAVPF 8 0 101', 'a=setup:actpass', 'a=mid:', 'a=candidate:']) {
      expect(offered.body).toContain(part);
    }
    await edge.remove('rung');
  });

  it('changes Opus into G.711', async () => {
    const offer = BROWSER_OFFER.replace('111 63 9 0 8 13 110 126', '111 110').replace(
      /a=rtpmap:(63|9|0|8|13|126) .*\r\n/g,
      '',
    );
    const settled = await edge.answer({ leg: 'opus', offer, inner: 20_998 });
    expect(settled.codec).toBe('PCMA');
    expect(settled.telephoneEvent).toBeGreaterThan(95);
    expect(settled.body).toMatch(/SAVPF 111 110/);
    await edge.remove('opus');
  });

  it('refuses what it cannot take, and says so when rtpengine is away', async () => {
    await expect(edge.answer({ leg: 'x', offer: 'v=0\r\n', inner: 20_998 })).rejects.toThrow('no audio');
    const nobody = createEdge({ url: '127.0.0.1:22499', log: quiet });
    await expect(nobody.offer({ leg: 'x', kind: 'sdes', inner: 20_998 })).rejects.toThrow('rtpengine is away');
    nobody.close();
  });

  it('notices that rtpengine has died and started anew', async () => {
    const seen: string[] = [];
    edge.on('away', () => seen.push('away'));
    edge.on('restarted', () => seen.push('restarted'));
    edge.watch();
    await until(() => edge.up);
    expect(['10.5', '12.5']).toContain(edge.version);
    await wait(1200);
    rtpengine.kill('SIGKILL');
    rtpengine = await startRtpengine(NG_PORT, 23_400, 23_599);
    await until(() => seen.includes('restarted'), 4000);
  });
});

/** A desk phone that speaks SRTP with SDES keys. */
class SecurePhone {
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

function portOf(sdp: string): number {
  return Number(/^m=audio (\d+)/m.exec(sdp)?.[1]);
}

const BROWSER_OFFER = [
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
