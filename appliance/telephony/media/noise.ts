// Comfort noise (RFC 3389): a party that stops sending in silence tells us how loud its background is.
import { fromLinear } from './g711.ts';

const FRAME_TICKS = 160;
const frames = new Map<number, Buffer>();

/** 20 ms of noise at the level of an RFC 3389 packet (-dBov), with room for an RTP header in front. A fresh copy. */
export function comfortNoise(level: number, codec: number): Buffer {
  const key = (Math.min(level & 0x7f, 90) << 8) | codec;
  let frame = frames.get(key);
  if (!frame) {
    frame = make(key >> 8, codec);
    frames.set(key, frame);
  }
  return Buffer.from(frame);
}

function make(level: number, codec: number): Buffer {
  const peak = 32_767 * 10 ** (-level / 20) * Math.sqrt(3); // uniform noise of that RMS
  const encode = fromLinear(codec);
  const b = Buffer.alloc(12 + FRAME_TICKS);
  for (let i = 0; i < FRAME_TICKS; i++) b[12 + i] = encode[Math.round((Math.random() * 2 - 1) * peak) & 0xffff]!;
  return b;
}
