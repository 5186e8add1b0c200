import { afterAll, beforeAll, expect, it } from 'vitest';
import { delay } from '#appliance/kernel/async.ts';
import { Instance } from '#test/support/instance.ts';
import { auditFloor } from './support/audit-floor.ts';
import { SteppedClock } from './support/clock.ts';
import { SmallDisk } from './support/disk.ts';
import { newCall } from './support/ear.ts';
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
  await delay(1000);
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
async function away(leave: () => () => void, meanwhile = async (): Promise<void> => {}): Promise<string[]> {
  const back = leave();
  await Promise.all([delay(AWAY_MS), meanwhile()]);
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

it('background work, the edge and the switch stand still for a while: no call notices', async () => {
  expect(await away(() => processes.freeze('work', 'rtpengine', 'media'))).toEqual(['rtpengine', 'media', 'work']);
  await untilHealth(instance, well);
  await undisturbed();
});

it.skipIf(!clock)('the clock is stepped by an hour, forward and back: no call notices', async () => {
  for (const seconds of [3600, -3600, 0]) {
    clock!.set(seconds);
    await delay(1000);
    const [{ now }] = (await instance.db.raw<{ rows: [{ now: Date }] }>('select clock_timestamp() as now')).rows;
    expect(Math.abs(now.getTime() - Date.now() - seconds * 1000), 'the step is seen').toBeLessThan(1000);
    expect((await untilHealth(instance, well)).status).toBe('ok');
  }
  await undisturbed();
});

it.skipIf(!ROOT)(
  'the disk for recordings is full and the cable to the agents is cut for a while: conversations and the queue go on, the alarms say so, the hole is marked',
  async () => {
    expect(disk, 'a file system of its own for the spool').toBeDefined();
    disk!.fill();
    network?.cut();
    const kinds = async () => [...new Set(await alarms(load.sam))];
    try {
      await Promise.all([
        expect.poll(kinds, { timeout: 15_000 }).toEqual(['disk.low', 'recording.failed']),
        delay(CUT_MS),
      ]);
    } finally {
      network?.mend();
      disk!.free();
    }
    await undisturbed();
  },
);

/** The first who talks and the first who waits hang up while parts are away; how late the books say that it was. */
async function hangUpsWhile(leave: () => () => void): Promise<{ named: string[]; lateS: number[]; awayS: number }> {
  const from = new Date();
  const named = await away(leave, () => load.hangUp(round, [round.talking[0]!, round.waiting[0]!]));
  const awayS = (Date.now() - from.getTime()) / 1000;
  await load.stands(round, 30_000);
  await untilHealth(instance, well);
  await delay(AFTERMATH_MS);
  expect(await auditFloor(instance, { sam: load.sam, recordings: false })).toEqual([]);
  expect(fatal(instance)).toBe('');
  const { rows } = await instance.db.raw<{ rows: { late: number }[] }>(
    `select extract(epoch from ended_at - ?::timestamptz) as late from interaction
     where ended_at > ? and end_reason <> 'refused' order by 1`,
    [from, from],
  );
  return { named, lateS: rows.map(({ late }) => late), awayS };
}

it('PostgreSQL and Redis stand still: who hangs up is in the books with the right time, who calls is told to try again', async () => {
  const call = delay(200).then(() => newCall(instance));
  const { named, lateS } = await hangUpsWhile(() => processes.freeze('postgres', 'redis'));
  expect(named).toEqual(['postgres', 'redis', ...ROLES]);
  expect(lateS.map((late) => late < 1.5)).toEqual([true, true]);
  expect(await call).toMatchObject({ status: 503, retryAfter: '10' });
});

it('PostgreSQL, Redis and the edge are gone: who hangs up is in the books with the right time, and the alarms say so until they are back', async () => {
  const { named, lateS } = await hangUpsWhile(() => goneWithoutReturn('postgres', 'redis', 'rtpengine'));
  expect(named).toEqual(['postgres', 'redis', 'rtpengine', ...ROLES]);
  expect(lateS.map((late) => late < 1.5)).toEqual([true, true]);
  const over = async () => {
    const { rows } = await instance.db.raw<{ rows: { kind: string }[] }>(
      `select kind from alarm where cleared_at > raised_at order by kind`,
    );
    return rows.map(({ kind }) => kind);
  };
  await expect
    .poll(over, { timeout: 15_000 })
    .toEqual(expect.arrayContaining(['edge.down', 'postgres.down', 'redis.down']));
});

it('voice stands still: who hangs up meanwhile is over when it is back, nobody else notices', async () => {
  const { named, lateS, awayS } = await hangUpsWhile(() => processes.freeze('voice'));
  expect(named).toEqual(['voice']);
  for (const one of lateS) expect(one).toBeLessThan(awayS + 2);
  expect(lateS).toHaveLength(2);
  // That of a recording with a hole stays until its call is over.
  const others = async () => (await alarms(load.sam)).filter((kind) => kind !== 'recording.failed');
  await expect.poll(others, { timeout: 10_000 }).toEqual([]);
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
