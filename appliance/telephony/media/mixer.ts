// Conference: every member is decoded once and hears the sum of those it may hear. Whisper, barge and monitor are who hears whom.
import { toLinear } from './g711.ts';
import type { Leg } from './leg.ts';
import type { Source } from './outlet.ts';
import type { Ticker } from './scheduler.ts';

const FRAME = 160;
const CAPACITY = FRAME * 10;
const MAX_FILL = FRAME * 3; // losses up to 60 ms keep their place in time

interface Member {
  leg: Leg;
  /** Undefined: everybody else. */
  hears: Set<string> | undefined;
  queue: Int16Array;
  queued: number;
  room: number;
  primed: boolean;
  lastSeq: number;
  frame: Int16Array;
  speaks: boolean;
}

export class Mix implements Ticker, Source {
  readonly slotIndex = -1;
  readonly name: string;
  readonly #members = new Map<string, Member>();
  readonly #sum = new Int32Array(FRAME);
  readonly #out = new Int16Array(FRAME);

  constructor(name: string) {
    this.name = name;
  }

  get alive(): boolean {
    return this.#members.size > 0;
  }

  set(leg: Leg, hear: string[] | undefined): void {
    const hears = hear && new Set(hear);
    const known = this.#members.get(leg.id);
    if (known) {
      known.hears = hears;
      return;
    }
    const member: Member = {
      leg,
      hears,
      queue: new Int16Array(CAPACITY),
      queued: 0,
      room: 2 * FRAME,
      primed: false,
      lastSeq: -1,
      frame: new Int16Array(FRAME),
      speaks: false,
    };
    this.#members.set(leg.id, member);
  }

  remove(leg: Leg): void {
    this.#members.delete(leg.id);
  }

  audio(leg: Leg, m: Buffer, offset: number, end: number, seq: number): void {
    const member = this.#members.get(leg.id);
    if (!member) return;
    const length = end - offset;
    const step = member.lastSeq < 0 ? 1 : ((seq - member.lastSeq) << 16) >> 16;
    if (step <= 0 && step > -100) return; // too late: its place has been heard
    member.lastSeq = seq;
    member.room = Math.max(member.room, length + FRAME);
    const missing = step > 1 && step < 100 ? Math.min((step - 1) * length, MAX_FILL) : 0;
    if (member.queued + missing + length > CAPACITY) {
      // The party's clock runs fast, or it sent a burst: forget the oldest, keep the delay small.
      const keep = Math.min(member.queued, member.room);
      member.queue.copyWithin(0, member.queued - keep, member.queued);
      member.queued = keep;
    }
    member.queue.fill(0, member.queued, member.queued + missing);
    let at = member.queued + missing;
    const decode = toLinear(leg.outlet.codec);
    for (let i = offset; i < end; i++) member.queue[at++] = decode[m[i]!]!;
    member.queued = at;
    if (!member.primed && at >= member.room) member.primed = true;
  }

  tick(nowMs: number): boolean {
    if (!this.alive) return false;
    const sum = this.#sum.fill(0);
    for (const member of this.#members.values()) this.#take(member, sum);
    for (const member of this.#members.values()) {
      const { outlet } = member.leg;
      if (outlet.source === this) outlet.playSamples(this, this.#heardBy(member), nowMs);
    }
    return true;
  }

  #take(member: Member, sum: Int32Array): void {
    member.speaks = member.primed && member.queued >= FRAME;
    if (!member.speaks) {
      member.primed = false; // ran dry: gather some room for jitter again
      return;
    }
    const { frame, queue } = member;
    for (let i = 0; i < FRAME; i++) {
      frame[i] = queue[i]!;
      sum[i]! += queue[i]!;
    }
    queue.copyWithin(0, FRAME, member.queued);
    member.queued -= FRAME;
  }

  #heardBy(member: Member): Int16Array {
    const out = this.#out;
    if (!member.hears) {
      const own = member.speaks ? member.frame : undefined;
      for (let i = 0; i < FRAME; i++) out[i] = clip(this.#sum[i]! - (own ? own[i]! : 0));
      return out;
    }
    const heard: Int16Array[] = [];
    for (const id of member.hears) {
      const other = this.#members.get(id);
      if (other?.speaks && other !== member) heard.push(other.frame);
    }
    for (let i = 0; i < FRAME; i++) {
      let value = 0;
      for (const frame of heard) value += frame[i]!;
      out[i] = clip(value);
    }
    return out;
  }
}

function clip(value: number): number {
  return Math.max(-32_768, Math.min(32_767, value));
}
