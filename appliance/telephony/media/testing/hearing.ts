// Listens to a rendered recording.
import type { Rendering } from '../render.ts';
import { loudness } from './phone.ts';

export interface Stereo {
  left: Int16Array;
  right: Int16Array;
}

export async function stereoOf(rendering: Rendering): Promise<Stereo> {
  const parts: Buffer[] = [];
  for await (const part of rendering.pcm()) parts.push(part);
  const all = Buffer.concat(parts);
  const pairs = new Int16Array(all.buffer, all.byteOffset, all.length / 2);
  return {
    left: Int16Array.from({ length: pairs.length / 2 }, (_, i) => pairs[2 * i]!),
    right: Int16Array.from({ length: pairs.length / 2 }, (_, i) => pairs[2 * i + 1]!),
  };
}

/** Which of the tones are in a stretch of seconds. */
export function heardIn(samples: Int16Array, fromS: number, toS: number, among: number[]): string {
  const from = Math.round(fromS * 8000);
  const to = Math.min(samples.length, Math.round(toS * 8000));
  return among.filter((hz) => loudness(samples, hz, from, to) > 1200).join('+') || 'silence';
}

/** The loudest 50 ms of a tone anywhere in it. */
export function peakOf(samples: Int16Array, hz: number): number {
  let peak = 0;
  for (let at = 0; at + 400 <= samples.length; at += 200) peak = Math.max(peak, loudness(samples, hz, at, at + 400));
  return peak;
}
