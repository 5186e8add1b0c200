import { afterAll, beforeAll, expect, it } from 'vitest';
import { delay } from '#appliance/kernel/async.ts';
import { Instance } from '#test/support/instance.ts';
import { auditFloor } from './support/audit-floor.ts';
import { SteppedClock } from './support/clock.ts';
import { SmallDisk } from './support/disk.ts';
import { Load, type Round, TALKING, WAITING } from './support/load.ts';
import { AgentNetwork } from './support/net.ts';
import { type Part, Processes, signal } from './support/processes.ts';
import {
  AWAY_MS,
  alarms,
  conversations,
  fatal,
  health,
  places,
  served,
  untilHealth,
  well,
} from './support/situation.ts';

/** What comes late, such as a call ended by mistake after the return, comes within this. */
const AFTERMATH_MS = 700;

/** After half a minute of silence a phone is asked, and who does not answer counts as gone (STRONGROOM_SILENCE_PROBE_S). */
const CUT_MS = Math.min(AWAY_MS, 20_000);

let instance: Instance;
let load: Load;
let processes: Processes;
let round: Round;
let disk: SmallDisk | undefined;
const network = AgentNetwork.make();
const clock = SteppedClock.make();
const ROOT = process.getuid?.() === 0;
let waiting: Awaited<ReturnType<typeof places>>;
let talks: unknown[];

/** All calls of this file are up all the time, while one part after another is away for a while. */
beforeAll(async () => {
  instance = new Instance(8500, {
    ...(network && { STRONGROOM_BIND: '0.0.0.0', STRONGROOM_ADDRESS: network.boxAddress }),
    ...clock?.env,
  });
  disk = SmallDisk.make(instance.config.paths.spool, 64);
  await instance.start();
  processes = new Processes(instance);
  load = await new Load(instance).prepare(network && { address: network.agentAddress, within: network.within });
  round = await load.begin();
  waiting = await places(instance);
  talks = await conversations(instance);
  await delay(2000);
});
afterAll(async () => {
  await load?.close();
  await instance?.halt();
  disk?.remove();
  await instance?.stop();
  network?.remove();
  clock?.remove();
});

/** Nobody noticed: everybody talks or waits as before, and the books are right. */
async function undisturbed(): Promise<void> {
  await delay(AFTERMATH_MS);
  await load.until(round, { active: TALKING, waiting: WAITING });
  expect(load.complaints(round), 'what the phones saw').toBe('');
  expect(await places(instance), 'places in the queue').toEqual(waiting);
  expect(await conversations(instance), 'conversations').toEqual(talks);
  expect(await auditFloor(instance, { sam: load.sam, recordings: false })).toEqual([]);
  expect(fatal(instance)).toBe('');
}

/** Away for a while; says which parts /health named meanwhile, at the end. */
async function away(leave: () => () => void): Promise<string[]> {
  const back = leave();
  await delay(AWAY_MS);
  const now = await health(instance);
  back();
  return Object.entries(now?.components ?? {})
    .filter(([, { status }]) => status !== 'ok')
    .map(([name]) => name);
}

/** kill -9, and the supervisor stands still so that nothing starts it again. */
function goneWithoutReturn(...parts: Part[]): () => void {
  const supervisor = processes.supervisorOf('voice');
  signal(supervisor, 'SIGSTOP');
  for (const part of parts) processes.kill(part);
  return () => signal(supervisor, 'SIGCONT');
}

const ROLES = ['voice', 'media', 'web', 'work'];

it.for<{ parts: Part[]; says: string[] }>([
  { parts: ['postgres'], says: ['postgres'] },
  { parts: ['redis'], says: ['redis', ...ROLES] },
  { parts: ['work', 'rtpengine', 'media'], says: ['rtpengine', 'media', 'work'] },
  { parts: ['voice'], says: ['voice'] },
])('$parts standing still for a while: no call notices', async ({ parts, says }) => {
  expect(await away(() => processes.freeze(...parts))).toEqual(says);
  await untilHealth(instance, well);
  await undisturbed();
});

