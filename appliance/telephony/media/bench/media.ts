// CPU of the switch per second of a bridged call, recorded and not.
//   node appliance/telephony/media/bench/media.ts [calls 50] [seconds 8] [workers 1]
import { type ChildProcess, fork } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { wait } from '../testing/phone.ts';
import { testSwitch } from '../testing/switch.ts';
import type { GeneratorResult } from './generator.ts';

const [calls = 50, seconds = 8, workers = 1] = process.argv.slice(2).map(Number);
const TICK_MS = 10; // USER_HZ is 100

for (const recorded of [false, true]) {
  const rig = await testSwitch(22_600, { legs: calls * 2, workers, ports: { first: 20_000, last: 23_999 } });
  const generator = fork(new URL('generator.ts', import.meta.url), [String(calls * 2)]);
  const own = await reply<number[]>(generator);
  const targets: number[] = [];
  for (let i = 0; i < calls; i++) {
    const legs = [`a${i}`, `b${i}`] as const;
    for (const [k, leg] of legs.entries()) {
      const remote = { address: '127.0.0.1', port: own[2 * i + k]! };
      const near = k ? { near: legs[0] } : {};
      targets.push((await rig.media.createLeg({ leg, codec: 'PCMA', telephoneEvent: 101, remote, ...near })).port);
    }
    await rig.media.route([
      { leg: legs[0], hear: { kind: 'leg', leg: legs[1] } },
      { leg: legs[1], hear: { kind: 'leg', leg: legs[0] } },
    ]);
    if (!recorded) continue;
    const streams = legs.map((leg, stream) => ({ leg, stream }));
    await rig.media.startRecording({
      recording: `r${i}`,
      file: join(rig.dir, 'recordings', `${i}.rg7`),
      legs: streams,
    });
  }
  generator.send({ targets, seconds: seconds + 2 });
  const result = reply<GeneratorResult>(generator);
  await wait(1500);
  const pid = rig.holder.activePid!;
  const before = cpuMs(pid);
  const startMs = performance.now();
  await wait(seconds * 1000);
  const usedMs = cpuMs(pid) - before;
  const elapsedS = (performance.now() - startMs) / 1000;
  const { sent, received, seqBreaks, ssrcChanges, latencyUs, maxGapMs } = await result;
  const line = {
    calls,
    workers,
    recorded,
    cpuPct: round(usedMs / elapsedS / 10),
    cpuMsPerCallSecond: round(usedMs / elapsedS / calls),
    lost: sent - received,
    seqBreaks,
    ssrcChanges,
    latencyUs,
    maxGapMs: round(maxGapMs),
    rssMb: Math.round(rssMb(pid)),
  };
  process.stdout.write(`${JSON.stringify(line)}\n`);
  await rig.close();
}

function reply<T>(child: ChildProcess): Promise<T> {
  return new Promise((resolve) => {
    child.once('message', (message) => resolve(message as T));
  });
}

function cpuMs(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'latin1').split(') ')[1]!.split(' ');
  return (Number(fields[11]) + Number(fields[12])) * TICK_MS;
}

function rssMb(pid: number): number {
  return Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))![1]) / 1024;
}

function round(value: number): number {
  return Math.round(value * 100) / 100;
}
