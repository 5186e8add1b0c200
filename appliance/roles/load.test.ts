import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { systemClock } from '#appliance/kernel/clock.ts';
import { silentLog } from '#appliance/platform/log/index.ts';
import { createLoadGate, type Refusal } from './load.ts';

const batch = { tookMs: () => 0, stuckMs: () => 0 };
let refused: (Refusal | undefined)[];
let unwritten: boolean[];
let gate: ReturnType<typeof createLoadGate>;

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
  refused = [];
  unwritten = [];
  gate = createLoadGate({
    batch,
    clock: systemClock,
    log: silentLog,
    refused: (why) => refused.push(why),
    unwritten: (is) => unwritten.push(is),
  });
  gate.start();
});
afterEach(() => {
  gate.stop();
  vi.useRealTimers();
});

test('a call for which no port is left is refused, and counted as that', () => {
  expect(gate.take(true)).toBe(true);
  expect(gate.take(false)).toBe(false);
  expect(refused).toEqual(['ports']);
});

test('while the database takes nothing no new call is taken', () => {
  const stuckMs = vi.spyOn(batch, 'stuckMs').mockReturnValue(1500);
  expect(gate.take(true)).toBe(true);
  stuckMs.mockReturnValue(2500);
  expect([gate.take(true), gate.take(true)]).toEqual([false, false]);
  stuckMs.mockReturnValue(0);
  expect(gate.take(true)).toBe(true);
  expect(refused).toEqual(['database', 'database']);
});

test('rows that wait long are told, and that they are written', () => {
  vi.spyOn(batch, 'stuckMs').mockReturnValue(9000);
  vi.advanceTimersByTime(1000);
  expect(unwritten).toEqual([]);
  vi.spyOn(batch, 'stuckMs').mockReturnValue(11_000);
  vi.advanceTimersByTime(1000);
  vi.spyOn(batch, 'stuckMs').mockReturnValue(0);
  vi.advanceTimersByTime(1000);
  expect(unwritten).toEqual([true, false]);
});

test('some time after the last refusal the trouble is over, and that is said once', () => {
  gate.take(false);
  vi.advanceTimersByTime(5000);
  gate.take(false);
  vi.advanceTimersByTime(9000);
  expect(refused).toEqual(['ports', 'ports']);
  vi.advanceTimersByTime(30_000);
  expect(refused).toEqual(['ports', 'ports', undefined]);
});

test('past what can be done in time calls are refused, but never the only one', () => {
  vi.spyOn(batch, 'tookMs').mockReturnValue(5000);
  vi.advanceTimersByTime(3000);
  const taken = Array.from({ length: 100 }, () => gate.take(true));
  expect(taken.filter(Boolean)).toHaveLength(10);
  expect(refused).toEqual(Array.from({ length: 90 }, () => 'load'));
});
