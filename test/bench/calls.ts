// npm run bench:calls: what a call costs, everything counted, with sipp as carrier and as agents. Prints one line a figure.
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { delay } from '#appliance/kernel/async.ts';
import { BenchInstance } from './bench-instance.ts';
import { leaks, probes } from './leak.ts';
import { cpuSecondsOf, residentMibOf } from './processes.ts';
import { answerTimes, freeTimes, percentile } from './sipp-log.ts';

const { values } = parseArgs({
  options: {
    rates: { type: 'string', default: '20,50,100,150,200' },
    secs: { type: 'string', default: '10' },
    calls: { type: 'string', default: '50' },
    leak: { type: 'string', default: '10000' },
    'leak-rate': { type: 'string', default: '60' },
    only: { type: 'string', default: 'rate,hold,free,leak' },
    port: { type: 'string', default: '26660' },
  },
});
const SIP_PORT = Number(values.port);
const AGENT_PORT = SIP_PORT + 10;
const CALLER_PORT = SIP_PORT + 20;
// Below the ports that the kernel gives out by itself, and not those that the product has by default.
const AGENT_MEDIA = String(SIP_PORT + 1280);
const CALLER_MEDIA = String(SIP_PORT + 1290);
const TALK_MS = 2000;
/** Transactions of RFC 3261 live 32 s at most over UDP; connections of a pool that rest close after 60 s. */
const AFTERMATH_MS = 70_000;
const secs = Number(values.secs);
const wanted = new Set(values.only.split(','));
const work = mkdtempSync(join(tmpdir(), 'strongroom-calls-'));
writeFileSync(join(work, 'tone.alaw'), Buffer.from(Array.from({ length: 80_000 }, (_, n) => (n * 7919) & 0xff)));
const scenario = (name: string) => join(import.meta.dirname, 'scenarios', `${name}.xml`);

function sipp(name: string, port: number, args: string[]): ChildProcess {
  const common = [
    '-nostdin',
    '-sf',
    scenario(name),
    '-i',
    '127.0.0.1',
    '-p',
    String(port),
    '-l',
    '15000',
    '-timer_resol',
    '2',
  ];
  return spawn('sipp', [...common, ...args], { cwd: work, stdio: 'ignore' });
}

function instanceOf(agents: number, env: Record<string, string> = {}, rtpPorts = '20000-23999'): BenchInstance {
  return new BenchInstance({
    agents,
    agentAddress: { host: '127.0.0.1', port: AGENT_PORT },
    sipPort: SIP_PORT,
    servicePorts: SIP_PORT + 30,
    rtpPorts,
    edgePorts: '24000-24199',
    workers: 2,
    quiet: true,
    env,
  });
}

async function instanceFor<T>(agents: number, run: (instance: BenchInstance) => Promise<T>): Promise<T> {
  const instance = instanceOf(agents);
  try {
    await instance.start();
    return await run(instance);
  } finally {
    await instance.stop();
  }
}

/** `count` calls at `rate` into a line; resolves when sipp has seen the last of them or gave up. */
async function calls(
  line: string,
  rate: number,
  count: number,
  limitS: number,
): Promise<{ ok: number; answerMs: number[] }> {
  const agents = sipp('agent', AGENT_PORT, ['-d', String(TALK_MS), '-mp', AGENT_MEDIA]);
  await delay(500);
  const stat = join(work, `stat-${Math.round(performance.now())}.csv`);
  const callers = sipp('caller', CALLER_PORT, [
    ...[
      '-mp',
      CALLER_MEDIA,
      '-s',
      line,
      '-r',
      String(rate),
      '-m',
      String(count),
      '-trace_stat',
      '-stf',
      stat,
      '-fd',
      '1',
    ],
    ...['-trace_rtt', '-rtt_freq', '1'],
    `127.0.0.1:${SIP_PORT}`,
  ]);
  const gone = new Promise((resolve) => callers.once('exit', resolve));
  await Promise.race([gone, delay(limitS * 1000)]);
  callers.kill('SIGKILL');
  await delay(1000);
  agents.kill('SIGKILL');
  await delay(200);
  const [head = '', ...rows] = readFileSync(stat, 'utf8').trim().split('\n');
  const at = head.split(';').indexOf('SuccessfulCall(C)');
  const times = join(work, `caller_${callers.pid}_rtt.csv`);
  return {
    ok: Number(rows.at(-1)?.split(';')[at] ?? 0),
    answerMs: existsSync(times) ? answerTimes(readFileSync(times, 'utf8')) : [],
  };
}

function print(what: string, figures: Record<string, unknown>): void {
  process.stdout.write(`${JSON.stringify({ what, ...figures })}\n`);
}

const round = (value: number, digits = 2) => Number(value.toFixed(digits));

