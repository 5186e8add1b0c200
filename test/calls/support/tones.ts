import { readFileSync, writeFileSync } from 'node:fs';

/** 16-bit mono or stereo PCM from a WAV file; channels apart. A header that was never finished (the writer was killed) is tolerated. */
export function readWav(file: string): { rate: number; channels: Int16Array[] } {
  const bytes = readFileSync(file);
  let at = 12;
  let rate = 8000;
  let count = 1;
  while (at + 8 <= bytes.length) {
    const id = bytes.toString('latin1', at, at + 4);
    const size = bytes.readUInt32LE(at + 4);
    if (id === 'fmt ') {
      count = bytes.readUInt16LE(at + 10);
      rate = bytes.readUInt32LE(at + 12);
    }
    if (id === 'data') {
      const end = size === 0 || at + 8 + size > bytes.length ? bytes.length : at + 8 + size;
      const frames = Math.floor((end - at - 8) / 2 / count);
      const channels = Array.from({ length: count }, () => new Int16Array(frames));
      for (let i = 0; i < frames; i++)
        for (let c = 0; c < count; c++) channels[c]![i] = bytes.readInt16LE(at + 8 + (i * count + c) * 2);
      return { rate, channels };
    }
    at += 8 + size + (size & 1);
  }
  return { rate, channels: [new Int16Array(0)] };
}

/** A mono 16-bit WAV with one tone. */
export function writeTone(file: string, hz: number, seconds: number, rate = 8000, amplitude = 8000): void {
  const n = Math.round(seconds * rate);
  const wav = Buffer.alloc(44 + n * 2);
  wav.write('RIFF', 0);
  wav.writeUInt32LE(36 + n * 2, 4);
  wav.write('WAVEfmt ', 8);
  wav.writeUInt32LE(16, 16);
  wav.writeUInt16LE(1, 20);
  wav.writeUInt16LE(1, 22);
  wav.writeUInt32LE(rate, 24);
  wav.writeUInt32LE(rate * 2, 28);
  wav.writeUInt16LE(2, 32);
  wav.writeUInt16LE(16, 34);
  wav.write('data', 36);
  wav.writeUInt32LE(n * 2, 40);
  for (let i = 0; i < n; i++)
    wav.writeInt16LE(Math.round(amplitude * Math.sin((2 * Math.PI * hz * i) / rate)), 44 + i * 2);
  writeFileSync(file, wav);
}

/** Seconds in which `hz` is clearly there: Goertzel over 50 ms blocks, amplitude of the tone above `threshold` of full scale. */
export function secondsOfTone(pcm: Int16Array, rate: number, hz: number, threshold = 0.03): number {
  const block = Math.round(rate / 20);
  const k = 2 * Math.cos((2 * Math.PI * hz) / rate);
  let blocks = 0;
  for (let start = 0; start + block <= pcm.length; start += block) {
    let s1 = 0;
    let s2 = 0;
    for (let i = 0; i < block; i++) {
      const s = pcm[start + i]! / 32768 + k * s1 - s2;
      s2 = s1;
      s1 = s;
    }
    const amplitude = (2 * Math.sqrt(Math.max(0, s1 * s1 + s2 * s2 - k * s1 * s2))) / block;
    if (amplitude > threshold) blocks++;
  }
  return blocks / 20;
}

/** Seconds in which anything is to be heard: 50 ms blocks louder than `threshold` of full scale. */
export function secondsOfSound(pcm: Int16Array, rate: number, threshold = 0.01): number {
  const block = Math.round(rate / 20);
  let blocks = 0;
  for (let start = 0; start + block <= pcm.length; start += block) {
    let energy = 0;
    for (let i = 0; i < block; i++) energy += (pcm[start + i]! / 32768) ** 2;
    if (Math.sqrt(energy / block) > threshold) blocks++;
  }
  return blocks / 20;
}
