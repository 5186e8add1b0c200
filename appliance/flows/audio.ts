// Sound as prompts are made of: 8 kHz, one channel, 16-bit samples in memory, A-law (ITU-T G.711) on disk. Pure.

export const RATE = 8000;

/** Active speech level of prompts in dB below full scale; music stays behind speech. */
export const SPEECH_DB = -20;
export const MUSIC_DB = -28;

const TO_LINEAR = Int16Array.from({ length: 256 }, (_, byte) => {
  const a = byte ^ 0x55;
  const exponent = (a >> 4) & 7;
  const mantissa = ((a & 0xf) << 4) + 8;
  const magnitude = exponent === 0 ? mantissa : (mantissa + 0x100) << (exponent - 1);
  return a & 0x80 ? magnitude : -magnitude;
});

export function encodeAlaw(samples: Int16Array): Buffer {
  const bytes = Buffer.allocUnsafe(samples.length);
  for (let index = 0; index < samples.length; index++) {
    const sample = samples[index]!;
    const magnitude = Math.min(32_635, sample < 0 ? -sample - 1 : sample);
    const exponent = Math.max(0, 24 - Math.clz32(magnitude | 0xff));
    const mantissa = (magnitude >> (exponent === 0 ? 4 : exponent + 3)) & 0xf;
    bytes[index] = ((sample < 0 ? 0 : 0x80) | (exponent << 4) | mantissa) ^ 0x55;
  }
  return bytes;
}

export function decodeAlaw(bytes: Uint8Array): Int16Array {
  return Int16Array.from(bytes, (byte) => TO_LINEAR[byte]!);
}

/** A WAV file (RIFF, PCM 16 bit) that browsers play. */
export function wavOf(samples: Int16Array, channels = 1, rate = RATE): Buffer {
  const data = Buffer.from(samples.buffer, samples.byteOffset, samples.byteLength);
  const head = Buffer.alloc(44);
  head.write('RIFF', 0);
  head.writeUInt32LE(36 + data.length, 4);
  head.write('WAVEfmt ', 8);
  head.writeUInt32LE(16, 16);
  head.writeUInt16LE(1, 20);
  head.writeUInt16LE(channels, 22);
  head.writeUInt32LE(rate, 24);
  head.writeUInt32LE(rate * channels * 2, 28);
  head.writeUInt16LE(channels * 2, 32);
  head.writeUInt16LE(16, 34);
  head.write('data', 36);
  head.writeUInt32LE(data.length, 40);
  return Buffer.concat([head, data]);
}

/** Level of the parts where something is heard, in dB below full scale; -Infinity when nothing is. */
export function activeLevelDb(samples: Int16Array): number {
  const frame = RATE / 50;
  const powers: number[] = [];
  for (let start = 0; start < samples.length; start += frame) {
    const part = samples.subarray(start, start + frame);
    powers.push(part.reduce((sum, sample) => sum + sample * sample, 0) / part.length);
  }
  const loudest = powers.reduce((max, power) => Math.max(max, power), 0);
  // Pauses do not count: what is more than 25 dB under the loudest frame is one.
  const active = powers.filter((power) => power > loudest / 316 && power > 0);
  if (active.length === 0) return Number.NEGATIVE_INFINITY;
  return 10 * Math.log10(active.reduce((sum, power) => sum + power, 0) / active.length / 32_768 ** 2);
}

/** The same sound at the wanted level; peaks are bent, not cut, and near-silence is not blown up into noise. */
export function levelled(samples: Int16Array, toDb: number): Int16Array {
  const level = activeLevelDb(samples);
  if (level === Number.NEGATIVE_INFINITY) return samples;
  const gain = 10 ** (Math.min(30, toDb - level) / 20);
  return samples.map((sample) => Math.round(bend((sample * gain) / 32_768) * 32_767));
}

/** Sound at another rate: windowed sinc, cut off below the lower of both Nyquist frequencies. */
export function resampled(samples: Int16Array, from: number, to: number): Int16Array {
  if (from === to) return samples;
  const ratio = from / to;
  const cutoff = Math.min(1, to / from) * 0.92;
  const reach = Math.ceil(16 / cutoff);
  const out = new Int16Array(Math.floor(samples.length / ratio));
  for (let index = 0; index < out.length; index++) {
    const centre = index * ratio;
    const first = Math.max(0, Math.ceil(centre - reach));
    const last = Math.min(samples.length - 1, Math.floor(centre + reach));
    let sum = 0;
    for (let at = first; at <= last; at++) {
      const x = at - centre;
      const sinc = x === 0 ? cutoff : Math.sin(Math.PI * x * cutoff) / (Math.PI * x);
      sum += samples[at]! * sinc * (0.5 + 0.5 * Math.cos((Math.PI * x) / reach));
    }
    out[index] = Math.max(-32_768, Math.min(32_767, Math.round(sum)));
  }
  return out;
}

/** Without the silence before and after; 60 ms of it stay. */
export function trimmed(samples: Int16Array): Int16Array {
  const quiet = 80;
  let start = 0;
  let end = samples.length;
  while (start < end && Math.abs(samples[start]!) < quiet) start++;
  while (end > start && Math.abs(samples[end - 1]!) < quiet) end--;
  const margin = (RATE * 60) / 1000;
  return samples.subarray(Math.max(0, start - margin), Math.min(samples.length, end + margin));
}

export function durationOf(samples: { length: number }): number {
  return samples.length / RATE;
}

/** Linear up to 0.7, then towards 0.98 without a corner. */
function bend(x: number): number {
  const size = Math.abs(x);
  if (size <= 0.7) return x;
  return Math.sign(x) * (0.7 + 0.28 * Math.tanh((size - 0.7) / 0.28));
}
