import { type ChildProcess, spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { InteractionTrace } from '#appliance/contract/work.ts';
import { delay } from '#appliance/kernel/async.ts';
import { Instance } from '#test/support/instance.ts';
import type { Api } from './support/api.ts';
import { Floor } from './support/floor.ts';
import { datagram, invite, stream } from './support/wire.ts';

const CALLER = 600;
const BOB = 900;

let instance: Instance;
let floor: Floor;
let admin: Api;
let sam: Api;
let bob: Api;

beforeAll(async () => {
  instance = await new Instance(12_000, { STRONGROOM_SILENCE_PROBE_S: '10' }).start();
  floor = new Floor(instance);
  admin = await instance.signIn('admin');
  sam = await instance.signIn('sam');
  bob = await instance.signIn('bob');
  const { items } = await admin.get<{ items: { id: string }[] }>('/queues');
  for (const { id } of items) await admin.change(`/queues/${id}`, { wrapUp: 'none' });
});
afterAll(() => instance?.stop());
afterEach(() => floor?.clear());

const ready = (agent: Api) => agent.put('/me/presence', { state: 'ready' });
const kinds = (trace: InteractionTrace) => trace.segments.map(({ kind, end }) => `${kind} ${end}`);
const pidOf = (name: string): number =>
  (
    JSON.parse(readFileSync(join(instance.config.paths.run, 'children.json'), 'utf8')) as {
      name: string;
      pid: number;
    }[]
  )
    .filter((child) => child.name === name)
    .at(-1)!.pid;
const parentOf = (pid: number): number =>
  Number(readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1)!.split(' ')[1]);

/** PostgreSQL is killed and stays away until the returned function is called. */
function withoutDatabase(): () => void {
  const postgres = pidOf('postgres');
  const supervisor = parentOf(postgres);
  process.kill(supervisor, 'SIGSTOP');
  process.kill(postgres, 'SIGKILL');
  return () => process.kill(supervisor, 'SIGCONT');
}

/** The API has its database again. */
const answers = () => expect.poll(() => sam.get('/queues').then(() => 'yes', String), { timeout: 20_000 }).toBe('yes');

describe('bad input', () => {
  it('on the wire is answered or dropped, and calls go on', async () => {
    const { sipPort } = instance;
    const sipp = await floor.sipp('caller-refused.xml', { service: '+15559999' });
    const status = (answer: string | undefined) => answer?.split('\r\n')[0];
    const answers = await Promise.all([
      datagram(sipPort, invite('+15550101', sipPort, { body: 'this is no description\r\n' })),
      datagram(
        sipPort,
        invite('+15550101', sipPort, {
          body: 'v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=video 9 RTP/AVP 96\r\n',
        }),
      ),
      datagram(sipPort, invite('+15550101', sipPort, { cseq: 'one INVITE' })),
      datagram(sipPort, 'INVITE sip:+15550101@127.0.0.1\r\n\r\n'),
      datagram(sipPort, '\0\xff\r\n\r\n', 300),
    ]);
    expect(answers.map(status)).toEqual([
      expect.stringMatching(/^SIP\/2\.0 (400|488)/),
      expect.stringMatching(/^SIP\/2\.0 488/),
      expect.stringMatching(/^SIP\/2\.0 400/),
      undefined,
      undefined,
    ]);
    const long = await stream(
      sipPort,
      invite('+15550101', sipPort, { extra: `X-Long: ${'a'.repeat(65_536)}` }).replace('/UDP', '/TCP'),
    );
    expect(long.closed || /^SIP\/2\.0 (400|413|513)/.test(long.answer), long.answer.slice(0, 200)).toBe(true);
    await sipp.done;

    // Who is no trunk and no phone of ours is nobody.
    const { items } = await admin.get<{ items: { id: string; name: string; addresses: string[] }[] }>('/trunks');
    const lab = items.find(({ name }) => name === 'lab')!;
    await admin.change(`/trunks/${lab.id}`, { addresses: ['192.0.2.1/32'], host: '192.0.2.1' });
    await expect
      .poll(async () => status(await datagram(sipPort, invite('+15559999', sipPort), 500)), { timeout: 5000 })
      .toMatch(/^SIP\/2\.0 40[13]/);
    await admin.change(`/trunks/${lab.id}`, { addresses: lab.addresses, host: '127.0.0.1' });

    const caller = await floor.caller('+15557502', { says: CALLER });
    await delay(300);
    caller.call('+15550101');
    await caller.until('CALL_ESTABLISHED');
    caller.hangUp();
    await floor.callWith(sam, '+15557502', ({ state }) => state === 'ended');
  });

  it('to the API is refused with a sentence that says what and where', async () => {
    const loop = await admin.post<{ id: string }>('/flows', {
      name: 'Round and round',
      draft: { schema: 1, start: 'a', steps: { a: { type: 'goto', next: 'b' }, b: { type: 'goto', next: 'a' } } },
    });
    await expect(admin.post(`/flows/${loop.id}/publish`)).rejects.toThrow(/400 .*flow-invalid.*"step":"[ab]"/s);
    const song = await admin.upload('/prompts/upload?name=song&language=*', 'la la la', 'audio/wav');
    expect(song.status).toBe(400);
    expect(song.body.toString()).toMatch(/audio/);
    for (const garbage of ['{', '[]', '"', '{"name":\0}', '\xff']) {
      const { status, body } = await admin.upload('/queues', garbage, 'application/json');
      expect([400, 422], `${garbage}: ${body}`).toContain(status);
      expect(JSON.parse(body.toString())).toMatchObject({ code: expect.any(String), message: expect.any(String) });
    }
    await expect(admin.post('/queues', { name: 'X', strategy: 'by-name' })).rejects.toThrow(/4\d\d .*strategy/s);
    await expect(bob.post('/calls/01890000-0000-7000-8000-000000000000/hold')).rejects.toThrow(/404 .*call-unknown/s);
  });
});

