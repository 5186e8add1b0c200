// The SIP ports as strangers find them, and what an administrator sees of it.
import { execFile, spawnSync } from 'node:child_process';
import { createSocket, type Socket } from 'node:dgram';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { Party } from '#appliance/telephony/calls/testing/party.ts';
import { parseUri } from '#appliance/telephony/sip/index.ts';
import { Instance } from '#test/support/instance.ts';
import type { Api } from './support/api.ts';
import { Floor } from './support/floor.ts';

const run = promisify(execFile);
const ROOT = join(import.meta.dirname, '../..');
const SCANNER = '127.0.0.66';

interface Ban {
  id: string;
  source: string;
  reason: string;
  until: string | null;
}

let instance: Instance;
let floor: Floor;
let admin: Api;

beforeAll(async () => {
  instance = await new Instance(10_000).start();
  floor = new Floor(instance);
  admin = await instance.signIn('admin');
  // The demo's trunk trusts all of loopback, where the scanner lives too.
  const { items } = await admin.get<{ items: { id: string; version: number }[] }>('/trunks');
  const [{ id, version }] = items as [{ id: string; version: number }];
  await admin.patch(
    `/trunks/${id}`,
    { addresses: ['127.0.0.1/32'], port: instance.port(695) },
    { 'if-match': `"${version}"` },
  );
});
afterAll(() => instance?.stop());
afterEach(() => floor?.clear());

describe('a scanner', () => {
  let socket: Socket;
  let answers: string[];
  let n = 0;

  function send(method: string, user: string, agent = 'phone'): void {
    const { port } = socket.address();
    socket.send(
      `${method} sip:${user}@127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/UDP ${SCANNER}:${port};branch=z9hG4bK${++n};rport\r\nMax-Forwards: 70\r\n` +
        `From: <sip:${user}@127.0.0.1>;tag=${n}\r\nTo: <sip:${user}@127.0.0.1>\r\nCall-ID: scan-${n}\r\nCSeq: 1 ${method}\r\n` +
        `Contact: <sip:${user}@${SCANNER}:${port}>\r\nUser-Agent: ${agent}\r\nContent-Length: 0\r\n\r\n`,
      instance.sipPort,
      '127.0.0.1',
    );
  }

  beforeAll(async () => {
    socket = createSocket('udp4');
    answers = [];
    socket.on('message', (data) => answers.push(data.toString().split('\r\n', 1)[0]!));
    await new Promise<void>((resolve) => socket.bind(instance.port(690), SCANNER, resolve));
  });
  afterAll(() => socket?.close());

  it('that tries names is answered twice, then not at all, then banned for all to see; an admin lifts it', async () => {
    for (let i = 0; i < 3; i++) {
      send('REGISTER', `90${i}`);
      await expect.poll(() => answers.length).toBe(i + 1);
    }
    expect(answers).toEqual(Array(3).fill('SIP/2.0 401 Unauthorized'));
    await expect
      .poll(
        async () => {
          send('REGISTER', '999');
          return (await admin.get<{ items: Ban[] }>('/sip/bans')).items;
        },
        { timeout: 10_000, interval: 100 },
      )
      .toMatchObject([{ source: SCANNER, reason: 'unknown-user' }]);
    // One more may have been on its way while the last one was looked up.
    expect(answers.length).toBeLessThanOrEqual(4);
    const alarms = await admin.until<{ items: { kind: string; text: string }[] }>('/alarms', ({ items }) =>
      items.some(({ kind }) => kind === 'sip.source-banned'),
    );
    expect(alarms.items.find(({ kind }) => kind === 'sip.source-banned')!.text).toContain(SCANNER);

    const [ban] = (await admin.get<{ items: Ban[] }>('/sip/bans')).items;
    await admin.delete(`/sip/bans/${ban!.id}`);
    await expect
      .poll(
        () => {
          send('OPTIONS', '100');
          return answers.at(-1);
        },
        { timeout: 5000, interval: 100 },
      )
      .toBe('SIP/2.0 200 OK');
    await admin.until<{ items: { kind: string }[] }>(
      '/alarms',
      ({ items }) => !items.some(({ kind }) => kind === 'sip.source-banned'),
    );
  });

  it('that says so is banned at once, also after a crash of voice; supervisors see nothing of it', async () => {
    send('OPTIONS', '100', 'friendly-scanner');
    await admin.until<{ items: Ban[] }>('/sip/bans', ({ items }) => items.some(({ reason }) => reason === 'scanner'));
    const sam = await instance.signIn('sam');
    await expect(sam.get('/sip/bans')).rejects.toThrow('403');
    instance.killRole('voice');
    await admin.until<{ status: string }>('/health', ({ status }) => status === 'ok', 20_000);
    const before = answers.length;
    send('OPTIONS', '100');
    const caller = await floor.caller('+15557001', { says: 600 });
    caller.call('+15550101');
    await caller.until('CALL_ESTABLISHED');
    expect(answers).toHaveLength(before);
    caller.hangUp();
  });
});

