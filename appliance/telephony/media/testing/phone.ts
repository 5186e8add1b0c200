// A telephone for tests: sends a tone in G.711 over real UDP, keeps what it hears, and checks what a strict receiver would.
import dgram from 'node:dgram';
import { fromLinear, PCMA, toLinear } from '../g711.ts';

export interface Heard {
  atMs: number;
  payloadType: number;
  marker: boolean;
  seq: number;
  ts: number;
  ssrc: number;
  payload: Buffer;
}

export interface Continuity {
  packets: number;
  ssrcChanges: number;
  /** Steps of the sequence number other than one. */
  seqBreaks: number;
  /** Timestamp steps shorter than the audio before them. */
  tsBackward: number;
  /** Largest difference between timestamps and real time. */
  tsOffMs: number;
  maxGapMs: number;
}

export class Phone {
  readonly heard: Heard[] = [];
  readonly rtcp: Buffer[] = [];
  ssrc = Math.floor(Math.random() * 2 ** 32);
  seq = 65_500; // wraps within the first second
  ts = 4_294_960_000;
  ptimeMs = 20;
  lossPct = 0;
  sent = 0;
  /** Two tones at once make a DTMF key. */
  tones: number[] = [];
  amplitude = 8000;
  /** SRTP phones put their cipher here. */
  transform: (rtp: Buffer) => Buffer = (rtp) => rtp;
  readonly payloadType: number;
  readonly address: string;
  #socket = dgram.createSocket('udp4');
  #rtcpSocket = dgram.createSocket('udp4');
  #timer: NodeJS.Timeout | undefined;
  #sample = 0;
  #to = 0;
  #toAddress = '127.0.0.1';

  constructor(payloadType = PCMA, tones: number[] = [], address = '127.0.0.1') {
    this.payloadType = payloadType;
    this.tones = tones;
    this.address = address;
    this.#listen();
  }

