// RTP header, RFC 3550 §5.1.

export interface RtpView {
  payloadType: number;
  seq: number;
  ts: number;
  ssrc: number;
  /** Payload is m[offset..end). */
  offset: number;
  end: number;
}

export const COMFORT_NOISE = 13; // RFC 3389
const MAX_PACKET_BYTES = 1500;

/** RTCP multiplexed on the RTP port: RFC 5761 §4. */
export function looksLikeRtcp(m: Buffer): boolean {
  return m.length >= 8 && (m[0]! & 0xc0) === 0x80 && m[1]! >= 192 && m[1]! <= 223;
}

/** Reads the header into `view` (reused, so that a packet costs no object). False when it is not a sane RTP packet. */
export function readRtp(m: Buffer, view: RtpView): boolean {
  if (m.length < 12 || m.length > MAX_PACKET_BYTES || (m[0]! & 0xc0) !== 0x80) return false;
  let offset = 12;
  let end = m.length;
  const flags = m[0]! & 0x3f;
  if (flags) {
    offset += 4 * (flags & 15);
    if (flags & 0x10) {
      if (offset + 4 > end) return false;
      offset += 4 + 4 * m.readUInt16BE(offset + 2);
    }
    if (flags & 0x20) {
      const padding = m[end - 1]!;
      if (padding === 0) return false;
      end -= padding;
    }
    if (offset > end) return false;
  }
  view.payloadType = m[1]! & 0x7f;
  view.seq = (m[2]! << 8) | m[3]!;
  view.ts = ((m[4]! << 24) | (m[5]! << 16) | (m[6]! << 8) | m[7]!) >>> 0;
  view.ssrc = ((m[8]! << 24) | (m[9]! << 16) | (m[10]! << 8) | m[11]!) >>> 0;
  view.offset = offset;
  view.end = end;
  return true;
}
