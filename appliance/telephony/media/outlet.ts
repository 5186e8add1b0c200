// Everything a party hears leaves here: one SSRC, continuous sequence numbers, timestamps in step with real time, whatever
// the source is and however often it changes.
import { A_TO_U, LINEAR_TO_A, LINEAR_TO_U, PCMA, U_TO_A } from './g711.ts';
import type { LegSlot } from './leg-table.ts';

/** Anything that can be heard. Identity is all that matters for continuity; legs carry their slot. */
export interface Source {
  readonly slotIndex: number;
}

const FRAME_TICKS = 160;
const MAX_JUMP = 500; // packets; a source that jumps further is treated as a new one
const LATE_GUARD_MS = 1000;

export class Outlet {
  codec = PCMA;
  telephoneEvent = 0;
  source: Source | undefined;
  /** Takes the output over for a while (digits); the source goes on beneath and is heard again afterwards. */
  overlay: Source | undefined;
  ssrc = 0;
  seq = 0;
  ts = 0;
  lastMs = 0;
  packets = 0;
  octets = 0;
  readonly #transmit: (packet: Buffer) => void;
  readonly #slot: LegSlot;
  readonly #frames: Buffer[];
  #nextFrame = 0;
  #current: Source | undefined;
  #sourceSsrc = 0;
  #seqDelta = 0;
  #tsDelta = 0;
  #floor = 0;
  #floorMs = 0;

  constructor(slot: LegSlot, transmit: (packet: Buffer) => void) {
    this.#slot = slot;
    this.#transmit = transmit;
    this.#frames = Array.from({ length: 4 }, () => Buffer.alloc(12 + FRAME_TICKS, 0x80));
  }

  fresh(ssrc: number, seq: number, ts: number): void {
    this.ssrc = ssrc;
    this.seq = seq & 0x7fff; // leaves room before the first wrap: SRTP, RFC 3711 §3.3.1
    this.ts = ts;
    this.lastMs = 0;
    this.#slot.saveProgress(this.seq, this.ts, 0);
  }

  /**
   * Goes on with the same SSRC, timestamp by real time. After a crash the slot may be a moment old: the sequence is set ahead of
   * anything the predecessor may have sent.
   */
  restore(nowMs: number, afterCrash: boolean): void {
    const { ssrc, seq, ts, lastMs } = this.#slot.progress;
    const { sent, octets } = this.#slot.counters;
    this.ssrc = ssrc;
    this.ts = ts;
    this.lastMs = lastMs;
    this.packets = sent;
    this.octets = octets;
    const missed = lastMs ? Math.ceil((nowMs - lastMs) / 20) : 0;
    this.seq = (seq + (afterCrash ? Math.min(missed + 10, 2000) : 0)) & 0xffff; // below MAX_DROPOUT: a receiver counts loss and does not resynchronise
  }

  /** The same leg is heard as before the crash: the old mapping holds, so the party sees what was lost and nothing else. */
  restoreMapping(source: Source): void {
    const mapping = this.#slot.mapping;
    if (mapping.sourceSlot !== source.slotIndex || !mapping.sourceSsrc) return;
    this.#current = source;
    this.#sourceSsrc = mapping.sourceSsrc;
    this.#seqDelta = mapping.seqDelta;
    this.#tsDelta = mapping.tsDelta;
    this.seq = this.#slot.progress.seq;
  }