  /** @returns its port: even, with the next one for RTCP. */
  async open(port = 0): Promise<number> {
    for (;;) {
      const bound = await bind(this.#socket, port, this.address);
      if (bound % 2 === 0 && (await bind(this.#rtcpSocket, bound + 1, this.address).catch(() => 0))) return bound;
      this.#socket.close();
      this.#socket = dgram.createSocket('udp4');
      this.#rtcpSocket.close();
      this.#rtcpSocket = dgram.createSocket('udp4');
      this.#listen();
    }
  }

  get port(): number {
    return this.#socket.address().port;
  }

  /** Starts to talk to a port of the switch. */
  call(port: number, address = '127.0.0.1'): void {
    this.hush();
    this.#to = port;
    this.#toAddress = address;
    let next = performance.now();
    const turn = () => {
      while (performance.now() >= next) {
        if (this.tones.length) this.send(this.payloadType, this.frame());
        this.ts = (this.ts + this.ptimeMs * 8) >>> 0;
        next += this.ptimeMs;
      }
      this.#timer = setTimeout(turn, Math.max(1, next - performance.now()));
    };
    turn();
  }

  hush(): void {
    clearTimeout(this.#timer);
  }

  frame(): Buffer {
    const encode = fromLinear(this.payloadType);
    const payload = Buffer.alloc(this.ptimeMs * 8);
    for (let i = 0; i < payload.length; i++) {
      const n = this.#sample++;
      const value = this.tones.reduce((sum, hz) => sum + Math.sin((2 * Math.PI * hz * n) / 8000), 0);
      payload[i] = encode[Math.round((this.amplitude * value) / Math.max(1, this.tones.length)) & 0xffff]!;
    }
    return payload;
  }

  send(payloadType: number, payload: Buffer, ts = this.ts, marker = false): Buffer {
    const b = Buffer.alloc(12 + payload.length);
    b[0] = 0x80;
    b[1] = payloadType | (marker ? 0x80 : 0);
    b.writeUInt16BE(this.seq & 0xffff, 2);
    b.writeUInt32BE(ts >>> 0, 4);
    b.writeUInt32BE(this.ssrc, 8);
    payload.copy(b, 12);
    this.seq = (this.seq + 1) & 0xffff;
    if (Math.random() * 100 >= this.lossPct) {
      this.raw(this.transform(b));
      this.sent++;
    }
    return b;
  }

  raw(b: Buffer): void {
    this.#socket.send(b, this.#to, this.#toAddress);
  }

  rawRtcp(b: Buffer): void {
    this.#rtcpSocket.send(b, this.#to + 1, this.#toAddress);
  }

  /** A key of 100 ms by RFC 4733, while the voice is silent. */
  async key(code: number, eventType = 101): Promise<void> {
    const { tones, ts } = this;
    this.tones = [];
    for (let i = 1; i <= 5; i++) {
      this.send(eventType, Buffer.from([code, 10, (i * 160) >> 8, (i * 160) & 255]), ts, i === 1);
      await wait(20);
    }
    for (let i = 0; i < 3; i++) this.send(eventType, Buffer.from([code, 0x8a, 800 >> 8, 800 & 255]), ts);
    this.tones = tones;
  }

  /** A key of `ms` in the audio. */
  async inbandKey(low: number, high: number, ms = 80): Promise<void> {
    const { tones } = this;
    this.tones = [low, high];
    this.amplitude = 12_000;
    await wait(ms);
    this.tones = tones;
    this.amplitude = 8000;
  }

  /** Samples heard within the last `ms`. */
  samples(ms: number): Int16Array {
    const since = performance.now() - ms;
    const parts = this.heard.filter((p) => p.atMs >= since && (p.payloadType === 0 || p.payloadType === 8));
    const out = new Int16Array(parts.reduce((sum, p) => sum + p.payload.length, 0));
    let at = 0;
    for (const { payloadType, payload } of parts) for (const byte of payload) out[at++] = toLinear(payloadType)[byte]!;
    return out;
  }

  /** Which of the usual test tones it hears: '400+1000', 'silence' (packets without a tone) or 'nothing'. */
  hears(ms = 300, among = [400, 600, 1000, 1500, 2200]): string {
    const samples = this.samples(ms);
    if (!samples.length) return 'nothing';
    return among.filter((hz) => loudness(samples, hz) > 1500).join('+') || 'silence';
  }

  clear(): void {
    this.heard.length = 0;
  }

  continuity(): Continuity {
    const result = { packets: this.heard.length, ssrcChanges: 0, seqBreaks: 0, tsBackward: 0, tsOffMs: 0, maxGapMs: 0 };
    for (let i = 1; i < this.heard.length; i++) {
      const a = this.heard[i - 1]!;
      const b = this.heard[i]!;
      if (a.ssrc !== b.ssrc) result.ssrcChanges++;
      if (((b.seq - a.seq) & 0xffff) !== 1) result.seqBreaks++;
      result.maxGapMs = Math.max(result.maxGapMs, b.atMs - a.atMs);
      if (a.payloadType > 95 || b.payloadType > 95) continue;
      const step = (b.ts - a.ts) | 0;
      if (step < a.payload.length) result.tsBackward++;
      result.tsOffMs = Math.max(result.tsOffMs, Math.abs(step / 8 - (b.atMs - a.atMs)));
    }
    return result;
  }

  close(): void {
    this.hush();
    this.#socket.close();
    this.#rtcpSocket.close();
  }

  #listen(): void {
    this.#rtcpSocket.on('message', (m) => this.rtcp.push(m));
    this.#rtcpSocket.on('error', () => undefined);
    this.#socket.on('error', () => undefined);
    this.#socket.on('message', (m) => {
      if (m[1]! >= 192 && m[1]! <= 223) {
        this.rtcp.push(m);
        return;
      }
      this.heard.push({
        atMs: performance.now(),
        payloadType: m[1]! & 127,
        marker: m[1]! > 127,
        seq: m.readUInt16BE(2),
        ts: m.readUInt32BE(4),
        ssrc: m.readUInt32BE(8),
        payload: m.subarray(12),
      });
    });
  }
}

/** Amplitude of one frequency (Goertzel). */
export function loudness(samples: ArrayLike<number>, hz: number, from = 0, to = samples.length): number {
  const k = 2 * Math.cos((2 * Math.PI * hz) / 8000);
  let s1 = 0;
  let s2 = 0;
  for (let i = from; i < to; i++) {
    const s = samples[i]! + k * s1 - s2;
    s2 = s1;
    s1 = s;
  }
  return Math.sqrt(Math.max(0, s1 * s1 + s2 * s2 - k * s1 * s2)) / ((to - from) / 2);
}

export function wait(ms: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, ms);
  });
}

/** Waits until `condition` holds. */
export async function until(condition: () => boolean, withinMs = 3000, what = 'condition'): Promise<void> {
  const end = performance.now() + withinMs;
  while (!condition()) {
    if (performance.now() > end) throw new Error(`${what} did not come within ${withinMs} ms`);
    await wait(5);
  }
}

/** A-law bytes of a tone. */
export function toneFile(hz: number, ms: number, amplitude = 8000): Buffer {
  const encode = fromLinear(PCMA);
  return Buffer.from(
    Uint8Array.from(
      { length: ms * 8 },
      (_, i) => encode[Math.round(amplitude * Math.sin((2 * Math.PI * hz * i) / 8000)) & 0xffff]!,
    ),
  );
}

function bind(socket: dgram.Socket, port: number, address: string): Promise<number> {
  return new Promise((resolve, reject) => {
    socket.once('error', reject);
    socket.bind(port, address, () => {
      socket.off('error', reject);
      resolve(socket.address().port);
    });
  });
}
