// RTCP, RFC 3550 §6: sender and receiver reports with CNAME, and BYE at the end of a leg.
import type { RxStats } from './rx-stats.ts';

const NTP_EPOCH_S = 2_208_988_800;
const SR = 200;
const RR = 201;
const SDES = 202;
const BYE = 203;

export interface Sending {
  ssrc: number;
  /** RTP timestamp of this very moment. */
  ts: number;
  packets: number;
  octets: number;
}

export function buildReport(sending: Sending, rx: RxStats, nowMs: number, cname: string, bye = false): Buffer {
  const blocks = rx.started ? 1 : 0;
  const reportLength = 28 + 24 * blocks;
  const name = Buffer.from(cname, 'latin1').subarray(0, 255);
  const sdesLength = (4 + 4 + 2 + name.length + 4) & ~3; // item list ends with a zero, padded to 32 bits
  const b = Buffer.alloc(reportLength + sdesLength + (bye ? 8 : 0));
  b[0] = 0x80 | blocks;
  b[1] = SR;
  b.writeUInt16BE(reportLength / 4 - 1, 2);
  b.writeUInt32BE(sending.ssrc, 4);
  const wallS = Date.now() / 1000;
  b.writeUInt32BE((Math.floor(wallS) + NTP_EPOCH_S) >>> 0, 8);
  b.writeUInt32BE(Math.floor((wallS % 1) * 2 ** 32) >>> 0, 12);
  b.writeUInt32BE(sending.ts >>> 0, 16);
  b.writeUInt32BE(sending.packets >>> 0, 20);
  b.writeUInt32BE(sending.octets >>> 0, 24);
  if (blocks) {
    b.writeUInt32BE(rx.ssrc, 28);
    b.writeUInt32BE(((rx.fractionLost() << 24) | (Math.min(0x7f_ffff, rx.totalLost) & 0xff_ffff)) >>> 0, 32);
    b.writeUInt32BE(rx.extendedHighest, 36);
    b.writeUInt32BE(Math.floor(rx.jitterTicks) >>> 0, 40);
    b.writeUInt32BE(rx.lastReport, 44);
    b.writeUInt32BE(rx.lastReport ? Math.floor((nowMs - rx.lastReportMs) * 65.536) >>> 0 : 0, 48);
  }
  let at = reportLength;
  b[at] = 0x81;
  b[at + 1] = SDES;
  b.writeUInt16BE(sdesLength / 4 - 1, at + 2);
  b.writeUInt32BE(sending.ssrc, at + 4);
  b[at + 8] = 1; // CNAME
  b[at + 9] = name.length;
  name.copy(b, at + 10);
  if (bye) {
    at += sdesLength;
    b[at] = 0x81;
    b[at + 1] = BYE;
    b.writeUInt16BE(1, at + 2);
    b.writeUInt32BE(sending.ssrc, at + 4);
  }
  return b;
}

/** Takes from a compound packet what concerns us; whatever does not fit its own length fields ends the reading. */
export function readReports(m: Buffer, ourSsrc: number, rx: RxStats, nowMs: number): void {
  let at = 0;
  while (at + 8 <= m.length) {
    if ((m[at]! & 0xc0) !== 0x80) return;
    const count = m[at]! & 31;
    const type = m[at + 1]!;
    const end = at + 4 * (m.readUInt16BE(at + 2) + 1);
    if (end > m.length) return;
    let block = at + 8;
    if (type === SR) {
      if (at + 28 > end) return;
      rx.lastReport = ((m.readUInt16BE(at + 10) << 16) | m.readUInt16BE(at + 12)) >>> 0;
      rx.lastReportMs = nowMs;
      block = at + 28;
    }
    if (type === SR || type === RR) {
      for (let i = 0; i < count && block + 24 <= end; i++, block += 24) {
        if (m.readUInt32BE(block) === ourSsrc) readBlock(m, block, rx);
      }
    }
    at = end;
  }
}

function readBlock(m: Buffer, at: number, rx: RxStats): void {
  rx.remoteLossPct = (100 * m[at + 4]!) / 256;
  const lsr = m.readUInt32BE(at + 16);
  if (!lsr) return;
  const wallS = Date.now() / 1000;
  const now = ((((Math.floor(wallS) + NTP_EPOCH_S) & 0xffff) << 16) | Math.floor((wallS % 1) * 65_536)) >>> 0;
  const rttMs = ((now - lsr - m.readUInt32BE(at + 20)) | 0) / 65.536; // RFC 3550 §6.4.1: A - LSR - DLSR
  if (rttMs >= 0 && rttMs < 10_000) rx.rttMs = rttMs;
}