describe('a party that vanishes', () => {
  it('is noticed and let go with a true reason; one that is only silent is asked and stays', async () => {
    // Nobody serves this queue: its caller waits for as long as they like.
    const { id } = await admin.post<{ id: string }>('/queues', { name: 'Nobody' });
    await admin.post('/dids', { number: '+15550109', queueId: id });
    const silent = await floor.sipp('caller-without-audio.xml', { service: '+15550109' });
    const bobs = await floor.deskPhone('bob', { says: BOB, autoAnswer: true });
    await ready(bob);
    const talking = await floor.caller('+15557504', { says: CALLER });
    const waiting = await floor.caller('+15557505', { says: CALLER });
    talking.call('+15550101');
    await bobs.until('CALL_ESTABLISHED');
    waiting.call('+15550101');
    await floor.callWith(sam, '+15557505', ({ state }) => state === 'waiting');
    await delay(500);
    waiting.kill();
    bobs.kill();
    const gone = await floor.callWith(sam, '+15557505', ({ state }) => state === 'ended', 30_000);
    expect(kinds(gone)).toEqual(['queue abandoned']);
    expect(gone.events.find(({ type }) => type === 'party-vanished')?.data).toMatchObject({ party: 'customer' });
    // Waiting, or offered already: in the queue again.
    const queuedAgain = ({ segments }: InteractionTrace) => segments.at(-1)?.kind === 'queue' && segments.length > 2;
    const back = await floor.callWith(sam, '+15557504', queuedAgain, 30_000);
    expect(back.events.find(({ type }) => type === 'party-vanished')?.data).toMatchObject({ party: 'agent' });
    expect(kinds(back).slice(0, 3), 'the customer is not cut off with the phone').toEqual([
      'queue answered',
      'agent hold',
      'hold transferred',
    ]);
    talking.hangUp();
    await talking.until('CALL_CLOSED');
    await silent.done;
    expect(silent.messages()).toContain('OPTIONS');
    expect(kinds(await floor.callWith(sam, '+15557503', ({ state }) => state === 'ended'))).toEqual([
      'queue abandoned',
    ]);
    await bob.put('/me/presence', { state: 'offline' });
  });
});

describe('PostgreSQL away', () => {
  it('for five seconds in mid call: the call goes on and its facts are written afterwards', async () => {
    const bobs = await floor.deskPhone('bob', { says: BOB, autoAnswer: true });
    await ready(bob);
    const caller = await floor.caller('+15557506', { says: CALLER });
    caller.call('+15550101');
    await bobs.until('CALL_ESTABLISHED');
    const { id } = await floor.callWith(sam, '+15557506', ({ state }) => state === 'active');
    await delay(500);
    const back = withoutDatabase();
    const left = new Date();
    try {
      await delay(2500);
      caller.hangUp();
      await bobs.until('CALL_CLOSED', 5000);
      await delay(2500);
    } finally {
      back();
    }
    await answers();
    const trace = await sam.until<InteractionTrace>(`/interactions/${id}`, ({ state }) => state === 'ended');
    expect(kinds(trace)).toEqual(['queue answered', 'agent completed']);
    const until = new Date(trace.endedAt!).getTime() - left.getTime();
    expect(until, 'the end is when it was, not when it was written').toBeGreaterThan(2000);
    expect(until).toBeLessThan(4500);
    expect(caller.heard(BOB)).toBeGreaterThan(2.5);
  });

  it('at a start: voice waits, says so, and takes calls once it is back', async () => {
    const back = withoutDatabase();
    let second: ChildProcess | undefined;
    try {
      instance.killRole('voice');
      let said = '';
      second = spawn(process.execPath, ['appliance/main.ts', 'voice'], {
        cwd: join(import.meta.dirname, '../..'),
        env: { ...process.env, ...instance.env },
        stdio: ['ignore', 'pipe', 'pipe'],
      });
      for (const stream of [second.stdout, second.stderr])
        stream?.on('data', (data) => {
          said += data;
        });
      await expect.poll(() => said, { timeout: 15_000 }).toMatch(/PostgreSQL|database/i);
      await delay(1000);
      expect(second.exitCode, said).toBeNull();
    } finally {
      second?.kill('SIGTERM');
      if (second?.exitCode === null) await new Promise((resolve) => second?.once('exit', resolve));
      back();
    }
    const caller = await floor.caller('+15557507', { says: CALLER });
    await expect
      .poll(
        async () => (await datagram(instance.sipPort, invite('+15559999', instance.sipPort), 500))?.split('\r\n')[0],
        { timeout: 30_000 },
      )
      .toMatch(/404/);
    caller.call('+15550101');
    await caller.until('CALL_ESTABLISHED');
    caller.hangUp();
    await floor.callWith(sam, '+15557507', ({ state }) => state === 'ended', 20_000);
  });
});
