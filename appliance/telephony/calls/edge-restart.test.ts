import type { ChildProcess } from 'node:child_process';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { type TestDatabase, testDatabase } from '#test/support/database.ts';
import { createEdge, type Edge } from '../media/index.ts';
import { rtpengineBinary, startRtpengine } from '../media/testing/rtpengine.ts';
import { BROWSER_OFFER, SecurePhone } from '../media/testing/secure-phone.ts';
import { type TestSwitch, testSwitch } from '../media/testing/switch.ts';
import type { InDialogRequest } from '../sip/index.ts';
import { createTrunkStore } from '../trunks/index.ts';
import { type Box, openBox } from './testing/box.ts';
import { Party } from './testing/party.ts';

const PORT = 11_000;
const NG_PORT = 11_010;
const SDP = 'application/sdp';
const quiet = { info() {}, warn() {}, error() {} };

/** A real rtpengine is killed while calls run through it. */
describe.skipIf(!rtpengineBinary)('when the edge dies and comes back empty', () => {
  let database: TestDatabase;
  let rig: TestSwitch;
  let edge: Edge;
  let rtpengine: ChildProcess;
  let box: Box;
  const parties: Party[] = [];

  beforeAll(async () => {
    database = await testDatabase();
    rtpengine = await startRtpengine(NG_PORT, 11_400, 11_499);
    rig = await testSwitch(11_500);
    edge = createEdge({ url: `udp://127.0.0.1:${NG_PORT}`, log: quiet });
    edge.watch();
    await createTrunkStore(database.db).create({
      name: 'lab',
      kind: 'address',
      host: '127.0.0.1',
      port: 11_001,
      addresses: ['127.0.0.0/8'],
      optionsIntervalS: 0,
    });
    box = await openBox({ db: database.db, media: rig.media, edge, port: PORT });
  }, 30_000);

  afterAll(async () => {
    await box?.stop();
    await Promise.all(parties.map((party) => party.stop()));
    edge?.close();
    rtpengine?.kill('SIGKILL');
    await rig?.close();
    await database?.close();
  });

  async function caller(user: string, port: number): Promise<Party> {
    const party = await new Party(user, port, 400).start();
    parties.push(party);
    return party;
  }

  test('secured parties are back within three seconds by a new offer, plain ones notice nothing', async () => {
    const outside = await caller('12125550100', 11_001);
    const secured = await caller('12125550101', 11_002);
    const browser = await caller('12125550102', 11_003);
    const srtp = await SecurePhone.open(1000);
    const offersToBrowser: string[] = [];

    const arrived = box.next();
    const talking = outside.talk('+15550100', PORT);
    const plain = (await arrived).leg;
    await plain.answer();
    const plainDialog = await talking;
    plainDialog.onRequest((request) => outside.requests.push(request.request));

    const next = box.next();
    const answered = secured.call('+15550101', PORT, { body: srtp.sdp('sendrecv') }).answered;
    const leg = (await next).leg;
    await leg.answer();
    const { dialog, response } = await answered;
    srtp.answered(response.bodyText);
    let backAt = 0;
    dialog.onRequest((request: InDialogRequest) => {
      request.respond({ status: 200, contentType: SDP, body: srtp.answer(request.request.bodyText) });
      backAt = performance.now();
    });
    await rig.media.route([{ leg: leg.id, hear: { kind: 'play', prompts: ['music'], loop: true } }]);

    const third = box.next();
    const calling = browser.call('+15550102', PORT, { body: BROWSER_OFFER }).answered;
    const web = (await third).leg;
    await web.answer();
    const { dialog: webDialog } = await calling;
    webDialog.onRequest((request) => {
      offersToBrowser.push(request.request.bodyText);
      request.respond({ status: 200, contentType: SDP, body: browserAnswer(request.request.bodyText) });
    });

    await vi.waitFor(() => expect(srtp.hears(2200)).toBe(true), { timeout: 5000, interval: 200 });
    await vi.waitFor(() => expect(edge.up).toBe(true));

    const killedAt = performance.now();
    const gone = new Promise((resolve) => rtpengine.once('exit', resolve));
    rtpengine.kill('SIGKILL');
    await gone;
    rtpengine = await startRtpengine(NG_PORT, 11_400, 11_499);

    await vi.waitFor(() => expect(backAt).toBeGreaterThan(0), { timeout: 5000, interval: 10 });
    expect(backAt - killedAt).toBeLessThan(3000);
    await vi.waitFor(() => expect(srtp.hears(2200)).toBe(true), { timeout: 3000, interval: 100 });
    const received = (await leg.stats())!.received;
    await vi.waitFor(async () => expect((await leg.stats())!.received).toBeGreaterThan(received + 10));
    await vi.waitFor(() => expect(offersToBrowser).toHaveLength(1));
    expect(offersToBrowser[0]).toContain('a=mid:0\r\n');
    expect(offersToBrowser[0]).toMatch(/a=ice-ufrag:/);
    expect(offersToBrowser[0]).toMatch(/^a=setup:actpass\r$/m);
    expect(offersToBrowser[0]).toMatch(/ 126\r\n/);
    expect(offersToBrowser[0]!.match(/^m=/gm)).toHaveLength(2);

    expect(outside.requests.filter(({ method }) => method === 'INVITE')).toEqual([]);
    expect([plain.state, leg.state, web.state]).toEqual(['up', 'up', 'up']);
    srtp.close();
  }, 30_000);

  test('a phone that rings meanwhile is answered and then offered anew', async () => {
    const secured = await caller('12125550103', 11_004);
    const srtp = await SecurePhone.open(1000);
    const next = box.next();
    const answered = secured.call('+15550101', PORT, { body: srtp.sdp('sendrecv') }).answered;
    const leg = (await next).leg;
    await leg.early();
    const offers: string[] = [];
    const restarted = new Promise((resolve) => edge.on('restarted', () => resolve(true)));
    const gone = new Promise((resolve) => rtpengine.once('exit', resolve));
    rtpengine.kill('SIGKILL');
    await gone;
    rtpengine = await startRtpengine(NG_PORT, 11_400, 11_499);
    await restarted;
    await leg.answer();
    const { dialog } = await answered;
    dialog.onRequest((request) => {
      offers.push(request.request.bodyText);
      request.respond({ status: 200, contentType: SDP, body: srtp.answer(request.request.bodyText) });
    });
    await vi.waitFor(() => expect(offers).toHaveLength(1), { timeout: 3000 });
    await rig.media.route([{ leg: leg.id, hear: { kind: 'play', prompts: ['music'], loop: true } }]);
    await vi.waitFor(() => expect(srtp.hears(2200)).toBe(true), { timeout: 3000, interval: 100 });
    srtp.close();
  }, 30_000);
});

/** What a browser says to our offer, as far as rtpengine looks. */
function browserAnswer(offer: string): string {
  const [head] = BROWSER_OFFER.split('m=video');
  const audio = head!
    .replace('a=group:BUNDLE 0 1', 'a=group:BUNDLE 0')
    .replace('a=setup:actpass', 'a=setup:active')
    .replace('abcd', 'wxyz');
  return offer.includes('m=video')
    ? `${audio}m=video 0 UDP/TLS/RTP/SAVPF 96\r\nc=IN IP4 0.0.0.0\r\na=mid:1\r\n`
    : audio;
}
