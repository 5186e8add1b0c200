// One party: identity, life and sound of its leg. SIP is in line.ts and its stages, media in leg-audio.ts.

import { within } from '#appliance/kernel/async.ts';
import { Emitter } from '#appliance/kernel/emitter.ts';
import { AppError, messageOf } from '#appliance/kernel/errors.ts';
import type { LegStats } from '../media/api.ts';
import type { DialogName, EndCause, Leg, LegEvents, LegState, Party, Playback } from './api.ts';
import { causeOfOurs, failure, Q850 } from './causes.ts';
import type { CallsContext } from './context.ts';
import type { Hearing } from './hear.ts';
import { hold, mute, resume } from './hold.ts';
import type { IncomingLine } from './incoming-line.ts';
import type { LegAudio } from './leg-audio.ts';
import type { Line } from './line.ts';
import { type OpenPlayback, play, silence } from './playback.ts';
import { LegRecord } from './record.ts';
import type { Redirects } from './redirect.ts';
import type { LegRow } from './store.ts';

export interface LegIdentity {
  id: string;
  direction: 'in' | 'out';
  from: Party;
  to: Party;
  trunkId?: string | undefined;
  phoneId?: string | undefined;
  tag?: Record<string, unknown> | undefined;
  createdAt: Date;
}

/** The switch answers in a millisecond or is away; nobody's end waits for it longer. */
const STATS_WITHIN_MS = 500;

export class CallLeg implements Leg {
  readonly id: string;
  readonly direction: 'in' | 'out';
  readonly from: Party;
  readonly to: Party;
  readonly trunkId: string | undefined;
  readonly phoneId: string | undefined;
  readonly createdAt: Date;
  readonly audio: LegAudio;
  readonly record: LegRecord;
  readonly hearing: Hearing;
  readonly context: CallsContext;
  tag: Record<string, unknown>;
  line: Line | undefined;
  playback: OpenPlayback | undefined;
  digitsBlocked = false;
  /** Where its 3xx sent us. */
  redirects: Redirects | undefined;
  callId: string | undefined;
  readonly #emitter = new Emitter<LegEvents>();
  #state: LegState = 'trying';
  #answeredAt: Date | undefined;
  #answeringAt: Date | undefined;
  #peer: CallLeg | undefined;
  #finalStats: LegStats | undefined;
  #cancelMaximum: (() => void) | undefined;

  constructor(context: CallsContext, identity: LegIdentity, audio: LegAudio, restored?: LegRow) {
    this.context = context;
    this.id = identity.id;
    this.direction = identity.direction;
    this.from = identity.from;
    this.to = identity.to;
    this.trunkId = identity.trunkId;
    this.phoneId = identity.phoneId;
    this.createdAt = identity.createdAt;
    this.tag = identity.tag ?? {};
    this.audio = audio;
    this.hearing = {
      id: this.id,
      hold: undefined,
      heldByParty: false,
      muted: false,
      play: undefined,
      peer: undefined,
      mix: undefined,
    };
    this.record = new LegRecord({
      store: context.store,
      row: () => this.#row(),
      soon: context.soon,
      exists: restored !== undefined,
      failed: (error) =>
        context.log.error({ leg: this.id, error: messageOf(error) }, 'the row of a leg was not stored'),
    });
    if (restored) {
      this.#state = restored.state;
      this.#answeredAt = restored.answeredAt ?? undefined;
    }
    context.legs.set(this.id, this);
  }

  get state(): LegState {
    return this.#state;
  }

  /** For code that waited: the state may have changed meanwhile. */
  get finished(): boolean {
    return this.#state === 'ended';
  }

  get answeredAt(): Date | undefined {
    return this.#answeredAt;
  }

  get peer(): CallLeg | undefined {
    return this.#peer;
  }

  get onHold(): boolean {
    return this.hearing.hold !== undefined;
  }

  get browser(): boolean {
    return this.audio.facts.edge?.kind === 'webrtc';
  }

  get reachable(): boolean {
    return !this.browser || this.phoneId === undefined || this.context.registrar.online(this.phoneId);
  }

  get finalStats(): LegStats | undefined {
    return this.#finalStats;
  }

  get dialog(): DialogName | undefined {
    const { callId, line } = this;
    return callId && line ? { callId, localTag: line.tags.local, remoteTag: line.tags.remote[0] } : undefined;
  }

  async confirmed(): Promise<void> {
    await this.line?.confirmed;
  }

  get audible(): boolean {
    return this.audio.open && this.#state !== 'ended';
  }

  saveTag(tag: Record<string, unknown>): void {
    this.tag = tag;
    this.record.touch();
  }

  on<K extends keyof LegEvents>(name: K, listener: (event: LegEvents[K]) => void): () => void {
    return this.#emitter.on(name, listener);
  }

  ring(): void {
    if (this.direction === 'in' && this.#state === 'trying') {
      this.#incoming().ring();
      this.#become('ringing');
    }
  }