it('a trunk is tried by a test call', async () => {
  const { items } = await admin.get<{ items: { id: string }[] }>('/trunks');
  const carrier = await new Party('carrier', instance.port(695), 700).start();
  try {
    const path = `/trunks/${items[0]!.id}/test-call`;
    const good = await admin.post<{ result: string; sip: number; heard: number }>(path, { number: '+15559000' });
    expect(good).toMatchObject({ result: 'answered', sip: 200 });
    expect(good.heard).toBeGreaterThan(50);
    expect(carrier.invites[0]!.request.uri.user).toBe('+15559000');
    carrier.behaviour = 'busy';
    expect(await admin.post(path, { number: '+15559000' })).toMatchObject({ result: 'failed', sip: 486, q850: 17 });
  } finally {
    await carrier.stop();
  }
}, 30_000);

it('a caller of an old exchange is taken: sent on by somebody, the offer among other parts; who sent them is in the trace', async () => {
  const carrier = await new Party('+15557010', instance.port(695), 700).start();
  try {
    const isup =
      'Content-Type: application/isup;version=itu-t92+\r\nContent-Disposition: signal;handling=optional\r\n\r\n\x01';
    const parts = [`Content-Type: application/sdp\r\n\r\n${carrier.offer()}`, isup];
    const { dialog, response } = await carrier.sip.invite({
      to: parseUri(`sip:+15550101@127.0.0.1:${instance.sipPort}`),
      from: { uri: parseUri('sip:+15557010@127.0.0.1') },
      contact: { user: 'carrier' },
      headers: [['Diversion', '<sip:+15557099@carrier.example>;reason=no-answer']],
      contentType: 'multipart/mixed;boundary=b1',
      body: `${parts.map((part) => `--b1\r\n${part}\r\n`).join('')}--b1--\r\n`,
    }).answered;
    carrier.hear(response.bodyText);
    const { id } = await floor.newest(admin, ({ from }) => from === '+15557010');
    const { events } = await admin.until<{ events: { type: string; data: object }[] }>(
      `/interactions/${id}`,
      ({ events: said }) => said.some(({ type }) => type === 'forwarded-by'),
    );
    expect(events.find(({ type }) => type === 'forwarded-by')!.data).toEqual({
      by: '+15557099',
      reason: 'no-answer',
      count: 1,
    });
    dialog.bye();
    await admin.until<{ endedAt: string | null }>(`/interactions/${id}`, ({ endedAt }) => endedAt !== null);
  } finally {
    await carrier.stop();
  }
}, 30_000);

it('a call is shown as a ladder, over the API, and as a capture for Wireshark', async () => {
  const bobPhone = await floor.deskPhone('bob', { says: 900, autoAnswer: true });
  const bob = await floor.ready('bob');
  const caller = await floor.caller('+15557009', { says: 600 });
  caller.call('+15550101');
  await bobPhone.until('CALL_ESTABLISHED');
  const live = await floor.newest(admin, ({ from, agentName }) => from === '+15557009' && agentName === 'Bob');
  const during = await admin.get<{ messages: { text: string }[]; ladder: string[] }>(`/calls/${live.id}/sip`);
  expect(during.ladder.join('\n')).toMatch(/INVITE \(sdp\) ─+►/);
  caller.hangUp();
  await bobPhone.until('CALL_CLOSED');
  const after = await admin.until<{ messages: { text: string }[]; ladder: string[] }>(
    `/calls/${live.id}/sip`,
    ({ ladder }) => ladder.filter((line) => line.includes(' BYE ')).length >= 2,
  );
  expect(JSON.stringify(after.messages)).not.toMatch(/response="?[0-9a-f]{32}/);
  const sam = await instance.signIn('sam');
  await expect(sam.get(`/calls/${live.id}/sip`)).rejects.toThrow('403');

  const cli = (...args: string[]) =>
    run(process.execPath, [join(ROOT, 'provisioning/cli/main.ts'), 'trace', ...args], {
      cwd: ROOT,
      env: { ...process.env, ...instance.env },
    });
  const { stdout } = await cli(live.id, '--sip');
  expect(stdout).toContain('strongroom');
  expect(stdout).toMatch(/200 OK BYE/);
  expect((await cli('--sip')).stdout).toContain('+15557009');
  const file = join(instance.dir, 'call.pcap');
  await cli(live.id, '--pcap', file);
  expect(readFileSync(file).readUInt32LE(0)).toBe(0xa1b2c3d4);
  if (spawnSync('tshark', ['--version']).status === 0) {
    const { stdout: lines } = await run('tshark', ['-r', file, '-Y', 'sip', '-T', 'fields', '-e', 'sip.Method']);
    expect(lines).toContain('INVITE');
    expect(lines).toContain('BYE');
  }
  await bob.put('/me/presence', { state: 'offline' });
}, 60_000);
