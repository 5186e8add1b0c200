// From a recording to sound: stereo 8 kHz, left the customer (stream 0), right everybody else. One pass reads what is there, the
// second makes the samples in windows, so that memory does not grow with the call.
import { createWriteStream } from 'node:fs';
import { open } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { FrameList } from './frame-list.ts';
import { PCMA, PCMU, toLinear } from './g711.ts';
import { Painter } from './painter.ts';
import { type Placement, placeFrames } from './placement.ts';
import type { RecordingHeader } from './recfile.ts';
import { type Damage, RecordingReader } from './recording-reader.ts';

export interface Silence {
  /** Seconds in which something is heard. */
  activeS: number;
  longestSilenceS: number;
}

export interface RenderedStream {
  stream: number;
  frames: number;
  lost: number;
  runs: number;
  moved: number;
}

export interface Rendering {
  header: RecordingHeader;
  durationS: number;
  /** What was noted while recording: joined, left, pause, resume, gap, stopped and the marks of the rooms above. */
  marks: ({ atS: number } & Record<string, unknown>)[];
  streams: RenderedStream[];
  silence: { left: Silence; right: Silence; both: Silence };
  damage: Damage;
  /** Where the switch was replaced or the disk refused: from the last sound before to the first after, whoever spoke. */
  gaps: { atS: number; lengthS: number; why: string }[];
  /** Interleaved signed 16 bit little endian, two channels, 8 kHz. May be asked again. */
  pcm(): AsyncGenerator<Buffer>;
}

const RATE = 8000;
const WINDOW_SAMPLES = 10 * RATE;
const CELL_SAMPLES = 160;
const MAX_SAMPLES = 48 * 3600 * RATE; // no recording is longer: a clock has gone mad
const ACTIVE_RMS = 104; // -50 dBov

/** @throws {Error} when `file` is no recording. */
export async function renderWav(file: string): Promise<Rendering> {
  const reader = await RecordingReader.open(file);
  try {
    const streams = new Map<number, FrameList>();
    const marks: Rendering['marks'] = [];
    const gaps: Rendering['gaps'] = [];
    let end = 0;
    let lastAt = 0;
    /** Ends with the next sound, or with the recording. */
    let gap: { from: number; why: string } | undefined;
    const closeGap = (at: number) => {
      if (gap) gaps.push({ atS: seconds(gap.from), lengthS: seconds(Math.max(0, at - gap.from)), why: gap.why });
      gap = undefined;
    };
    for await (const record of reader.records()) {
      if (record.at > MAX_SAMPLES) continue;
      if (record.kind === 'mark') {
        marks.push({ atS: seconds(Math.max(0, record.at)), ...record.mark });
        if (record.mark.stopped) end = Math.max(end, record.at);
        if (record.mark.gap) gap ??= { from: lastAt, why: String(record.mark.gap) };
        continue;
      }
      const { stream, payloadType, seq, ts, at, offset, payload } = record;
      if ((payloadType !== PCMA && payloadType !== PCMU) || payload.length === 0) continue; // events are no sound
      let frames = streams.get(stream);
      if (!frames) {
        frames = new FrameList();
        streams.set(stream, frames);
      }
      closeGap(at);
      lastAt = Math.max(lastAt, at + payload.length);
      frames.push(seq, ts, at, payload.length, payloadType, isActive(payload, payloadType), offset);
    }
    closeGap(end);
    const placed = [...streams]
      .sort(([a], [b]) => a - b)
      .map(([stream, frames]) => ({ stream, frames, placement: placeFrames(frames) }));
    for (const { frames, placement } of placed) end = Math.max(end, lastSample(frames, placement));
    return {
      header: reader.header,
      durationS: seconds(end),
      marks,
      gaps,
      streams: placed.map(({ stream, placement: { order, lost, runs, moved } }) => ({
        stream,
        frames: order.length,
        lost,
        runs,
        moved,
      })),
      silence: silenceOf(placed, end),
      damage: reader.damage,
      pcm: () => samples(file, placed, end),
    };
  } finally {
    await reader.close();
  }
}

