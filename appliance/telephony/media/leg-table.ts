// The leg table: one slot per RTP port in a SharedArrayBuffer. It is the state that survives a crash: the worker writes its
// slots in place with every packet sent, the main thread copies the table to the state file several times a second.

export const SLOT_BYTES = 256;

// Indexes of 32-bit words inside a slot; `lastMs` is the 64-bit float over words 4 and 5.
const W = {
  used: 0,
  ssrc: 1,
  seq: 2,
  ts: 3,
  lastMs: 2,
  settings: 6,
  ports: 7,
  sourceSlot: 8,
  sourceSsrc: 9,
  seqDelta: 10,
  tsDelta: 11,
  recording: 12,
  sent: 13,
  octets: 14,
  received: 15,
  lost: 16,
} as const;
const ADDRESS_AT = 80;
const ANNOUNCED_AT = 128;
const TEXT_BYTES = 48;
const ID_AT = 176;
const ID_BYTES = 64;

export interface SlotSettings {
  codec: number;
  telephoneEvent: number;
  strict: boolean;
  blocked: boolean;
  rtcpMux: boolean;
  latched: boolean;
}

export class LegTable {
  readonly bytes: Uint8Array;
  readonly #shared: SharedArrayBuffer;

  constructor(shared: SharedArrayBuffer) {
    this.#shared = shared;
    this.bytes = new Uint8Array(shared);
  }

  static allocate(slots: number): SharedArrayBuffer {
    return new SharedArrayBuffer(slots * SLOT_BYTES);
  }

  slot(index: number): LegSlot {
    return new LegSlot(this.#shared, index);
  }

  /** The bytes of one slot, for writing it to the state file. */
  slotBytes(index: number): Uint8Array {
    return this.bytes.subarray(index * SLOT_BYTES, (index + 1) * SLOT_BYTES);
  }
}

export class LegSlot {
  readonly index: number;
  readonly #u32: Uint32Array;
  readonly #f64: Float64Array;
  readonly #bytes: Uint8Array;

  constructor(shared: SharedArrayBuffer, index: number) {
    this.index = index;
    this.#u32 = new Uint32Array(shared, index * SLOT_BYTES, SLOT_BYTES / 4);
    this.#f64 = new Float64Array(shared, index * SLOT_BYTES, SLOT_BYTES / 8);
    this.#bytes = new Uint8Array(shared, index * SLOT_BYTES, SLOT_BYTES);
  }

  get used(): boolean {
    return this.#u32[W.used] === 1;
  }

  get id(): string {
    return this.#text(ID_AT, ID_BYTES);
  }

  open(id: string, ssrc: number): void {
    this.#bytes.fill(0);
    this.#setText(ID_AT, ID_BYTES, id);
    this.#u32[W.ssrc] = ssrc;
    this.#u32[W.used] = 1;
  }

  clear(): void {
    this.#bytes.fill(0);
  }

  // Once per packet sent.
  saveProgress(seq: number, ts: number, lastMs: number): void {
    this.#u32[W.seq] = seq;
    this.#u32[W.ts] = ts;
    this.#f64[W.lastMs] = lastMs;
  }

  get progress(): { ssrc: number; seq: number; ts: number; lastMs: number } {
    const u32 = this.#u32;
    return { ssrc: u32[W.ssrc]!, seq: u32[W.seq]!, ts: u32[W.ts]!, lastMs: this.#f64[W.lastMs]! };
  }

  /** How packets of the leg in `sourceSlot` are renumbered towards this party; -1 when its source is no leg. */
  saveMapping(sourceSlot: number, sourceSsrc: number, seqDelta: number, tsDelta: number): void {
    this.#u32[W.sourceSlot] = sourceSlot + 1;
    this.#u32[W.sourceSsrc] = sourceSsrc;
    this.#u32[W.seqDelta] = seqDelta;
    this.#u32[W.tsDelta] = tsDelta;
  }

  get mapping(): { sourceSlot: number; sourceSsrc: number; seqDelta: number; tsDelta: number } {
    const u32 = this.#u32;
    return {
      sourceSlot: u32[W.sourceSlot]! - 1,
      sourceSsrc: u32[W.sourceSsrc]!,
      seqDelta: u32[W.seqDelta]!,
      tsDelta: u32[W.tsDelta]! | 0,
    };
  }

  saveSettings(s: SlotSettings): void {
    this.#u32[W.settings] =
      s.codec |
      (s.telephoneEvent << 8) |
      (s.strict ? 0x1_0000 : 0) |
      (s.blocked ? 0x2_0000 : 0) |
      (s.rtcpMux ? 0x4_0000 : 0) |
      (s.latched ? 0x8_0000 : 0);
  }

  get settings(): SlotSettings {
    const bits = this.#u32[W.settings]!;
    return {
      codec: bits & 0xff,
      telephoneEvent: (bits >> 8) & 0xff,
      strict: (bits & 0x1_0000) !== 0,
      blocked: (bits & 0x2_0000) !== 0,
      rtcpMux: (bits & 0x4_0000) !== 0,
      latched: (bits & 0x8_0000) !== 0,
    };
  }

  saveRemote(address: string, port: number, announced: string, announcedPort: number): void {
    this.#u32[W.ports] = port | (announcedPort << 16);
    this.#setText(ADDRESS_AT, TEXT_BYTES, address);
    this.#setText(ANNOUNCED_AT, TEXT_BYTES, announced);
  }

  get remote(): { address: string; port: number; announced: string; announcedPort: number } {
    const ports = this.#u32[W.ports]!;
    return {
      address: this.#text(ADDRESS_AT, TEXT_BYTES),
      port: ports & 0xffff,
      announced: this.#text(ANNOUNCED_AT, TEXT_BYTES),
      announcedPort: ports >>> 16,
    };
  }

  saveRecording(recording: number, stream: number): void {
    this.#u32[W.recording] = recording | (stream << 24);
  }

  get recording(): { number: number; stream: number } {
    const word = this.#u32[W.recording]!;
    return { number: word & 0xff_ffff, stream: word >>> 24 };
  }

  saveCounters(sent: number, octets: number, received: number, lost: number): void {
    this.#u32[W.sent] = sent;
    this.#u32[W.octets] = octets;
    this.#u32[W.received] = received;
    this.#u32[W.lost] = lost;
  }

  get counters(): { sent: number; octets: number; received: number; lost: number } {
    const u32 = this.#u32;
    return { sent: u32[W.sent]!, octets: u32[W.octets]!, received: u32[W.received]!, lost: u32[W.lost]! };
  }

  #text(at: number, length: number): string {
    const end = this.#bytes.indexOf(0, at);
    return Buffer.from(this.#bytes.slice(at, end < 0 ? at + length : Math.min(end, at + length))).toString('latin1');
  }

  #setText(at: number, length: number, text: string): void {
    this.#bytes.fill(0, at, at + length);
    this.#bytes.set(Buffer.from(text, 'latin1').subarray(0, length - 1), at);
  }
}
