import { generator } from './random.ts';
import type { Target } from './targets.ts';

/** An input slower than this is a finding, when it is slow each time. */
const SLOW_MS = 50;
const MAX_FINDINGS = 100;

export interface Fuzzed {
  taken: number;
  findings: { at: number; what: string; input: string }[];
}

export async function fuzzTarget(target: Target, count: number, seed: number): Promise<Fuzzed> {
  const random = generator(seed);
  const result: Fuzzed = { taken: 0, findings: [] };
  for (let at = 0; at < count && result.findings.length < MAX_FINDINGS; at++) {
    const input = target.make(random);
    let what: string | undefined;
    const started = performance.now();
    try {
      if (target.feed(input)) result.taken++;
    } catch (error) {
      what = String(error instanceof Error ? error.stack : error);
    }
    if (!what && performance.now() - started > SLOW_MS) {
      const best = fastestMs(target, input);
      if (best > SLOW_MS) what = `took ${best.toFixed(0)} ms`;
    }
    if (what) result.findings.push({ at, what, input: input.toString('latin1') });
    if (at % 20_000 === 0) await new Promise(setImmediate);
  }
  return result;
}

function fastestMs(target: Target, input: Buffer): number {
  let best = Number.POSITIVE_INFINITY;
  for (let i = 0; i < 5; i++) {
    // The processor's time: a busy machine is no finding.
    const before = process.cpuUsage();
    target.feed(input);
    const { user, system } = process.cpuUsage(before);
    best = Math.min(best, (user + system) / 1000);
  }
  return best;
}