  async early(): Promise<void> {
    if (this.#state === 'early' || this.#state === 'up') return;
    await this.#incoming().early();
    if (this.#state === 'trying' || this.#state === 'ringing') this.#become('early');
    await this.context.routes.apply(this);
  }

  async answer(): Promise<void> {
    if (this.#state === 'up') return;
    await this.#incoming().answer();
  }

  hangup(cause?: { q850?: number; sip?: number; text?: string }): void {
    if (this.#state === 'ended') return;
    const ours = causeOfOurs(cause);
    this.line?.end(ours);
    this.finish(ours);
  }

  play(prompts: string[], options: { loop?: boolean; fromMs?: number } = {}): Playback {
    return play(this, prompts, options);
  }

  silence(): void {
    silence(this);
  }

  sendDigits(digits: string): Promise<void> {
    return this.context.media.sendDigits(this.id, digits);
  }

  blockDigits(blocked: boolean): Promise<void> {
    this.digitsBlocked = blocked;
    return this.context.media.blockDigits(this.id, blocked);
  }

  hold(music: string[]): Promise<void> {
    return hold(this, music);
  }

  resume(): Promise<void> {
    return resume(this);
  }

  mute(muted: boolean): Promise<void> {
    return mute(this, muted);
  }

  async stats(): Promise<LegStats | undefined> {
    return this.#state === 'ended' ? this.#finalStats : this.context.media.stats(this.id);
  }

  async probe(withinMs: number, { end = true } = {}): Promise<boolean> {
    if (this.#state !== 'up') return this.#state !== 'ended';
    if (await this.line?.probe?.(withinMs, end)) return true;
    if (this.finished || !end) return false; // it hung up meanwhile, or the dialog itself has found out
    const cause = failure(Q850.outOfOrder, 'The party does not answer any more', 408);
    this.line?.end(cause);
    this.finish(cause);
    return false;
  }

  // ---- below: for the other parts of this room ----

  emit<K extends keyof LegEvents>(name: K, event: LegEvents[K]): void {
    try {
      this.#emitter.emit(name, event);
    } catch (error) {
      this.context.log.error({ leg: this.id, event: name, error: messageOf(error) }, 'a listener of a leg failed');
    }
  }

  /** The far side rings, or lets us hear something already. */
  ringing(early: boolean): void {
    if (this.#state !== 'trying' && this.#state !== 'ringing') return;
    if (this.#state === 'ringing' && !early) return;
    this.#become(early ? 'early' : 'ringing');
    if (early) void this.context.routes.apply(this).catch(() => {});
    this.emit('ringing', { early });
  }

  /** About to be answered: its row says so from now on, for the 200 may have left when we die. */
  answering(): void {
    this.#answeringAt ??= this.context.clock.now();
  }

  /** The dialog stands. */
  up(line: Line): void {
    this.adopted(line);
    void this.context.routes.apply(this).catch(() => {});
    this.emit('up', {});
    if (this.audio.lostAtEdge) this.context.mend(this);
  }

  /** It stands already, and what is heard is as it was. */
  adopted(line: Line): void {
    const { clock, maxCallMs } = this.context;
    this.line = line;
    this.#become('up');
    this.#answeredAt ??= this.#answeringAt ?? clock.now();
    const lastedMs = clock.now().getTime() - this.#answeredAt.getTime();
    this.#cancelMaximum = clock.after(Math.max(0, maxCallMs - lastedMs), () =>
      this.hangup({ q850: 102, text: 'Longest duration of a call reached' }),
    );
  }

  setPeer(peer: CallLeg | undefined): void {
    this.#peer = peer;
    this.hearing.peer = peer?.hearing;
  }

  setHeldByParty(held: boolean): void {
    if (this.hearing.heldByParty === held) return;
    this.hearing.heldByParty = held;
    void this.context.routes.apply(this).catch(() => {});
    this.emit('held-by-party', { held });
  }

  fail(): void {
    if (this.#state === 'ended') throw new AppError('conflict', 'leg-ended', 'The call has ended.');
  }

  /** The leg is over: whoever ended it has told the other side. */
  finish(cause: EndCause): void {
    if (this.#state === 'ended') return;
    this.#become('ended');
    const at = this.context.clock.now();
    this.#cancelMaximum?.();
    this.playback?.close('ended');
    const peer = this.#peer;
    if (peer) {
      peer.setPeer(undefined);
      peer.record.touch();
      this.setPeer(undefined);
    }
    const { mix } = this.hearing;
    if (mix) this.context.routes.leave(mix.name, this);
    const others = mix ? this.context.routes.members(mix.name) : [];
    this.context.routes.bereave(peer);
    void this.context.routes.apply(peer, ...others).catch(() => {});
    this.context.routes.forget(this.id);
    this.record.remove();
    void this.#close(cause, at);
  }

  #become(state: LegState): void {
    this.#state = state;
    this.context.changed?.(this);
  }

  async #close(cause: EndCause, at: Date): Promise<void> {
    try {
      this.#finalStats = await within(STATS_WITHIN_MS, this.audio.close(), 'the switch is away');
    } catch (error) {
      this.context.log.debug({ leg: this.id, error: messageOf(error) }, 'no statistics of a leg');
    }
    this.context.legs.delete(this.id);
    this.context.ended?.(this);
    this.emit('ended', { cause, at, ...(this.#finalStats ? { stats: this.#finalStats } : {}) });
  }

  #incoming(): IncomingLine {
    this.fail();
    if (this.direction !== 'in' || !this.line || !('answer' in this.line)) {
      throw new AppError('conflict', 'not-answerable', 'Only a call that came in can be answered.');
    }
    return this.line as IncomingLine;
  }

  #row(): LegRow {
    const { hold: music, muted, heldByParty, mix } = this.hearing;
    return {
      id: this.id,
      instance: this.context.instance,
      direction: this.direction,
      state: this.#state === 'ended' || this.#answeringAt ? 'up' : this.#state,
      trunkId: this.trunkId ?? null,
      phoneId: this.phoneId ?? null,
      peerId: this.#peer?.id ?? null,
      facts: {
        from: this.from,
        to: this.to,
        ...this.audio.facts,
        dialog: this.line?.dialogFacts ?? null,
        invite: this.line?.inviteFacts ?? null,
        hold: music ?? null,
        muted,
        heldByParty,
        mix: mix ? { name: mix.name, hear: mix.hear ?? null } : null,
      },
      tag: this.tag,
      createdAt: this.createdAt,
      answeredAt: this.#answeredAt ?? this.#answeringAt ?? null,
    };
  }
}