async function rates(): Promise<void> {
  await instanceFor(400, async ({ pid }) => {
    await calls('sales', 20, 400, 60); // compiled and cached
    let sustained = 0;
    for (const rate of values.rates.split(',').map(Number)) {
      const count = Math.round(rate * secs);
      const before = cpuSecondsOf(pid);
      const { ok, answerMs } = await calls('sales', rate, count, secs + TALK_MS / 1000 + 15);
      const cpuMs = (1000 * (cpuSecondsOf(pid) - before)) / count;
      const failedPct = (100 * (count - ok)) / count;
      if (failedPct < 0.1) sustained = rate;
      print('rate', {
        rate,
        calls: count,
        failedPct: round(failedPct),
        cpuMsPerCall: round(cpuMs),
        answerMs: { p50: percentile(answerMs, 50), p99: percentile(answerMs, 99) },
        rssMib: round(residentMibOf(pid), 0),
      });
    }
    print('sustained', { callsPerSecond: sustained });
  });
}

/** CPU of calls that talk, recorded and not: G.711 both ways, echoed by the agents. */
async function held(): Promise<void> {
  const count = Number(values.calls);
  await instanceFor(count + 10, async ({ pid }) => {
    const idleFrom = cpuSecondsOf(pid);
    await delay(5000);
    const idlePct = (100 * (cpuSecondsOf(pid) - idleFrom)) / 5;
    for (const line of ['sales', 'salesrec']) {
      const agents = sipp('agent-echo', AGENT_PORT, ['-rtp_echo', '-mp', AGENT_MEDIA]);
      await delay(500);
      const holdMs = count * 100 + (secs + 5) * 1000;
      const callers = sipp('caller-echo', CALLER_PORT, [
        ...['-mp', CALLER_MEDIA, '-s', line, '-r', '10', '-m', String(count), '-d', String(holdMs)],
        `127.0.0.1:${SIP_PORT}`,
      ]);
      await delay(count * 100 + 4000);
      const before = cpuSecondsOf(pid);
      const from = performance.now();
      await delay(secs * 1000);
      const pct = (100 * (cpuSecondsOf(pid) - before)) / ((performance.now() - from) / 1000);
      print('held', {
        line,
        calls: count,
        cpuPctPerCall: round(pct / count, 3),
        idlePct: round(idlePct, 1),
        cpuPctPerCallMarginal: round((pct - idlePct) / count, 3),
      });
      const gone = new Promise((resolve) => callers.once('exit', resolve));
      await Promise.race([gone, delay(holdMs + 10_000)]);
      callers.kill('SIGKILL');
      agents.kill('SIGKILL');
      await delay(1000);
    }
  });
}

/** From an agent's BYE to the INVITE of the next caller who waits: 20 agents, 60 callers at all times. */
async function freed(): Promise<void> {
  await instanceFor(20, async () => {
    const log = join(work, 'agents.log');
    const agents = sipp('agent', AGENT_PORT, ['-d', '1500', '-mp', AGENT_MEDIA, '-trace_msg', '-message_file', log]);
    await delay(500);
    const callers = sipp('caller', CALLER_PORT, [
      ...['-mp', CALLER_MEDIA, '-s', 'sales', '-r', '100', '-m', '1000000', '-l', '60'],
      `127.0.0.1:${SIP_PORT}`,
    ]);
    await delay((secs + 5) * 1000);
    callers.kill('SIGKILL');
    agents.kill('SIGKILL');
    const ms = freeTimes(readFileSync(log, 'utf8'));
    print('agent free to next INVITE', {
      samples: ms.length,
      ms: { p50: percentile(ms, 50), p99: percentile(ms, 99) },
    });
  });
}

/** After many short calls every process is as it was; else this program ends with 1. */
async function leak(): Promise<void> {
  const count = Number(values.leak);
  const rate = Number(values['leak-rate']);
  const { dir, env } = probes();
  const run = (calling: number) => calls('prompt', rate, calling, calling / rate + 120);
  const instance = instanceOf(50, env, `${SIP_PORT + 1340}-${SIP_PORT + 5339}`);
  try {
    await instance.start();
    // Pools filled, code compiled, what is remembered for a while full: then the figures stand still, or do not.
    await run(Math.min(3000, count));
    await delay(AFTERMATH_MS);
    const found = await leaks(
      instance,
      dir,
      async () => {
        const { ok } = await run(count);
        print('short calls', { calls: count, ok, rate });
        if (ok < 0.95 * count) throw new Error('too few calls came through: these figures say nothing');
        await delay(AFTERMATH_MS);
      },
      print,
    );
    print('verdict', found.length > 0 ? { leaks: found } : { leaks: 'none', calls: count });
    if (found.length > 0) process.exitCode = 1;
  } finally {
    await instance.stop();
    rmSync(dir, { recursive: true, force: true });
  }
}

try {
  if (wanted.has('rate')) await rates();
  if (wanted.has('hold')) await held();
  if (wanted.has('free')) await freed();
  if (wanted.has('leak')) await leak();
} finally {
  rmSync(work, { recursive: true, force: true });
}
