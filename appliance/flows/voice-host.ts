import type { CallRecorder } from '#appliance/channels/voice/index.ts';
import { recorded, type VoiceCall, type VoiceChannel } from '#appliance/channels/voice/index.ts';
import type { Scalar } from '#appliance/contract/flow.ts';
import type { Clock } from '#appliance/kernel/clock.ts';
import { AppError } from '#appliance/kernel/errors.ts';
import {
  type EnqueueRequest,
  type FlowHost,
  type Gathered,
  type GatherOptions,
  type HangupCause,
  HostGone,
  type PlayEnd,
  type PlayItem,
  type PlayOptions,
  type QueueTicket,
  type TransferEnd,
  type TransferTo,
} from './host.ts';

/** Q.850 causes for the ways a flow hangs up. */
const CAUSES: Record<HangupCause, number> = { normal: 16, busy: 17, rejected: 21, unavailable: 20, failure: 41 };

/** A flow heard and answered over the telephone. */
export class VoiceHost implements FlowHost {
  readonly #call: VoiceCall;
  readonly #voice: VoiceChannel;
  readonly #recorder: CallRecorder;
  readonly #clock: Clock;
  #secure = false;

  constructor(call: VoiceCall, voice: VoiceChannel, recorder: CallRecorder, clock: Clock) {
    this.#call = call;
    this.#voice = voice;
    this.#recorder = recorder;
    this.#clock = clock;
  }

  get call(): Record<string, Scalar> {
    const { facts } = this.#call;
    return {
      from: facts.from,
      to: facts.to,
      channel: 'voice',
      interactionId: facts.interactionId,
      customerId: facts.customer?.id ?? '',
      customerName: facts.customer?.name ?? '',
      known: facts.customer?.known ?? false,
      language: facts.language,
    };
  }

  get answered(): boolean {
    return this.#call.customer.state === 'up';
  }

  async answer(): Promise<void> {
    this.#check();
    if (!this.answered) await this.#call.customer.answer();
  }

  async play(items: PlayItem[], options: PlayOptions): Promise<PlayEnd> {
    this.#check();
    if (this.#taken || options.signal?.aborted) return 'aborted';
    const { digits, customer } = this.#call;
    if (options.interruptedBy && digits.typedAhead(options.interruptedBy)) return 'digit';
    if (items.length === 0) return 'finished';
    const playback = customer.play(
      items.map((item) => item.media),
      { loop: options.loop ?? false },
    );
    const ends: Promise<PlayEnd>[] = [playback.done.then((why) => (why === 'finished' ? 'finished' : 'aborted'))];
    const undo: (() => void)[] = [];
    ends.push(
      new Promise((resolve) => {
        undo.push(digits.onPressed((digit) => options.interruptedBy.includes(digit) && resolve('digit')));
        const { signal, forMs } = options;
        if (signal) {
          const abort = (): void => resolve('aborted');
          signal.addEventListener('abort', abort);
          undo.push(() => signal.removeEventListener('abort', abort));
        }
        if (forMs !== undefined) undo.push(this.#clock.after(forMs, () => resolve('finished')));
      }),
    );
    const end = await Promise.race(ends);
    for (const step of undo) step();
    // What goes on after a loop is for the next step to say; a prompt cut short by a digit stops at once.
    if (end === 'digit' || (end === 'aborted' && !this.#taken)) playback.stop();
    this.#check();
    return end;
  }

  async gather(options: GatherOptions): Promise<Gathered> {
    this.#check();
    const { digits, end } = await this.#call.digits.gather(options);
    this.#check();
    return { digits, end: end === 'cancelled' ? 'timeout' : end };
  }

  clearDigits(): void {
    this.#call.digits.clear();
  }

  language(language: string): void {
    this.#call.facts.language = language;
    this.#call.save();
  }

  async enqueue(request: EnqueueRequest): Promise<QueueTicket> {
    this.#check();
    const ticket = await this.#voice.queueing.enqueue(
      this.#call,
      {
        queueId: request.queueId,
        // A flow raises or lowers what the queue gives everybody.
        ...(request.priority === 0 ? {} : { priority: this.#voice.priorityOf(request.queueId) + request.priority }),
        skills: request.skills.map(({ skillId, level }) => ({ skillId, minLevel: level })),
        ...(request.preferredAgentId ? { preferredAgentId: request.preferredAgentId } : {}),
      },
      request.resumed,
    );
    return {
      outcome: ticket.outcome.then((outcome) => {
        if (outcome.end === 'left' && outcome.to === 'gone') throw new HostGone();
        return outcome;
      }),
      position: ticket.position,
      leave: async (why) => {
        const left = await ticket.leave(why);
        if (left) this.#call.enter('flow');
        return left;
      },
    };
  }

  async transfer(to: TransferTo, options: { timeoutMs: number; music: PlayItem[] }): Promise<TransferEnd> {
    this.#check();
    const end = await this.#voice.transfers.toOutside(this.#call, to, {
      timeoutMs: options.timeoutMs,
      music: options.music.map((item) => item.media),
    });
    // In the mailbox the call has left the flow as well.
    if (end === 'connected' || end === 'voicemail') return 'connected';
    this.#check();
    this.#call.enter('flow');
    return end;
  }

  async voicemail(options: {
    queueId: string | undefined;
    maxMs: number;
    beep: PlayItem[];
  }): Promise<'recorded' | 'empty'> {
    this.#check();
    return this.#voice.voicemail.take(this.#call, {
      queueId: options.queueId ?? this.#call.queueId,
      maxMs: options.maxMs,
      beep: options.beep.map((item) => item.media),
    });
  }

  async callback(options: { queueId: string; number: string }): Promise<void> {
    this.#check();
    await this.#voice.voicemail.promiseCallback(this.#call, options);
  }

  async hangup(cause: HangupCause): Promise<void> {
    this.#call.customer.hangup({ q850: CAUSES[cause] });
  }

  /**
   * Digits are blocked in the switch, where recording and relay are fed; the recording pauses as well. What cannot be
   * made secure is not asked for: this throws.
   */
  async secure(on: boolean): Promise<void> {
    if (on === this.#secure) return;
    const call = this.#call;
    if (call.customer.state !== 'ended') {
      await call.customer.blockDigits(on);
      // Pauses are counted by reason, also over a restart: an agent's own pause stays.
      call.recording = await this.#recorder.control(recorded(call), on ? 'pause' : 'resume', 'secure-entry');
      if (on && call.recording === 'on') {
        await call.customer.blockDigits(false);
        throw new AppError(
          'unavailable',
          'recording-not-paused',
          'The recording could not be paused, so no secure entry is possible.',
        );
      }
    }
    this.#secure = on;
  }

  /** Somebody else decides what the caller hears now. */
  get #taken(): boolean {
    return this.#call.stage !== 'secure' && (this.#call.agent !== undefined || this.#call.outside !== undefined);
  }

  #check(): void {
    if (this.#call.stage === 'ended' || this.#call.customer.state === 'ended') throw new HostGone();
  }
}
