import { performance } from 'node:perf_hooks';

const OFFSET = Number(process.hrtime.bigint()) / 1e6 - performance.now();

/** Milliseconds on CLOCK_MONOTONIC: comparable between threads, and between a process and its successor of the same boot. */
export function monoMs(): number {
  return performance.now() + OFFSET;
}
