// Recording file (*.rg7): append only, so that whatever happens to the machine the file is good up to its last flush.
//   file   = "RG7\1", u32 header length, header JSON, blocks...
//   block  = "BLK1", u32 length, u32 CRC-32 of the body, body = records          (one write() each)
//   record = u8 0xA7, u8 type, u8 stream, u8 payload type, u16 length, u16 RTP seq, u32 RTP timestamp,
//            u32 arrival (8 kHz ticks of the monotonic clock), payload            (all little endian)
// A torn block (power loss) is read record by record until the first that makes no sense.
import { crc32 } from 'node:zlib';

export const FRAME = 1;
export const MARK = 2;
export const RECORD_HEADER = 16;
export const BLOCK_HEADER = 12;
export const BLOCK_MAGIC = 0x314b4c42;
export const RECORD_MAGIC = 0xa7;
const FILE_MAGIC = 'RG7\x01';

export interface RecordingHeader {
  recording: string;
  /** Wall clock of the start, ISO 8601 UTC. */
  startedAt: string;
  /** 8 kHz ticks of the monotonic clock at the start. */
  startTick: number;
  meta?: unknown;
}

export function fileHeader(header: RecordingHeader): Buffer {
  const json = Buffer.from(JSON.stringify(header));
  const b = Buffer.alloc(8);
  b.write(FILE_MAGIC, 'latin1');
  b.writeUInt32LE(json.length, 4);
  return Buffer.concat([b, json]);
}

/** @returns the header and where the first block begins, or undefined when this is no recording. */
export function parseFileHeader(start: Buffer): { header: RecordingHeader; end: number } | undefined {
  if (start.length < 8 || start.toString('latin1', 0, 4) !== FILE_MAGIC) return undefined;
  const length = start.readUInt32LE(4);
  if (length > 65_536 || 8 + length > start.length) return undefined;
  try {
    return { header: JSON.parse(start.toString('utf8', 8, 8 + length)) as RecordingHeader, end: 8 + length };
  } catch {
    return undefined;
  }
}

/** Seals a block: `buffer` has room for the block header, then records up to `end`. */
export function sealBlock(buffer: Buffer, end: number): Buffer {
  const body = buffer.subarray(BLOCK_HEADER, end);
  buffer.writeUInt32LE(BLOCK_MAGIC, 0);
  buffer.writeUInt32LE(body.length, 4);
  buffer.writeUInt32LE(crc32(body), 8);
  return buffer.subarray(0, end);
}

export function writeRecordHeader(
  b: Buffer,
  at: number,
  type: number,
  stream: number,
  payloadType: number,
  length: number,
  seq: number,
  ts: number,
  tick: number,
): void {
  b[at] = RECORD_MAGIC;
  b[at + 1] = type;
  b[at + 2] = stream;
  b[at + 3] = payloadType;
  b.writeUInt16LE(length, at + 4);
  b.writeUInt16LE(seq, at + 6);
  b.writeUInt32LE(ts >>> 0, at + 8);
  b.writeUInt32LE(tick >>> 0, at + 12);
}

export function markRecord(tick: number, mark: unknown): Buffer {
  const json = Buffer.from(JSON.stringify(mark)).subarray(0, 16_384);
  const b = Buffer.alloc(RECORD_HEADER + json.length);
  writeRecordHeader(b, 0, MARK, 255, 0, json.length, 0, 0, Math.floor(tick));
  json.copy(b, RECORD_HEADER);
  return b;
}
