import type { TransferTarget } from '#appliance/contract/bus.ts';
import type { CallToTake } from '#appliance/contract/calls.ts';
import type { MeLive } from '#appliance/contract/live.ts';
import type { OfferView, PresenceState } from '#appliance/contract/work.ts';
import { ApiError, post, put } from '#lib/api/client.ts';
import { attempt, toasts } from '#lib/controls/toasts.svelte.ts';
import type { Live } from '#lib/feed/live.svelte.ts';
import { m } from '#lib/paraglide/messages.js';
import { devices } from '#lib/phone/devices.svelte.ts';
import type { Phone } from '#lib/phone/phone.svelte.ts';
import { Ringer } from '#lib/phone/ringer.ts';
import type { Me } from '#lib/session/me.ts';

export type WorkItem = MeLive['work'][number];
const NONE: never[] = [];
/** A ring that came to nothing is asked for again. */
const AGAIN_MS = 5_000;

/** What I have in hand, and everything I can do with it. The box decides; this class asks. */
export class Work {
  readonly #live: Live;
  readonly #phone: Phone;
  readonly #ringer = new Ringer();
  readonly #stop: () => void;
  #busy = $state<string | undefined>();

  readonly offers: OfferView[] = $derived.by(
    () => this.#live.me.current?.offers.filter((o) => o.state === 'pending') ?? NONE,
  );
  readonly items: WorkItem[] = $derived.by(() => this.#live.me.current?.work ?? NONE);
  /** The conversation that has a call: there is one at a time. */
  readonly onCall: (WorkItem & { call: NonNullable<WorkItem['call']> }) | undefined = $derived.by(() =>
    this.items.find((item): item is WorkItem & { call: NonNullable<WorkItem['call']> } => item.call !== null),
  );
  /** The box has me in a call, but this browser carries no audio of it: after a reload. */
  readonly audioLost: boolean = $derived.by(
    () =>
      this.#phone.state === 'ready' &&
      this.onCall?.state === 'active' &&
      this.onCall.call.browser &&
      this.onCall.call.state !== 'ringing' &&
      !this.#phone.isTalking,
  );

  constructor({ me, live, phone }: { me: Me; live: Live; phone: Phone }) {
    this.#live = live;
    this.#phone = phone;
    const release = me.agent ? live.me.hold() : () => undefined;
    if (me.agent) void phone.start(me.agent.ringOn);
    const stopEffects = $effect.root(() => {
      $effect(() => {
        // One tab rings: the one that has the phone.
        const rings = this.offers.some(
          (offer) => phone.state !== 'elsewhere' && (offer.channel !== 'voice' || phone.state !== 'desk'),
        );
        if (rings) this.#ringer.start(devices.ring);
        else this.#ringer.stop();
      });
      // The customer hears music until I am back: no time to be lost with a question. Only when another browser
      // carries the call it takes a click to bring it here.
      $effect(() => {
        if (!this.audioLost || !this.onCall || !(this.onCall.call.lost || phone.tookOver)) return;
        const { id } = this.onCall.call;
        const ask = () => void this.#ringMe(id).catch(() => undefined);
        ask();
        const again = setInterval(ask, AGAIN_MS);
        return () => clearInterval(again);
      });
      // Muted stays muted, also in a page that was loaded anew.
      $effect(() => {
        if (phone.isTalking && this.onCall?.call.muted) phone.mute(true);
      });
    });
    this.#stop = () => {
      release();
      stopEffects();
      this.#ringer.stop();
    };
  }

  /** Which button waits for the box. */
  get busy(): string | undefined {
    return this.#busy;
  }

  async setPresence(state: PresenceState, reason?: string): Promise<void> {
    await this.#do('presence', () => put('/me/presence', { state, ...(reason ? { reason } : {}) }));
  }

