// Loaded into every Node process of an instance under measurement: at SIGUSR2 it collects garbage and writes down what is left.
import { renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { isMainThread } from 'node:worker_threads';

export interface Probe {
  heapMib: number;
  externalMib: number;
  /** What the heap keeps of the system's memory, filled or not. */
  heapHeldMib: number;
  /** Timers, sockets and whatever else keeps an event loop busy, by kind. */
  resources: Record<string, number>;
}

const dir = process.env.STRONGROOM_BENCH_PROBES;
if (dir && isMainThread) process.on('SIGUSR2', () => write(dir));

function write(into: string): void {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  for (let i = 0; i < 3; i++) collect();
  const { heapUsed, heapTotal, external } = process.memoryUsage();
  const resources: Record<string, number> = {};
  for (const kind of process.getActiveResourcesInfo()) resources[kind] = (resources[kind] ?? 0) + 1;
  const probe: Probe = {
    heapMib: heapUsed / 2 ** 20,
    externalMib: external / 2 ** 20,
    heapHeldMib: heapTotal / 2 ** 20,
    resources,
  };
  const file = join(into, `${process.pid}.json`);
  writeFileSync(`${file}.new`, JSON.stringify(probe));
  renameSync(`${file}.new`, file);
}
