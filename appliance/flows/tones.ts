// Sounds without words, made by arithmetic: tones of ITU-T E.180 / ETSI practice, and music to wait by.
import { levelled, MUSIC_DB, RATE } from './audio.ts';

export function beep(): Int16Array {
  return joined([tone([1000], 0.35, 0.25), silence(0.15)]);
}

/** 1 s on, 4 s off at 425 Hz. */
export function ringback(): Int16Array {
  return joined([tone([425], 1, 0.16), silence(4)]);
}

/** 480 ms on, 480 ms off at 425 Hz. */
export function busy(): Int16Array {
  return joined(Array.from({ length: 4 }, () => [tone([425], 0.48, 0.16), silence(0.48)]).flat());
}

/**
 * Half a minute of slow chords under a sparse melody. Whatever still rings at the end rings on at the beginning, so that the loop has no seam.
 */
export function holdMusic(): Int16Array {
  const beatS = 0.5;
  const beats = 64;
  const sound = new Float64Array(Math.round(beats * beatS * RATE));
  // One chord per four beats, in MIDI notes: C major, the usual soft turns, twice with another ending.
  const chords = [
    [48, 55, 64, 71],
    [45, 52, 60, 67],
    [41, 53, 57, 64],
    [43, 50, 59, 65],
    [48, 55, 64, 67],
    [40, 52, 59, 67],
    [41, 53, 60, 69],
    [43, 55, 62, 65],
    [45, 52, 60, 64],
    [41, 53, 57, 69],
    [48, 55, 64, 71],
    [43, 50, 59, 62],
    [41, 53, 60, 64],
    [40, 52, 59, 67],
    [38, 50, 57, 65],
    [43, 55, 59, 65],
  ];
  for (const [bar, chord] of chords.entries()) {
    const at = bar * 4 * beatS;
    for (const note of chord) pad(sound, at, 4.6 * beatS, note);
    // Plucked, each chord broken upwards, then back: where nothing is plucked the pad is heard.
    const order = [0, 2, 3, 1, 2, 3, 2, -1];
    for (const [index, which] of order.entries()) {
      const note = chord[which];
      if (note !== undefined) pluck(sound, at + index * beatS * 0.5, note + 12, index === 0 ? 0.5 : 0.34);
    }
  }
  const peak = sound.reduce((max, value) => Math.max(max, Math.abs(value)), 1e-9);
  return levelled(
    Int16Array.from(sound, (value) => Math.round((value / peak) * 20_000)),
    MUSIC_DB,
  );
}

function pad(sound: Float64Array, startS: number, lengthS: number, note: number): void {
  const frequency = hertz(note);
  mix(sound, startS, lengthS, (t) => {
    const rise = Math.min(1, t / 0.5);
    const fall = Math.min(1, (lengthS - t) / 0.6);
    const wave =
      Math.sin(2 * Math.PI * frequency * t) +
      0.25 * Math.sin(2 * Math.PI * frequency * 2 * t + 0.4) +
      0.5 * Math.sin(2 * Math.PI * (frequency * 1.003) * t);
    return 0.12 * Math.max(0, Math.min(rise, fall)) ** 1.5 * wave;
  });
}

function pluck(sound: Float64Array, startS: number, note: number, loudness: number): void {
  const frequency = hertz(note);
  mix(sound, startS, 1.6, (t) => {
    const wave =
      Math.sin(2 * Math.PI * frequency * t) +
      0.35 * Math.exp(-6 * t) * Math.sin(2 * Math.PI * frequency * 2 * t) +
      0.12 * Math.exp(-9 * t) * Math.sin(2 * Math.PI * frequency * 3 * t);
    return loudness * Math.min(1, t / 0.008) * Math.exp(-3.2 * t) * Math.min(1, (1.6 - t) / 0.1) * wave;
  });
}

function mix(sound: Float64Array, startS: number, lengthS: number, wave: (t: number) => number): void {
  const start = Math.round(startS * RATE);
  const length = Math.round(lengthS * RATE);
  for (let index = 0; index < length; index++) sound[(start + index) % sound.length]! += wave(index / RATE);
}

function hertz(note: number): number {
  return 440 * 2 ** ((note - 69) / 12);
}

function tone(frequencies: number[], lengthS: number, loudness: number): Int16Array {
  const length = Math.round(lengthS * RATE);
  const edge = RATE * 0.005; // no click at either end
  return Int16Array.from({ length }, (_, index) => {
    const wave = frequencies.reduce((sum, frequency) => sum + Math.sin((2 * Math.PI * frequency * index) / RATE), 0);
    return Math.round(32_767 * loudness * wave * Math.min(1, index / edge, (length - index) / edge));
  });
}

function silence(lengthS: number): Int16Array {
  return new Int16Array(Math.round(lengthS * RATE));
}

function joined(parts: Int16Array[]): Int16Array {
  const whole = new Int16Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
