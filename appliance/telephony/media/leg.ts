// One party: one UDP port. Receives here (latch, statistics, digits, recording, fan-out); what it hears leaves by its outlet.

import type { LegStats, MediaEvents } from './api.ts';
import { DigitBlocker } from './digits/blocker.ts';
import { InbandDetector } from './digits/inband.ts';
import { DIGITS, EventReceiver } from './digits/telephone-event.ts';
import { toneInto } from './digits/tones.ts';
import { fromLinear, silenceByte, toLinear } from './g711.ts';
import { Latch } from './latch.ts';
import type { LegSlot } from './leg-table.ts';
import { monoMs } from './mono.ts';
import { comfortNoise } from './noise.ts';
import { Outlet, type Source } from './outlet.ts';
import { RecordingTap } from './recording-tap.ts';
import type { Ring } from './ring.ts';
import { buildReport, readReports } from './rtcp.ts';
import { COMFORT_NOISE, looksLikeRtcp, type RtpView, readRtp } from './rtp.ts';
import { emodel, RxStats } from './rx-stats.ts';
import type { UdpPort } from './transport.ts';

export interface LegHost {
  readonly ring: Ring;
  tell<K extends 'digit' | 'latched' | 'silent'>(event: K, data: MediaEvents[K]): void;
  /** Audio for whatever mixes this leg. */
  mixed(leg: Leg, m: Buffer, offset: number, end: number, seq: number): void;
}

export interface LegSettings {
  codec?: number;
  telephoneEvent?: number;
  remote?: { address: string; port: number };
  strict?: boolean;
  rtcpMux?: boolean;
  relatch?: boolean;
}

const RELATCH_MS = 3000;
const SILENT_MS = 10_000;
const KERNEL_FILTER_PROOF_MS = 150;
const REPORT_EVERY_S = 5;
const SAME_DIGIT_MS = 300;
const MAX_AUDIO_BYTES = 960; // 120 ms

const view: RtpView = { payloadType: 0, seq: 0, ts: 0, ssrc: 0, offset: 0, end: 0 };

export class Leg implements Source {
  readonly id: string;
  readonly slotIndex: number;
  readonly outlet: Outlet;
  /** Legs that hear this one. */
  readonly listeners: Leg[] = [];
  readonly rx = new RxStats();
  readonly tap: RecordingTap;
  mixing = false;
  readonly #host: LegHost;
  readonly #slot: LegSlot;
  readonly #rtp: UdpPort;
  readonly #rtcp: UdpPort | undefined;
  readonly #latch = new Latch();
  readonly #events: EventReceiver;
  #inband: InbandDetector | undefined;
  #blocker: DigitBlocker | undefined;
  #rtcpMux = false;
  #rtcpPort = 0;
  #strays = 0;
  #createdMs = monoMs();
  #lastRxMs = 0;
  #toldSilentMs = 0;
  #lockedMs = 0;
  #heardSinceLock = false;
  #kernelFilter = true;
  #seconds: number;

