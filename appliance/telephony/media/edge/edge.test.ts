import type { ChildProcess } from 'node:child_process';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { until, wait } from '../testing/phone.ts';
import { rtpengineBinary, startRtpengine } from '../testing/rtpengine.ts';
import { BROWSER_OFFER, portOf, SecurePhone } from '../testing/secure-phone.ts';
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
    await wait(2700); // it tells its age in whole seconds
    rtpengine.kill('SIGKILL');
    rtpengine = await startRtpengine(NG_PORT, 23_400, 23_599);
    await until(() => seen.includes('restarted'), 4000);
  });
});
