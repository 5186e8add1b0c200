// After many short calls every process is as it was: memory, garbage left, descriptors, threads, timers, connections, ports.
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { delay } from '#appliance/kernel/async.ts';
import { createMediaClient } from '#appliance/telephony/media/index.ts';
import type { BenchInstance } from './bench-instance.ts';
import type { Probe } from './probe.ts';
import { processesOf, type Usage } from './processes.ts';

interface State extends Usage, Partial<Probe> {}

interface Left {
  legs: number;
  recordings: number;
  callLegs: number;
  liveInteractions: number;
  openSegments: number;
  connections: number;
}

const PROBE_WITHIN_MS = 10_000;
const ALLOWED_GROWTH = 1.1;
/** Of a small process ten percent are nothing. */
const ALLOWED_MIB = 12;
const ALLOWED_HEAP_MIB = 4;
const ALLOWED_RESOURCES = 3;

/** The environment of an instance that can be asked. */
export function probes(): { dir: string; env: Record<string, string> } {
  const dir = mkdtempSync(join(tmpdir(), 'strongroom-probes-'));
  const probe = new URL('probe.ts', import.meta.url).href;
  return { dir, env: { STRONGROOM_BENCH_PROBES: dir, NODE_OPTIONS: `--import=${probe}` } };
}

/** @returns what is not as it was, in words; nothing when all is well. */
export async function leaks(
  instance: BenchInstance,
  probeDir: string,
  run: () => Promise<void>,
  print: (what: string, figures: Record<string, unknown>) => void,
): Promise<string[]> {
  const before = await stateOf(instance, probeDir);
  const held = await leftBehind(instance);
  await run();
  const after = await stateOf(instance, probeDir);
  const left = await leftBehind(instance);
  const found: string[] = [];
  for (const [name, now] of after) {
    const was = before.get(name);
    if (!was) {
      found.push(`${name} is new`);
      continue;
    }
    const kinds = new Set([...Object.keys(was.resources ?? {}), ...Object.keys(now.resources ?? {})]);
    const resources: Record<string, [number, number]> = {};
    for (const kind of kinds) {
      const pair: [number, number] = [was.resources?.[kind] ?? 0, now.resources?.[kind] ?? 0];
      resources[kind] = pair;
      if (pair[1] > pair[0] + ALLOWED_RESOURCES) found.push(`${name}: ${kind} ${pair.join(' → ')}`);
    }
    print('leak', {
      process: name,
      memoryMib: [Math.round(was.memoryMib), Math.round(now.memoryMib)],
      ...(now.heapMib ? { heapMib: pair(was, now, 'heapMib'), heapHeldMib: pair(was, now, 'heapHeldMib') } : {}),
      descriptors: [was.descriptors, now.descriptors],
      threads: [was.threads, now.threads],
      ...(kinds.size ? { resources } : {}),
    });
    if (now.memoryMib > Math.max(was.memoryMib * ALLOWED_GROWTH, was.memoryMib + ALLOWED_MIB))
      found.push(`${name}: memory ${was.memoryMib.toFixed(0)} → ${now.memoryMib.toFixed(0)} MiB`);
    if (now.heapMib && was.heapMib && now.heapMib > was.heapMib + ALLOWED_HEAP_MIB)
      found.push(`${name}: heap after collection ${was.heapMib.toFixed(1)} → ${now.heapMib.toFixed(1)} MiB`);
    // PostgreSQL keeps files open that it may need again, up to max_files_per_process.
    if (name !== 'postgres' && now.descriptors > was.descriptors + ALLOWED_RESOURCES)
      found.push(`${name}: descriptors ${was.descriptors} → ${now.descriptors}`);
    if (now.threads > was.threads) found.push(`${name}: threads ${was.threads} → ${now.threads}`);
  }
  print('left behind', { ...left, connections: [held.connections, left.connections] });
  const { connections, ...nothing } = left;
  for (const [what, count] of Object.entries(nothing)) if (count > 0) found.push(`${count} ${what}`);
  if (connections > held.connections + ALLOWED_RESOURCES)
    found.push(`database connections ${held.connections} → ${connections}`);
  return found;
}

function pair(was: State, now: State, key: 'heapMib' | 'heapHeldMib'): number[] {
  return [was[key] ?? 0, now[key] ?? 0].map((mib) => Number(mib.toFixed(1)));
}

/** Processes by name; those that come and go by design, as connections of PostgreSQL do, as one. */
async function stateOf({ pid }: BenchInstance, probeDir: string): Promise<Map<string, State>> {
  const found = new Map<string, State>();
  for (const { pid: one, name, node, usage } of processesOf(pid)) {
    const probe = node ? await probeOf(one, probeDir) : undefined;
    const same = found.get(name);
    // After its garbage is collected, a process shows what it really needs.
    const now = probe ? (processesOf(one)[0]?.usage ?? usage) : usage;
    if (!same) found.set(name, { ...now, ...probe });
    else for (const key of ['memoryMib', 'descriptors', 'threads'] as const) same[key] += now[key];
  }
  return found;
}

async function probeOf(pid: number, dir: string): Promise<Probe | undefined> {
  const file = join(dir, `${pid}.json`);
  rmSync(file, { force: true });
  process.kill(pid, 'SIGUSR2');
  const untilMs = performance.now() + PROBE_WITHIN_MS;
  while (!existsSync(file)) {
    if (performance.now() > untilMs) return undefined;
    await delay(50);
  }
  return JSON.parse(readFileSync(file, 'utf8')) as Probe;
}

async function leftBehind({ db, config }: BenchInstance): Promise<Left> {
  const { rows } = await db.raw(
    `select (select count(*) from call_leg) as "callLegs",
       (select count(*) from interaction where state <> 'ended') as "liveInteractions",
       (select count(*) from segment where ended_at is null) as "openSegments",
       (select count(*) from pg_stat_activity where backend_type = 'client backend') as connections`,
  );
  const media = createMediaClient({ socketPath: config.paths.mediaSocket, log: { warn: () => {} } });
  await media.start();
  const { legs, recordings } = await media.list();
  await media.stop();
  return { legs: legs.length, recordings: recordings.length, ...rows[0] };
}
