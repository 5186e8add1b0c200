// Encrypted audio of phones and trunks over TLS, through a real rtpengine.
import type { ChildProcess } from 'node:child_process';
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import { type TestDatabase, testDatabase } from '#test/support/database.ts';
import { createEdge, type Edge } from '../media/index.ts';
import { rtpengineBinary, startRtpengine } from '../media/testing/rtpengine.ts';
import { SecurePhone } from '../media/testing/secure-phone.ts';
import { type TestSwitch, testSwitch } from '../media/testing/switch.ts';
import { createSipStack, type IncomingInvite, parseUri, type SipStack } from '../sip/index.ts';
import { selfSigned } from '../sip/testing/certificate.ts';
import { createTrunkStore } from '../trunks/index.ts';
import type { DialFailed, Ringing } from './api.ts';
import { type Box, openBox } from './testing/box.ts';
import { Party } from './testing/party.ts';

const PORT = 14_500;
const TLS_PORT = PORT + 1;
const DESK = PORT + 2;
const CARRIER = PORT + 3;
const quiet = { debug() {}, info() {}, warn() {}, error() {} };

describe.skipIf(!rtpengineBinary)('audio over TLS', () => {
  let database: TestDatabase;
  let rig: TestSwitch;
  let edge: Edge;
  let rtpengine: ChildProcess;
  let box: Box;
  /** Far side over TLS: a registered phone, and the carrier of two trunks. */
  let desk: SipStack;
  let carrier: SipStack;
  let plain: Party;
  let phoneId: string;
  const offers: string[] = [];
  let take: (invite: IncomingInvite) => void;

  beforeAll(async () => {
    database = await testDatabase();
    rtpengine = await startRtpengine(PORT + 10, 14_700, 14_799);
    rig = await testSwitch(14_800, { ports: { first: 14_800, last: 14_999 } });
    edge = createEdge({ url: `udp://127.0.0.1:${PORT + 10}`, log: quiet });
    edge.watch();
    const trunk = (name: string, position: number, srtp: string) =>
      createTrunkStore(database.db).create({
        name,
        kind: 'address',
        host: '127.0.0.1',
        port: CARRIER,
        transport: 'tls',
        optionsIntervalS: 0,
        position,
        srtp: srtp as 'offer',
      });
    await trunk('offering', 0, 'offer');
    await trunk('strict', 1, 'require');
    const own = selfSigned();
    box = await openBox({ db: database.db, media: rig.media, edge, port: PORT, tls: { port: TLS_PORT, ...own } });
    const far = (port: number) =>
      createSipStack({
        listen: { tls: { host: '127.0.0.1', port, ...own, verifyPeer: false } },
        userAgent: 'far',
        log: quiet,
      });
    desk = far(DESK);
    carrier = far(CARRIER);
    for (const one of [desk, carrier]) {
      await one.start();
      one.onInvite((invite) => {
        offers.push(/m=audio \d+ (\S+)/.exec(invite.request.bodyText)![1]!);
        take(invite);
      });
    }
    plain = await new Party('plain', PORT + 4, 600).start();
    const made = await box.phones.create({ label: 'desk', kind: 'sip', extension: '1001', username: 'desk' });
    phoneId = made.phone.id;
    const aor = parseUri('sip:desk@127.0.0.1');
    const { status } = await desk.request({
      method: 'REGISTER',
      uri: parseUri(`sip:127.0.0.1:${TLS_PORT};transport=tls`),
      to: { uri: aor },
      from: { uri: aor },
      contact: { user: 'desk' },
      credentials: { username: 'desk', password: made.password! },
    });
    expect(status).toBe(200);
    await vi.waitFor(() => expect(edge.up).toBe(true));
  }, 30_000);

  afterEach(async () => {
    offers.length = 0;
    for (const leg of box.calls.legs.values()) leg.hangup();
    await vi.waitFor(() => expect(box.calls.legs.size).toBe(0));
  });

  afterAll(async () => {
    await box?.stop();
    await Promise.all([desk?.stop(), carrier?.stop(), plain?.stop()]);
    edge?.close();
    rtpengine?.kill('SIGKILL');
    await rig?.close();
    await database?.close();
  });

  const ring = () => box.calls.dial([{ kind: 'phone', phoneId }], { from: { number: '1002' } });
  const outcome = (ringing: Ringing) =>
    ringing.answered.then(
      (leg) => leg.state,
      (error: DialFailed) => error.cause_.sip,
    );
  const trunkOf = (name: string) => box.trunks.list().find(({ row }) => row.name === name)!.id;
  const out = (name: string) =>
    box.calls.dial([{ kind: 'number', number: '+12125550100', trunkId: trunkOf(name) }], { from: { number: '1' } });
  const acceptPlain = (invite: IncomingInvite) => {
    if (invite.request.bodyText.includes('RTP/SAVP')) invite.reject({ status: 488 });
    else plain.pickUp(invite);
  };

  test('of a phone is encrypted, both ways', async () => {
    const secure = await SecurePhone.open(1000);
    take = (invite) => {
      const body = secure.answer(invite.request.bodyText);
      invite.accept({ contentType: 'application/sdp', body });
    };
    const leg = await ring().answered;
    expect(offers).toEqual(['RTP/SAVP']);
    await rig.media.route([{ leg: leg.id, hear: { kind: 'play', prompts: ['music'], loop: true } }]);
    await vi.waitFor(() => expect(secure.hears(2200)).toBe(true), { timeout: 5000, interval: 100 });
    await vi.waitFor(async () => expect((await leg.stats())!.received).toBeGreaterThan(10));
    secure.close();
  });

  test('of a phone that has no SRTP is plain', async () => {
    take = acceptPlain;
    expect(await outcome(ring())).toBe('up');
    expect(offers).toEqual(['RTP/SAVP', 'RTP/AVP']);
  });

  test('is refused by a phone that wants none of both', async () => {
    take = (invite) => invite.reject({ status: 488 });
    expect(await outcome(ring())).toBe(488);
    expect(offers).toEqual(['RTP/SAVP', 'RTP/AVP']);
  });

  test('is not offered again to who is busy', async () => {
    take = (invite) => invite.reject({ status: 486 });
    expect(await outcome(ring())).toBe(486);
    expect(offers).toEqual(['RTP/SAVP']);
  });

  test('of a trunk is encrypted where the carrier can, and never plain where it must be', async () => {
    take = acceptPlain;
    expect(await outcome(out('offering'))).toBe('up');
    expect(offers.splice(0)).toEqual(['RTP/SAVP', 'RTP/AVP']);
    expect(await outcome(out('strict'))).toBe(488);
    expect(offers).toEqual(['RTP/SAVP']);
  });
});
