// Where on the common time line each frame belongs. The sender's timestamps give the spacing (no jitter in the result); the lower
// envelope of (arrival - timestamp) gives the place, and follows a sender whose clock is not ours.
import type { FrameList } from './frame-list.ts';

export interface Placement {
  /** Frame indexes in the order of their place; duplicates left out. */
  order: Uint32Array;
  /** First sample of the frame `order[i]`. */
  place: Int32Array;
  /** 20 ms frames missing between the first and the last of each run. */
  lost: number;
  /** Stretches of one clock: a new source or a jump begins another. */
  runs: number;
  /** How often the place was corrected for drift. */
  moved: number;
}

const WINDOW_TICKS = 16_000;
const DRIFT_TICKS = 80;
const JUMP_TICKS = 1600;
const MAX_SEQ_STEP = 3000;

export function placeFrames(frames: FrameList): Placement {
  const order = new Uint32Array(frames.length);
  const place = new Int32Array(frames.length);
  const result: Placement = { order, place, lost: 0, runs: 0, moved: 0 };
  const extended = new Float64Array(frames.length);
  let count = 0;
  let from = 0;
  for (let i = 1; i <= frames.length; i++) {
    if (i < frames.length && sameClock(frames, i)) {
      extended[i] = extended[i - 1]! + ((frames.ts(i) - frames.ts(i - 1)) | 0);
      continue;
    }
    count = placeRun(frames, extended, from, i, result, count);
    from = i;
  }
  result.order = order.subarray(0, count);
  result.place = place.subarray(0, count);
  return result;
}

function sameClock(frames: FrameList, i: number): boolean {
  const byClock = (frames.ts(i) - frames.ts(i - 1)) | 0;
  const byArrival = frames.at(i) - frames.at(i - 1);
  const step = ((frames.seq(i) - frames.seq(i - 1)) << 16) >> 16;
  return Math.abs(byClock - byArrival) <= JUMP_TICKS && Math.abs(step) <= MAX_SEQ_STEP;
}

function placeRun(
  frames: FrameList,
  extended: Float64Array,
  from: number,
  to: number,
  result: Placement,
  start: number,
): number {
  const { order, place } = result;
  result.runs++;
  const run = Uint32Array.from({ length: to - from }, (_, k) => from + k);
  if (!ascending(extended, from, to)) run.sort((a, b) => extended[a]! - extended[b]!);
  const first = extended[run[0]!]!;
  const envelope: number[] = [];
  for (const i of run) {
    const window = Math.floor((extended[i]! - first) / WINDOW_TICKS);
    const offset = frames.at(i) - extended[i]!;
    envelope[window] = Math.min(envelope[window] ?? Number.POSITIVE_INFINITY, offset);
  }
  let offset = envelope[0]!;
  let count = start;
  let end = -1;
  let before = Number.NEGATIVE_INFINITY;
  for (const i of run) {
    if (extended[i] === before) continue;
    before = extended[i]!;
    const wanted = envelope[Math.floor((before - first) / WINDOW_TICKS)] ?? offset;
    if (Math.abs(wanted - offset) > DRIFT_TICKS) {
      offset = wanted;
      result.moved++;
    }
    const at = Math.round(before + offset);
    if (end >= 0 && at - end >= DRIFT_TICKS) result.lost += Math.round((at - end) / 160);
    order[count] = i;
    place[count++] = at;
    end = at + frames.ticks(i);
  }
  return count;
}

function ascending(values: Float64Array, from: number, to: number): boolean {
  for (let i = from + 1; i < to; i++) if (values[i]! < values[i - 1]!) return false;
  return true;
}
