import { open } from 'node:fs/promises';

export interface Analysis {
  durationS: number;
  /** Left then right, one byte per slice: the loudest sample of the slice, 0-255. */
  peaks: Buffer;
  peaksPerSide: number;
  /** Share of the time without sound, 0-1. */
  silenceLeft: number;
  silenceRight: number;
}

const MOST_PEAKS = 4000;
const PEAKS_PER_S = 10;
/** Quieter than this (-50 dB below full scale) nobody speaks. */
const QUIET = 104;
const READ_BYTES = 1 << 20;

/** Waveform and silence of a stereo 16-bit WAV, read in pieces. */
export async function analyseWav(path: string): Promise<Analysis> {
  const file = await open(path, 'r');
  try {
    const { rate, start, bytes } = await wavLayout(file);
    const frames = Math.floor(bytes / 4);
    const durationS = frames / rate;
    const peaksPerSide = Math.max(1, Math.min(MOST_PEAKS, Math.ceil(durationS * PEAKS_PER_S)));
    const loudest = [new Uint16Array(peaksPerSide), new Uint16Array(peaksPerSide)] as const;
    const slice = Math.max(1, Math.round(rate / 10));
    const slices = Math.ceil(frames / slice);
    const quiet: [number, number] = [0, 0];
    let sliceMax: [number, number] = [0, 0];
    let frame = 0;
    const buffer = Buffer.alloc(READ_BYTES);
    while (frame < frames) {
      const { bytesRead } = await file.read(buffer, 0, Math.min(READ_BYTES, (frames - frame) * 4), start + frame * 4);
      const whole = Math.floor(bytesRead / 4);
      if (whole === 0) break;
      for (let index = 0; index < whole; index++, frame++) {
        const peak = Math.min(peaksPerSide - 1, Math.floor((frame * peaksPerSide) / frames));
        for (const side of [0, 1] as const) {
          const value = Math.abs(buffer.readInt16LE(index * 4 + side * 2));
          if (value > loudest[side][peak]!) loudest[side][peak] = value;
          if (value > sliceMax[side]) sliceMax[side] = value;
        }
        if ((frame + 1) % slice === 0 || frame + 1 === frames) {
          for (const side of [0, 1] as const) if (sliceMax[side] < QUIET) quiet[side]++;
          sliceMax = [0, 0];
        }
      }
    }
    const peaks = Buffer.from(
      [...loudest[0], ...loudest[1]].map((value) => Math.min(255, Math.round((value * 255) / 32_768))),
    );
    return {
      durationS,
      peaks,
      peaksPerSide,
      silenceLeft: slices ? quiet[0] / slices : 1,
      silenceRight: slices ? quiet[1] / slices : 1,
    };
  } finally {
    await file.close();
  }
}

async function wavLayout(
  file: Awaited<ReturnType<typeof open>>,
): Promise<{ rate: number; start: number; bytes: number }> {
  const { size } = await file.stat();
  const head = Buffer.alloc(4096);
  await file.read(head, 0, head.length, 0);
  if (head.toString('latin1', 0, 4) !== 'RIFF') throw new Error('the rendered recording is no WAV file');
  let rate = 8000;
  for (let at = 12; at + 8 <= head.length; ) {
    const id = head.toString('latin1', at, at + 4);
    const length = head.readUInt32LE(at + 4);
    if (id === 'fmt ') {
      rate = head.readUInt32LE(at + 12);
      if (head.readUInt16LE(at + 10) !== 2 || head.readUInt16LE(at + 22) !== 16)
        throw new Error('the rendered recording is not 16-bit stereo');
    }
    if (id === 'data') return { rate, start: at + 8, bytes: Math.min(length, size - at - 8) };
    at += 8 + length + (length % 2);
  }
  throw new Error('the rendered recording holds no sound');
}
