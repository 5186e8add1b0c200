/** What the browser counted on a call's incoming audio, growing from the start of the call. */
export interface AudioCounts {
  received: number;
  lost: number;
  jitterS: number;
  roundTripS: number | undefined;
}

export type QualityProblem = 'loss' | 'jitter' | 'delay' | 'silence';

/** Limits from ITU-T G.107 and G.114: below these a listener does not notice. */
const LOSS_SHARE = 0.03;
const JITTER_S = 0.04;
const ROUND_TRIP_S = 0.4;

/** What a listener would complain about, between two looks some seconds apart. */
export function qualityProblem(before: AudioCounts, now: AudioCounts): QualityProblem | undefined {
  const received = now.received - before.received;
  const lost = Math.max(0, now.lost - before.lost);
  if (received === 0) return 'silence';
  if (lost / (lost + received) > LOSS_SHARE) return 'loss';
  if (now.jitterS > JITTER_S) return 'jitter';
  if ((now.roundTripS ?? 0) > ROUND_TRIP_S) return 'delay';
  return undefined;
}

export async function audioCounts(connection: RTCPeerConnection): Promise<AudioCounts | undefined> {
  const counts: AudioCounts = { received: 0, lost: 0, jitterS: 0, roundTripS: undefined };
  let found = false;
  for (const report of (await connection.getStats()).values() as IterableIterator<Record<string, unknown>>) {
    if (report.type === 'inbound-rtp' && report.kind === 'audio') {
      found = true;
      counts.received = number(report.packetsReceived);
      counts.lost = number(report.packetsLost);
      counts.jitterS = number(report.jitter);
    } else if (report.type === 'candidate-pair' && report.nominated === true) {
      counts.roundTripS = number(report.currentRoundTripTime);
    }
  }
  return found ? counts : undefined;
}

function number(value: unknown): number {
  return typeof value === 'number' ? value : 0;
}