  constructor(host: LegHost, slot: LegSlot, id: string, rtp: UdpPort, rtcp: UdpPort | undefined) {
    this.#host = host;
    this.#slot = slot;
    this.id = id;
    this.slotIndex = slot.index;
    this.#seconds = slot.index % REPORT_EVERY_S;
    this.#rtp = rtp;
    this.#rtcp = rtcp;
    this.tap = new RecordingTap(host.ring);
    this.outlet = new Outlet(slot, (packet) => this.#transmit(packet));
    this.#events = new EventReceiver((digit, phase, ms) => this.#digit(digit, phase, ms, 'rfc4733'));
    rtp.onPacket = (m, address, port) => this.#onPacket(m, address, port);
    if (rtcp) rtcp.onPacket = (m, address, port) => this.#onRtcp(m, address, port);
  }

  fresh(ssrc: number, seq: number, ts: number): void {
    this.#slot.open(this.id, ssrc);
    this.outlet.fresh(ssrc, seq, ts);
  }

  /** Continues the leg of a former process, or of another worker, from its slot. */
  restore(nowMs: number, afterCrash: boolean): void {
    const { settings, remote, recording, counters } = this.#slot;
    this.outlet.restore(nowMs, afterCrash);
    this.outlet.codec = settings.codec;
    this.outlet.telephoneEvent = settings.telephoneEvent;
    this.#rtcpMux = settings.rtcpMux;
    this.#latch.strict = settings.strict;
    if (remote.announced) this.#latch.announce(remote.announced, remote.announcedPort);
    this.#latch.address = remote.address;
    this.#latch.port = remote.port;
    if (settings.latched) this.#lock(remote.address, remote.port, nowMs);
    this.rx.carry(counters.received, counters.lost);
    this.tap.recording = recording.number;
    this.tap.stream = recording.stream;
    this.#lastRxMs = nowMs;
    this.#choosePath(settings.blocked);
  }

  configure(settings: LegSettings): void {
    if (settings.codec !== undefined) this.outlet.codec = settings.codec;
    if (settings.telephoneEvent !== undefined) this.outlet.telephoneEvent = settings.telephoneEvent;
    if (settings.strict !== undefined) this.#latch.strict = settings.strict;
    if (settings.rtcpMux !== undefined) this.#rtcpMux = settings.rtcpMux;
    const { remote } = settings;
    if (remote && (remote.address !== this.#latch.announced || remote.port !== this.#latch.announcedPort)) {
      this.#unlock();
      this.#latch.announce(remote.address, remote.port);
      this.#rtcpPort = 0;
    } else if (settings.relatch) this.#unlock();
    this.#choosePath(this.#blocker !== undefined);
    this.#save();
  }

  block(blocked: boolean): void {
    if (blocked !== (this.#blocker !== undefined)) this.#choosePath(blocked);
    this.#save();
  }

  record(recording: number, stream: number): void {
    this.tap.recording = recording;
    this.tap.stream = stream;
    this.#slot.saveRecording(recording, stream);
  }

  get blocked(): boolean {
    return this.#blocker !== undefined;
  }

  get stats(): LegStats {
    const { rx } = this;
    const { r, mos } = emodel(rx.lossPct, rx.jitterMs, rx.rttMs);
    return {
      leg: this.id,
      received: rx.totalReceived,
      sent: this.outlet.packets,
      lost: rx.totalLost,
      lossPct: round(rx.lossPct, 2),
      jitterMs: round(rx.jitterMs, 2),
      rttMs: round(rx.rttMs, 1),
      r: round(r, 1),
      mos: round(mos, 2),
      strays: this.#strays,
    };
  }

  /** Once a second. */
  housekeeping(nowMs: number): void {
    const quietMs = nowMs - (this.#lastRxMs || this.#createdMs);
    if (this.#latch.locked && quietMs > RELATCH_MS) {
      this.#unlock(); // the party may have moved: listen to all again, keep sending where it was
      this.#save();
    }
    const expected = this.#lastRxMs > 0 || this.outlet.packets > 0;
    if (expected && quietMs - this.#toldSilentMs >= SILENT_MS) {
      this.#toldSilentMs = quietMs - (quietMs % SILENT_MS);
      this.#host.tell('silent', { leg: this.id, ms: Math.round(quietMs) });
    }
    this.#events.housekeeping(nowMs);
    this.#saveCounters();
    if (++this.#seconds % REPORT_EVERY_S === 0) this.#report(nowMs, false);
  }

  /** Shortly after a lock: when the kernel's filter swallows the party (it talks to another address of ours), filter here instead. */
  proveKernelFilter(nowMs: number): boolean {
    if (!this.#rtp.connected || this.#heardSinceLock) return true;
    if (nowMs - this.#lockedMs < KERNEL_FILTER_PROOF_MS) return false;
    this.#rtp.disconnect();
    this.#kernelFilter = false;
    return true;
  }

  /** Another worker goes on with it: the slot says how. */
  handOver(): void {
    this.#blocker?.release();
    this.#saveCounters();
    this.#save();
    this.#rtp.pause();
    this.#rtcp?.pause();
  }

  close(): void {
    this.#report(monoMs(), true);
    this.#rtp.disconnect();
    this.#rtp.onPacket = drop;
    if (this.#rtcp) this.#rtcp.onPacket = drop;
    this.#slot.clear();
  }

  #onPacket(m: Buffer, address: string, port: number): void {
    if (looksLikeRtcp(m)) {
      if (this.#latch.locked && this.#latch.judge(address, port, false) === 'known') this.#readRtcp(m);
      return;
    }
    if (!readRtp(m, view)) {
      this.#strays++;
      return;
    }
    const { payloadType, seq, ts, ssrc } = view;
    let { offset, end } = view;
    const audio = payloadType === this.outlet.codec;
    const event = !audio && payloadType === this.outlet.telephoneEvent && payloadType !== 0;
    const nowMs = monoMs();
    if (!this.#admit(address, port, audio || event || payloadType === COMFORT_NOISE, nowMs)) {
      this.#strays++;
      return;
    }
    this.#lastRxMs = nowMs;
    this.#toldSilentMs = 0;
    this.#heardSinceLock = true;
    if (end === offset || end - offset > MAX_AUDIO_BYTES) return;
    if (!this.rx.update(ssrc, seq, ts, nowMs * 8)) return;
    if (event) {
      const added = this.#events.packet(m, offset, end, ts, nowMs);
      if (this.#blocker) this.#replaceEvent(added, seq, ts, ssrc);
      else this.#deliver(m, offset, end, true, added, seq, ts, ssrc, nowMs);
      return;
    }
    let packet = m;
    if (!audio) {
      if (payloadType !== COMFORT_NOISE) return;
      packet = comfortNoise(m[offset]!, this.outlet.codec);
      offset = 12;
      end = packet.length;
    }
    this.#blocker?.audio(packet, offset, end, seq, ts, ssrc);
    this.#inband?.audio(toLinear(this.outlet.codec), packet, offset, end);
    if (this.#blocker) this.#blocker.advance();
    else this.#deliver(packet, offset, end, false, 0, seq, ts, ssrc, nowMs);
  }

  #admit(address: string, port: number, plausible: boolean, nowMs: number): boolean {
    if (this.#latch.locked && this.#rtp.connected) return true; // the kernel has looked already
    switch (this.#latch.judge(address, port, plausible)) {
      case 'known':
        return true;
      case 'stray':
        return false;
      case 'lock':
        this.#lock(address, port, nowMs);
        this.#save();
        this.#host.tell('latched', { leg: this.id, remote: { address, port } });
        return true;
    }
  }

  /** Record first, then the mixers, then the listeners: the last of them may rewrite the packet in place. */
  #deliver(
    m: Buffer,
    offset: number,
    end: number,
    event: boolean,
    added: number,
    seq: number,
    ts: number,
    ssrc: number,
    nowMs: number,
  ): void {
    const { codec, telephoneEvent } = this.outlet;
    if (this.tap.recording) this.tap.frame(m, offset, end, event ? telephoneEvent : codec, seq, ts, nowMs);
    if (this.mixing && !event) this.#host.mixed(this, m, offset, end, seq);
    const { listeners } = this;
    const last = listeners.length - 1;
    for (let i = 0; i <= last; i++) {
      const { outlet } = listeners[i]!;
      if (event && outlet.telephoneEvent === 0) this.#eventAsTone(outlet, added, seq, ts, ssrc, nowMs);
      else outlet.relay(this, codec, m, offset, end, event, seq, ts, ssrc, nowMs, i === last);
    }
  }

  /** For a party without telephone-event the key is heard as its tone. */
  #eventAsTone(outlet: Outlet, added: number, seq: number, ts: number, ssrc: number, nowMs: number): void {
    if (added === 0) {
      outlet.skip(this);
      return;
    }
    const start = this.#events.coveredTicks;
    const samples = new Int16Array(Math.min(added, MAX_AUDIO_BYTES));
    toneInto(samples, DIGITS[this.#events.code]!, start);
    const b = Buffer.alloc(12 + samples.length);
    const encode = fromLinear(outlet.codec);
    for (let i = 0; i < samples.length; i++) b[12 + i] = encode[samples[i]! & 0xffff]!;
    const at = (ts + start) >>> 0;
    outlet.relay(this, outlet.codec, b, 12, b.length, false, seq, at, ssrc, nowMs, true);
  }

  /** Blocked: relay and recording get silence for the length of the key, numbered like the event packets. */
  #replaceEvent(added: number, seq: number, ts: number, ssrc: number): void {
    if (added === 0) {
      this.#blocker?.nothing();
      return;
    }
    const { codec } = this.outlet;
    const b = Buffer.alloc(12 + Math.min(added, MAX_AUDIO_BYTES), silenceByte(codec));
    b[1] = 0; // no marker
    this.#blocker?.audio(b, 12, b.length, seq, (ts + this.#events.coveredTicks) >>> 0, ssrc);
    this.#blocker?.advance();
  }

  #digit(digit: string, phase: 'down' | 'up', ms: number | undefined, via: 'rfc4733' | 'inband'): void {
    const data = { leg: this.id, digit, phase, via };
    this.#host.tell('digit', ms === undefined ? data : { ...data, ms });
  }

  /** In-band digits are looked for only where they can come from: talk-off is the price (ITU-T Q.24). */
  #choosePath(blocked: boolean): void {
    const wanted = blocked || this.outlet.telephoneEvent === 0;
    if (!wanted) this.#inband = undefined;
    else this.#inband ??= new InbandDetector((digit, phase, ms) => this.#inbandDigit(digit, phase, ms));
    if (!blocked) {
      this.#blocker?.release();
      this.#blocker = undefined;
    } else if (!this.#blocker) {
      const blocker = new DigitBlocker({
        silence: () => silenceByte(this.outlet.codec),
        deliver: (m, offset, end, seq, ts, ssrc) => this.#deliver(m, offset, end, false, 0, seq, ts, ssrc, monoMs()),
        skip: () => {
          for (const { outlet } of this.listeners) outlet.skip(this);
        },
      });
      this.#blocker = blocker;
    }
    if (this.#inband) {
      const blocker = this.#blocker;
      this.#inband.onSuspicion = blocker ? (fromBack, length) => blocker.mute(fromBack, length) : undefined;
    }
  }

  /** A phone that sends both the event and its tone pressed one key. */
  #inbandDigit(digit: string, phase: 'down' | 'up', ms: number | undefined): void {
    if (this.#events.recent(SAME_DIGIT_MS, monoMs()) === digit) return;
    this.#digit(digit, phase, ms, 'inband');
  }

  #onRtcp(m: Buffer, address: string, port: number): void {
    if (address !== this.#latch.address || !looksLikeRtcp(m)) return;
    this.#rtcpPort = port;
    this.#readRtcp(m);
  }

  #readRtcp(m: Buffer): void {
    readReports(m, this.outlet.ssrc, this.rx, monoMs());
  }

  #report(nowMs: number, bye: boolean): void {
    const { outlet } = this;
    const { address, port } = this.#latch;
    if (!port || (!outlet.packets && !this.rx.started)) return;
    const sending = {
      ssrc: outlet.ssrc,
      ts: outlet.timestampAt(nowMs),
      packets: outlet.packets,
      octets: outlet.octets,
    };
    const report = buildReport(sending, this.rx, nowMs, `${this.id}@media`, bye);
    // RFC 3550 §11: port + 1, unless the party agreed to multiplexing (RFC 5761 §5.1.1)
    if (this.#rtcpMux) this.#rtp.send(report, port, address);
    else if (port < 65_535) this.#rtcp?.send(report, this.#rtcpPort || port + 1, address);
  }

  #transmit(packet: Buffer): void {
    const { address, port } = this.#latch;
    if (port) this.#rtp.send(packet, port, address);
  }

  #lock(address: string, port: number, nowMs: number): void {
    this.#latch.lock(address, port);
    this.#lockedMs = nowMs;
    this.#heardSinceLock = false;
    if (this.#kernelFilter) this.#rtp.connect(port, address);
  }

  #unlock(): void {
    this.#latch.open();
    this.#rtp.disconnect();
  }

  #saveCounters(): void {
    this.#slot.saveCounters(this.outlet.packets, this.outlet.octets, this.rx.totalReceived, this.rx.totalLost);
  }

  #save(): void {
    const { codec, telephoneEvent } = this.outlet;
    const { address, port, announced, announcedPort, strict, locked } = this.#latch;
    this.#slot.saveSettings({
      codec,
      telephoneEvent,
      strict,
      blocked: this.blocked,
      rtcpMux: this.#rtcpMux,
      latched: locked,
    });
    this.#slot.saveRemote(address, port, announced, announcedPort);
  }
}

function round(value: number, digits: number): number {
  return Number(value.toFixed(digits));
}

function drop(): void {}
