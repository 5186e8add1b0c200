import { availableParallelism, loadavg } from 'node:os';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { delay } from '#appliance/kernel/async.ts';
import { Instance } from '#test/support/instance.ts';
import { auditFloor } from './support/audit-floor.ts';
import { Load, type Round, TALKING, WAITING } from './support/load.ts';
import { type Part, Processes, signal } from './support/processes.ts';
import { conversations, fatal, killAndReturn, places, served, untilReady } from './support/situation.ts';

/** What comes late, such as a call ended by mistake after the return, comes within this. */
const AFTERMATH_MS = 700;

let instance: Instance;
let load: Load;
let processes: Processes;
let round: Round;
let waiting: Awaited<ReturnType<typeof places>>;
let talks: unknown[];

/** All calls of this file are up all the time, through one crash after another. */
beforeAll(async () => {
  instance = await new Instance(6500).start();
  processes = new Processes(instance);
  load = await new Load(instance).prepare();
  round = await load.begin();
  waiting = await places(instance);
  talks = await conversations(instance);
  await delay(2000);
});
afterAll(async () => {
  await load?.close();
  await instance?.stop();
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

it('kill -9 of the switch in the middle of all its audio: the one that stood by goes on', async () => {
  const old = processes.switchPid();
  signal(old, 'SIGKILL');
  await expect.poll(() => processes.switchPid(), { timeout: 10_000 }).not.toBe(old);
  await undisturbed();
});

it('the switch stands still in the middle of all its audio: it is replaced, no call notices', async () => {
  const old = processes.switchPid();
  signal(old, 'SIGSTOP');
  await expect.poll(() => processes.switchPid(), { timeout: 20_000 }).not.toBe(old);
  await undisturbed();
});

it.for<Part>(['web', 'work', 'redis', 'rtpengine', 'postgres', 'voice', 'media'])(
  'kill -9 of %s: no call notices',
  async (part) => {
    await killAndReturn(instance, processes, part);
    await undisturbed();
  },
);

it('voice, PostgreSQL and Redis die at once: no call notices', async () => {
  const old = processes.pidOf('voice');
  processes.kill('postgres');
  processes.kill('redis');
  await killAndReturn(instance, processes, 'voice');
  expect(processes.pidOf('voice')).not.toBe(old);
  await undisturbed();
});

it('an upgrade restarts every role in turn: not one call is lost', async () => {
  for (const part of ['work', 'web', 'voice', 'media'] as const) {
    const old = processes.pidOf(part);
    signal(old, 'SIGTERM');
    await expect.poll(() => processes.isNew(part, old), { timeout: 30_000 }).toBe(true);
    await untilReady(instance, processes, part);
    await undisturbed();
  }
});

it('in the end every call is whole: order of the queue, segments, offers, reports, recordings', async () => {
  expect(await load.end(round), 'what the phones saw').toBe('');
  expect(await served(instance, waiting), 'who came first is served first').toEqual(
    waiting.map(({ interactionId }) => interactionId),
  );
  expect(await auditFloor(instance, { sam: load.sam, gapsS: 10 })).toEqual([]);
  expect(fatal(instance)).toBe('');

  const { rows } = await instance.db.raw<{ rows: { gaps: { lengthS: number; why: string }[] }[] }>(
    `select data -> 'gaps' as gaps from interaction_event where type = 'recording-ready' and data ? 'gaps'`.replace(
      '?',
      '\\?',
    ),
  );
  expect(rows.length, 'the holes are marked').toBe(TALKING);
  // On a machine with more to do than it can, the one who stands by is woken late.
  const slackS = Math.max(0, loadavg()[0]! / availableParallelism() - 1) * 0.1;
  for (const { gaps } of rows) expect(gaps[0]!.lengthS, 'a switch with one standing by').toBeLessThan(0.4 + slackS);
});
