// Mutated inputs for everything that reads what strangers send: no crash, no hang, no growth. The same seed makes the same inputs.
// npm run fuzz -- --count 1000000 --seed 1 [--only sip,subscribe,sdp,rtp,rtcp,stun,ng,live] [--report FILE]
import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { fuzz as fuzzSip } from '#appliance/telephony/sip/fuzz.ts';
import { fuzzTarget } from './fuzz.ts';
import { fuzzLive } from './live.ts';
import { createTargets } from './targets.ts';

const SHARES = { sip: 0.28, subscribe: 0.02, sdp: 0.2, rtp: 0.2, rtcp: 0.15, stun: 0.1, ng: 0.03, live: 0.02 } as const;
/** After the first quarter everything is warm; more than this on top of it is growth. */
const GROWTH_MIB = 80;

const { values } = parseArgs({
  options: {
    count: { type: 'string', default: '1000000' },
    seed: { type: 'string', default: '1' },
    only: { type: 'string' },
    report: { type: 'string' },
  },
});
const count = Number(values.count);
const seed = Number(values.seed);
if (!Number.isInteger(count) || count < 1 || !Number.isInteger(seed)) {
  process.stderr.write('--count and --seed are whole numbers\n');
  process.exit(2);
}
const wanted = new Set(values.only?.split(',') ?? Object.keys(SHARES));
const total = Object.entries(SHARES).reduce((sum, [name, share]) => (wanted.has(name) ? sum + share : sum), 0);
const heapMib = () => process.memoryUsage().heapUsed / 2 ** 20;
const results: {
  target: string;
  inputs: number;
  taken: number;
  seconds: number;
  grownMib: number;
  findings: { at: number; what: string; input: string }[];
}[] = [];

for (const [name, share] of Object.entries(SHARES)) {
  if (!wanted.has(name)) continue;
  const inputs = Math.round((count * share) / total);
  const started = performance.now();
  const target = createTargets().find((one) => one.name === name);
  const part = async (n: number, from: number) =>
    target
      ? fuzzTarget(target, n, from)
      : name === 'live'
        ? fuzzLive(n, from)
        : fuzzSip(n, from).then((done) => ({ taken: done.parsed, findings: done.findings }));
  const warm = await part(Math.ceil(inputs / 4), seed);
  globalThis.gc?.();
  const before = heapMib();
  const rest = await part(inputs - Math.ceil(inputs / 4), seed + 1_000_003);
  globalThis.gc?.();
  const grownMib = Math.max(0, heapMib() - before);
  const findings = [...warm.findings, ...rest.findings];
  if (globalThis.gc && grownMib > GROWTH_MIB)
    findings.push({ at: inputs, what: `memory grew by ${grownMib.toFixed(0)} MiB`, input: '' });
  const seconds = (performance.now() - started) / 1000;
  results.push({ target: name, inputs, taken: warm.taken + rest.taken, seconds, grownMib, findings });
  process.stdout.write(
    `${name.padEnd(5)} ${String(inputs).padStart(8)} inputs  ${String(warm.taken + rest.taken).padStart(8)} taken  ${findings.length} findings  ${seconds.toFixed(1)} s  +${grownMib.toFixed(1)} MiB\n`,
  );
  for (const { at, what, input } of findings.slice(0, 5))
    process.stdout.write(`  input ${at}: ${what}\n  ${JSON.stringify(input.slice(0, 1000))}\n`);
}

const found = results.reduce((sum, { findings }) => sum + findings.length, 0);
if (values.report)
  writeFileSync(values.report, `${JSON.stringify({ seed, count, node: process.version, results }, undefined, 2)}\n`);
process.stdout.write(`seed ${seed}: ${found === 0 ? 'no finding' : `${found} findings`}\n`);
process.exitCode = found > 0 ? 1 : 0;