/** The same as a WAV file, for tools that want one. */
export async function writeWav(rendering: Rendering, file: string): Promise<void> {
  await pipeline(
    Readable.from(
      (async function* () {
        yield wavHeader(0xffff_ffff - 36);
        yield* rendering.pcm();
      })(),
    ),
    createWriteStream(file),
  );
  const handle = await open(file, 'r+');
  try {
    const { size } = await handle.stat();
    await handle.write(wavHeader(size - 44), 0, 44, 0);
  } finally {
    await handle.close();
  }
}

interface Placed {
  stream: number;
  frames: FrameList;
  placement: Placement;
}

async function* samples(file: string, placed: Placed[], end: number): AsyncGenerator<Buffer> {
  const reader = await RecordingReader.open(file);
  try {
    const painters = placed.map(({ stream, frames, placement }) => ({
      left: stream === 0,
      painter: new Painter(frames, placement, WINDOW_SAMPLES),
    }));
    for (let at = 0; at < end; at += WINDOW_SAMPLES) {
      const length = Math.min(WINDOW_SAMPLES, end - at);
      const out = new Int16Array(2 * length);
      for (const { left, painter } of painters) add(out, await painter.paint(reader), length, left ? 0 : 1);
      yield Buffer.from(out.buffer, 0, out.byteLength);
    }
  } finally {
    await reader.close();
  }
}

function add(out: Int16Array, from: Int16Array, length: number, channel: number): void {
  for (let i = 0; i < length; i++) {
    const k = 2 * i + channel;
    out[k] = Math.max(-32_768, Math.min(32_767, out[k]! + from[i]!));
  }
}

function lastSample(frames: FrameList, { order, place }: Placement): number {
  let end = 0;
  for (let k = Math.max(0, order.length - 50); k < order.length; k++)
    end = Math.max(end, place[k]! + frames.ticks(order[k]!));
  return end;
}

function isActive(payload: Buffer, payloadType: number): boolean {
  const decode = toLinear(payloadType);
  let energy = 0;
  for (const byte of payload) energy += decode[byte]! ** 2;
  return energy > ACTIVE_RMS ** 2 * payload.length;
}

function silenceOf(placed: Placed[], end: number): Rendering['silence'] {
  const cells = Math.ceil(end / CELL_SAMPLES);
  const heard = new Uint8Array(cells); // bit 0 left, bit 1 right
  for (const { stream, frames, placement } of placed) {
    const bit = stream === 0 ? 1 : 2;
    for (const [k, i] of placement.order.entries()) {
      if (!frames.active(i)) continue;
      const at = Math.max(0, placement.place[k]!);
      for (let cell = Math.floor(at / CELL_SAMPLES); cell * CELL_SAMPLES < at + frames.ticks(i); cell++)
        heard[cell]! |= bit;
    }
  }
  return { left: figures(heard, 1), right: figures(heard, 2), both: figures(heard, 3) };
}

function figures(heard: Uint8Array, bits: number): Silence {
  let active = 0;
  let silent = 0;
  let longest = 0;
  for (const cell of heard) {
    if (cell & bits) {
      active++;
      silent = 0;
    } else longest = Math.max(longest, ++silent);
  }
  return { activeS: seconds(active * CELL_SAMPLES), longestSilenceS: seconds(longest * CELL_SAMPLES) };
}

function wavHeader(dataBytes: number): Buffer {
  const b = Buffer.alloc(44);
  b.write('RIFF', 0);
  b.writeUInt32LE((36 + dataBytes) >>> 0, 4);
  b.write('WAVEfmt ', 8);
  b.writeUInt32LE(16, 16);
  b.writeUInt16LE(1, 20);
  b.writeUInt16LE(2, 22);
  b.writeUInt32LE(RATE, 24);
  b.writeUInt32LE(RATE * 4, 28);
  b.writeUInt16LE(4, 32);
  b.writeUInt16LE(16, 34);
  b.write('data', 36);
  b.writeUInt32LE(dataBytes >>> 0, 40);
  return b;
}

function seconds(ticks: number): number {
  return Math.round((ticks / RATE) * 1000) / 1000;
}