  /**
   * A packet of another leg. `m` holds a 12-byte header space before `offset` - usually the received packet itself, which is
   * rewritten in place when `owned` says that nobody needs it afterwards.
   */
  relay(
    from: Source,
    fromCodec: number,
    m: Buffer,
    offset: number,
    end: number,
    event: boolean,
    seq: number,
    ts: number,
    ssrc: number,
    nowMs: number,
    owned: boolean,
  ): void {
    if (this.source !== from || this.overlay) return;
    let marker = m[1]! & 0x80;
    if (this.#current !== from || this.#sourceSsrc !== ssrc) {
      this.#anchor(from, ssrc, seq, ts, nowMs);
      marker = 0x80; // RFC 3551 §4.1: start of a talkspurt, the jitter buffer may adapt
    }
    let outSeq = (seq + this.#seqDelta) & 0xffff;
    let outTs = (ts + this.#tsDelta) >>> 0;
    const step = ((outSeq - this.seq) << 16) >> 16;
    if (step > MAX_JUMP || step < -MAX_JUMP) {
      this.#anchor(from, ssrc, seq, ts, nowMs);
      marker = 0x80;
      outSeq = (seq + this.#seqDelta) & 0xffff;
      outTs = (ts + this.#tsDelta) >>> 0;
    } else if (step <= 0 && nowMs - this.#floorMs < LATE_GUARD_MS && ((outSeq - this.#floor) << 16) >> 16 < 0) {
      return; // older than the switch to this source: its number belongs to somebody else's packet
    }
    let b = m;
    if (!owned || offset !== 12) {
      b = Buffer.allocUnsafe(12 + end - offset);
      m.copy(b, 12, offset, end);
    } else if (end !== m.length) b = m.subarray(0, end);
    b[0] = 0x80;
    if (event) b[1] = marker | this.telephoneEvent;
    else {
      if (fromCodec !== this.codec) recode(b, fromCodec);
      b[1] = marker | this.codec;
    }
    this.#emit(b, outSeq, outTs, nowMs, step > 0 || ((outSeq - this.seq) << 16) >> 16 > 0);
  }

  /** The source left a packet out: closes the hole in the numbers. */
  skip(from: Source): void {
    if (this.#current !== from || this.source !== from) return;
    this.#seqDelta = (this.#seqDelta - 1) & 0xffff;
    this.#saveMapping();
  }

  /** A buffer for one own frame of `length` payload bytes from byte 12 on; valid until the fourth next call. */
  frame(length: number): Buffer {
    this.#nextFrame = (this.#nextFrame + 1) & 3;
    const b = this.#frames[this.#nextFrame]!;
    return length === FRAME_TICKS ? b : length < FRAME_TICKS ? b.subarray(0, 12 + length) : Buffer.alloc(12 + length);
  }

  /** Sends a frame from frame(): prompts, mixes, tones. The caller's schedule spaces the frames. */
  play(from: Source, b: Buffer, nowMs: number): void {
    if (this.overlay ? this.overlay !== from : this.source !== from) return;
    const length = b.length - 12;
    let ts = (this.ts + length) >>> 0;
    let marker = 0;
    if (this.#current !== from) {
      this.#become(from);
      marker = 0x80;
      ts = (this.ts + this.#elapsed(nowMs)) >>> 0;
    }
    b[0] = 0x80;
    b[1] = marker | this.codec;
    this.#emit(b, (this.seq + 1) & 0xffff, ts, nowMs, true);
  }

  /** Encodes 160 samples in place of a frame of bytes. */
  playSamples(from: Source, samples: Int16Array, nowMs: number): void {
    const b = this.frame(samples.length);
    const table = this.codec === PCMA ? LINEAR_TO_A : LINEAR_TO_U;
    for (let i = 0; i < samples.length; i++) b[12 + i] = table[samples[i]! & 0xffff]!;
    this.play(from, b, nowMs);
  }

  /** One RFC 4733 event packet; the timestamp is taken with the first and then stands still (§2.5.1.2). */
  event(from: Source, code: number, durationTicks: number, first: boolean, last: boolean, nowMs: number): void {
    if (this.overlay !== from) return;
    if (first) {
      this.#become(from);
      this.ts = (this.ts + this.#elapsed(nowMs)) >>> 0;
      this.lastMs = nowMs;
    }
    const b = this.frame(4);
    b[0] = 0x80;
    b[1] = (first ? 0x80 : 0) | this.telephoneEvent;
    b[12] = code;
    b[13] = (last ? 0x80 : 0) | 10;
    b[14] = durationTicks >> 8;
    b[15] = durationTicks & 0xff;
    this.#emit(b, (this.seq + 1) & 0xffff, this.ts, nowMs, true);
  }

  /** RTP timestamp of now, for sender reports. */
  timestampAt(nowMs: number): number {
    return (this.ts + (this.lastMs ? Math.round((nowMs - this.lastMs) * 8) : 0)) >>> 0;
  }

  #become(from: Source): void {
    this.#current = from;
    this.#sourceSsrc = 0;
    this.#slot.saveMapping(-1, 0, 0, 0);
  }

  #anchor(from: Source, ssrc: number, seq: number, ts: number, nowMs: number): void {
    this.#current = from;
    this.#sourceSsrc = ssrc;
    this.#seqDelta = (this.seq + 1 - seq) & 0xffff;
    this.#tsDelta = (this.ts + this.#elapsed(nowMs) - ts) | 0;
    this.#floor = (this.seq + 1) & 0xffff;
    this.#floorMs = nowMs;
    this.#saveMapping();
  }

  #saveMapping(): void {
    this.#slot.saveMapping(this.#current?.slotIndex ?? -1, this.#sourceSsrc, this.#seqDelta, this.#tsDelta);
  }

  /** Timestamp units since the last packet: real time, at least one frame. */
  #elapsed(nowMs: number): number {
    return this.lastMs ? Math.max(FRAME_TICKS, Math.round((nowMs - this.lastMs) * 8)) : FRAME_TICKS;
  }

  #emit(b: Buffer, seq: number, ts: number, nowMs: number, forward: boolean): void {
    b[2] = seq >> 8;
    b[3] = seq & 0xff;
    b[4] = ts >>> 24;
    b[5] = (ts >>> 16) & 0xff;
    b[6] = (ts >>> 8) & 0xff;
    b[7] = ts & 0xff;
    const ssrc = this.ssrc;
    b[8] = ssrc >>> 24;
    b[9] = (ssrc >>> 16) & 0xff;
    b[10] = (ssrc >>> 8) & 0xff;
    b[11] = ssrc & 0xff;
    if (forward) {
      this.seq = seq;
      if (ts !== this.ts) {
        // the pair of timestamp and real time stands still during RFC 4733 events
        this.ts = ts;
        this.lastMs = nowMs;
      }
      this.#slot.saveProgress(seq, this.ts, this.lastMs);
    }
    this.packets++;
    this.octets += b.length - 12;
    this.#transmit(b);
  }
}

function recode(b: Buffer, fromCodec: number): void {
  const table = fromCodec === PCMA ? A_TO_U : U_TO_A;
  for (let i = 12; i < b.length; i++) b[i] = table[b[i]!]!;
}
