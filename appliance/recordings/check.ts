import type { Analysis } from './analyse.ts';
import type { PauseMark, RecordingRow } from './types.ts';

const LENGTH_OFF_S = 2;
const LENGTH_OFF_SHARE = 0.02;
/** Shorter than this, somebody may just have listened. */
const SILENCE_COUNTS_FROM_S = 10;
const SILENT_SHARE = 0.995;

export interface Check {
  lengthOffS: number | null;
  silent: boolean;
  wrong: { kind: 'length' | 'silent'; text: string }[];
}

/** Whether a finished file can be the call it belongs to: as long as that was, and with somebody to be heard on each side. Pure. */
export function checkAgainstCall(
  row: Pick<RecordingRow, 'startedAt' | 'endedAt' | 'layout' | 'pauses'>,
  file: Pick<Analysis, 'durationS' | 'silenceLeft' | 'silenceRight'>,
): Check {
  const wrong: Check['wrong'] = [];
  const callS = row.endedAt ? (row.endedAt.getTime() - row.startedAt.getTime()) / 1000 : null;
  const lengthOffS = callS === null ? null : Math.round((file.durationS - callS) * 1000) / 1000;
  if (
    callS !== null &&
    lengthOffS !== null &&
    Math.abs(lengthOffS) > Math.max(LENGTH_OFF_S, callS * LENGTH_OFF_SHARE)
  ) {
    wrong.push({
      kind: 'length',
      text: `A recording is ${Math.round(file.durationS)} s long, the call was ${Math.round(callS)} s.`,
    });
  }
  const heardS = file.durationS - pausedS(row.pauses, row.endedAt);
  const sides = [
    { name: 'customer', silence: file.silenceLeft, expected: true },
    { name: 'agent', silence: file.silenceRight, expected: row.layout.some(({ side }) => side === 'right') },
  ];
  const mute =
    heardS < SILENCE_COUNTS_FROM_S ? [] : sides.filter(({ silence, expected }) => expected && silence >= SILENT_SHARE);
  for (const { name } of mute)
    wrong.push({
      kind: 'silent',
      text: `A recording of ${Math.round(file.durationS)} s holds no sound of the ${name}.`,
    });
  return { lengthOffS, silent: mute.length > 0, wrong };
}

/** Time with at least one pause running. */
function pausedS(pauses: PauseMark[], endedAt: Date | null): number {
  const spans = pauses
    .map(({ from, to }) => [Date.parse(from), to ? Date.parse(to) : (endedAt?.getTime() ?? Date.parse(from))] as const)
    .sort(([a], [b]) => a - b);
  let total = 0;
  let reached = Number.NEGATIVE_INFINITY;
  for (const [from, to] of spans) {
    total += Math.max(0, to - Math.max(from, reached));
    reached = Math.max(reached, to);
  }
  return total / 1000;
}
