import type { CallRecorder, EntryWatch, VoiceCall, VoiceChannel } from '#appliance/channels/voice/index.ts';
import type { FlowDocument } from '#appliance/contract/flow.ts';
import type { Clock } from '#appliance/kernel/clock.ts';
import { AppError } from '#appliance/kernel/errors.ts';
import {
  type Gathered,
  type GatherOptions,
  type HangupCause,
  HostGone,
  type PlayEnd,
  type PlayItem,
  type PlayOptions,
} from './host.ts';
import { VoiceHost } from './voice-host.ts';

const STEPS = new Set(['answer', 'play', 'say', 'language', 'set', 'condition', 'http', 'secure', 'hangup', 'goto']);

/** A flow that an agent may run beside a conversation: it asks for digits, hands them on and ends; it leads the call nowhere. */
export function isEntry(document: FlowDocument): boolean {
  const steps = Object.values(document.steps);
  return steps.some(({ type }) => type === 'secure') && steps.every(({ type }) => STEPS.has(type));
}

/** Such a flow over the customer's leg while the agent waits. Its hang-up ends the entry, not the call. */
export class EntryHost extends VoiceHost {
  readonly #call: VoiceCall;
  readonly #watch: EntryWatch;
  /** How the flow said that it ends. */
  outcome: 'done' | 'failed' = 'failed';

  constructor(call: VoiceCall, voice: VoiceChannel, recorder: CallRecorder, clock: Clock, watch: EntryWatch) {
    super(call, voice, recorder, clock);
    this.#call = call;
    this.#watch = watch;
  }

  override async play(items: PlayItem[], options: PlayOptions): Promise<PlayEnd> {
    this.#go();
    this.#watch.told('prompting');
    const end = await super.play(items, options);
    this.#go();
    this.#watch.told('processing');
    return end;
  }

  override async gather(options: GatherOptions): Promise<Gathered> {
    this.#go();
    this.#watch.told('collecting');
    const off = this.#call.digits.onCollected((count) => this.#watch.collected(count));
    try {
      const gathered = await super.gather(options);
      this.#go();
      return gathered;
    } finally {
      off();
      this.#watch.told('processing');
    }
  }

  /** The agent's words and the recording are not the flow's to hear: its language is its own matter. */
  override language(): void {}

  override async hangup(cause: HangupCause): Promise<void> {
    this.outcome = cause === 'normal' ? 'done' : 'failed';
  }

  override enqueue(): never {
    throw new AppError('conflict', 'entry-leads-nowhere', 'A form for digits cannot lead the call elsewhere.');
  }

  override transfer(): never {
    throw new AppError('conflict', 'entry-leads-nowhere', 'A form for digits cannot lead the call elsewhere.');
  }

  #go(): void {
    if (this.#watch.stopped || this.#call.stage !== 'secure') throw new HostGone('The entry was called off');
  }
}