  async accept(offer: OfferView): Promise<void> {
    const byBrowser = offer.channel === 'voice' && this.#phone.state !== 'desk';
    if (byBrowser) {
      // Answering the call is the acceptance; when it has not rung here yet, it is answered as soon as it does.
      if (this.#phone.isRinging) this.#phone.answer();
      else this.#phone.expectCall();
      return;
    }
    this.#busy = 'accept';
    try {
      await post(`/offers/${offer.id}/accept`);
    } catch (error) {
      if (error instanceof ApiError && error.code === 'answer-on-phone') toasts.info(m.answer_on_phone());
      else toasts.failed(error);
    } finally {
      this.#busy = undefined;
    }
  }

  async decline(offer: OfferView): Promise<void> {
    await this.#do('decline', () => post(`/offers/${offer.id}/decline`));
  }

  async hold(): Promise<void> {
    const call = this.onCall?.call;
    if (call) await this.#do('hold', () => post(`/calls/${call.id}/${call.state === 'held' ? 'resume' : 'hold'}`));
  }

  async mute(): Promise<void> {
    const call = this.onCall?.call;
    if (!call) return;
    const muted = !call.muted;
    // The microphone first: whatever the network does, nobody hears what should not be heard.
    if (muted) this.#phone.mute(true);
    const done = await this.#do('mute', () => post(`/calls/${call.id}/mute`, { muted }));
    if (done && !muted) this.#phone.mute(false);
  }

  async record(mode: 'pause' | 'resume'): Promise<void> {
    const call = this.onCall?.call;
    if (call) await this.#do('record', () => post(`/calls/${call.id}/record`, { mode }));
  }

  async sendDigits(digits: string): Promise<void> {
    const call = this.onCall?.call;
    if (call) await attempt(() => post(`/calls/${call.id}/dtmf`, { digits }));
  }

  async transfer(to: TransferTarget): Promise<boolean> {
    const call = this.onCall?.call;
    return call ? this.#do('transfer', () => post(`/calls/${call.id}/transfer`, { to })) : false;
  }

  /** Asks somebody while the customer waits with music. */
  async consult(to: TransferTarget): Promise<boolean> {
    const call = this.onCall?.call;
    return call ? this.#do('consult', () => post(`/calls/${call.id}/consult`, { to })) : false;
  }

  /** What becomes of the consultation: hand over, come back, or all talk together. */
  async consultation(what: 'complete' | 'cancel' | 'conference'): Promise<void> {
    const call = this.onCall?.call;
    if (!call) return;
    const path = what === 'conference' ? 'conference' : `consult/${what}`;
    await this.#do(what, () => post(`/calls/${call.id}/${path}`));
  }

  /** Takes somebody out of the conference. */
  async removeParty(partyId: string): Promise<void> {
    const call = this.onCall?.call;
    if (call) await this.#do('remove', () => post(`/calls/${call.id}/parties/${partyId}/remove`));
  }

  /** The customer waits with music, and anybody may take them by the number of the slot. */
  async park(): Promise<void> {
    const call = this.onCall?.call;
    if (!call) return;
    await this.#do('park', async () => {
      const { slot } = await post<{ slot: string }>(`/calls/${call.id}/park`);
      toasts.info(m.parked_at({ slot }));
    });
  }

  /** Brings what is parked, or what rings with a colleague, to my phone. */
  async take(one: CallToTake): Promise<void> {
    if (this.#phone.state === 'ready') this.#phone.expectCall();
    await this.#do(one.id, () =>
      one.kind === 'parked'
        ? post(`/calls/parked/${one.slot}/pickup`)
        : post('/calls/pickup', { agentId: one.agentId }),
    );
  }

  /** The customer enters digits that nobody hears. */
  async secureEntry(flowId: string): Promise<void> {
    const call = this.onCall?.call;
    if (call) await this.#do('secure', () => post(`/calls/${call.id}/secure-entry`, { flowId }));
  }

  async cancelSecureEntry(): Promise<void> {
    const call = this.onCall?.call;
    if (call) await this.#do('secure', () => post(`/calls/${call.id}/secure-entry/cancel`));
  }

  async hangUp(): Promise<void> {
    const call = this.onCall?.call;
    if (this.#phone.hangUp()) return;
    if (call) await this.#do('hangup', () => post(`/calls/${call.id}/hangup`));
  }

  async dial(to: string): Promise<boolean> {
    if (this.#phone.state === 'ready') this.#phone.expectCall();
    return this.#do('dial', () => post('/calls', { to }));
  }

  /** My call's audio is in another tab of this browser. */
  get isInOtherTab(): boolean {
    return this.#phone.state === 'elsewhere' && this.onCall?.call.browser === true;
  }

  /** Brings the audio of my call to this browser. */
  async reconnectAudio(): Promise<void> {
    const call = this.onCall?.call;
    if (call) await this.#do('reconnect', () => this.#ringMe(call.id));
  }

  async #ringMe(callId: string): Promise<void> {
    this.#phone.expectCall();
    await post(`/calls/${callId}/ring-me`);
  }

  async finishWrapUp(item: WorkItem, disposition: string | null, notes: string): Promise<boolean> {
    return this.#do('wrap-up', () =>
      post(`/interactions/${item.interactionId}/wrap-up`, { disposition, notes: notes.trim() || null }),
    );
  }

  async extendWrapUp(item: WorkItem, seconds: number): Promise<void> {
    await this.#do('extend', () => post(`/interactions/${item.interactionId}/wrap-up/extend`, { seconds }));
  }

  close(): void {
    this.#stop();
  }

  async #do(name: string, action: () => Promise<unknown>): Promise<boolean> {
    this.#busy = name;
    const done = await attempt(action);
    this.#busy = undefined;
    return done;
  }
}