it('PostgreSQL, Redis and the edge are gone for a while: no call notices, and the alarms say so until they are back', async () => {
  expect(await away(() => goneWithoutReturn('postgres', 'redis', 'rtpengine'))).toEqual([
    'postgres',
    'redis',
    'rtpengine',
    ...ROLES,
  ]);
  await untilHealth(instance, well);
  await undisturbed();
  await expect.poll(() => alarms(load.sam), { timeout: 10_000 }).toEqual([]);
  const { rows } = await instance.db.raw<{ rows: { kind: string }[] }>(
    `select kind from alarm where cleared_at is not null and cleared_at > raised_at order by kind`,
  );
  expect(rows.map(({ kind }) => kind)).toEqual(expect.arrayContaining(['edge.down', 'postgres.down', 'redis.down']));
});

it.skipIf(!clock)('the clock is stepped by an hour, forward and back: no call notices', async () => {
  for (const seconds of [3600, -3600, 0]) {
    clock!.set(seconds);
    await delay(2500);
    const [{ now }] = (await instance.db.raw<{ rows: [{ now: Date }] }>('select clock_timestamp() as now')).rows;
    expect(Math.abs(now.getTime() - Date.now() - seconds * 1000), 'the step is seen').toBeLessThan(1000);
    expect((await untilHealth(instance, well)).status).toBe('ok');
  }
  await undisturbed();
});

it.skipIf(!ROOT)(
  'the disk for recordings is full for a while: no call notices, the alarms say so, the hole is marked',
  async () => {
    expect(disk, 'a file system of its own for the spool').toBeDefined();
    disk!.fill();
    await expect.poll(() => alarms(load.sam), { timeout: 15_000 }).toContain('disk.low');
    expect(await alarms(load.sam)).toContain('recording.failed');
    disk!.free();
    await undisturbed();
    await expect.poll(() => alarms(load.sam), { timeout: 15_000 }).not.toContain('disk.low');
  },
);

it.skipIf(!network)('the cable to the agents is cut for a while: conversations and the queue go on', async () => {
  network!.cut();
  await delay(CUT_MS);
  network!.mend();
  await undisturbed();
});

it.for<{ parts: Part[]; how: 'frozen' | 'gone' }>([
  { parts: ['postgres'], how: 'frozen' },
  { parts: ['postgres', 'redis'], how: 'gone' },
  { parts: ['voice'], how: 'frozen' },
])('callers hang up while $parts is $how: it is in the books with the right times', async ({ parts, how }) => {
  const back = how === 'frozen' ? processes.freeze(...parts) : goneWithoutReturn(...parts);
  const from = new Date();
  await load.hangUp(round, [round.talking[0]!, round.waiting[0]!]);
  await delay(AWAY_MS);
  const until = new Date();
  back();
  await load.stands(round, 30_000);
  await untilHealth(instance, well);
  await delay(AFTERMATH_MS);
  expect(await auditFloor(instance, { sam: load.sam, recordings: false })).toEqual([]);
  const { rows } = await instance.db.raw<{ rows: { late: number }[] }>(
    `select extract(epoch from ended_at - ?::timestamptz) as late from interaction where ended_at > ? order by 1`,
    [from, from],
  );
  const heardIn = parts[0] === 'voice' ? (until.getTime() - from.getTime()) / 1000 + 2 : 1.5;
  expect(rows.map(({ late }) => late < heardIn)).toEqual([true, true]);
  expect(fatal(instance)).toBe('');
});

it('in the end every call is whole: order of the queue, segments, offers, reports, recordings', async () => {
  expect(await load.end(round), 'what the phones saw').toBe('');
  const order = await served(instance, waiting);
  expect(order, 'who came first is served first').toEqual(
    waiting.map(({ interactionId }) => interactionId).filter((id) => order.includes(id)),
  );
  expect(await auditFloor(instance, { sam: load.sam, gapsS: 15, cutS: network ? CUT_MS / 1000 + 2 : 0 })).toEqual([]);
  expect(fatal(instance)).toBe('');
});
