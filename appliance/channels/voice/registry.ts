import type { Bus } from '#appliance/platform/bus/index.ts';
import type { VoiceCall } from './voice-call.ts';

/** The calls this process runs, by interaction. Tells the others when one changes. */
export class CallRegistry {
  readonly #calls = new Map<string, VoiceCall>();
  readonly #aliases = new Map<string, VoiceCall>();
  readonly #bus: Bus;
  readonly #onAdd: ((call: VoiceCall) => void)[] = [];

  constructor(bus: Bus) {
    this.#bus = bus;
  }

  /** Told of every call that becomes ours. */
  onAdd(listener: (call: VoiceCall) => void): void {
    this.#onAdd.push(listener);
  }

  add(call: VoiceCall): void {
    this.#calls.set(call.id, call);
    for (const listener of this.#onAdd) listener(call);
    call.events.on('changed', () =>
      this.#bus.publish({ type: 'call.changed', interactionId: call.id, agentIds: call.agentIds }),
    );
  }

  /** Another interaction that is about the same call: an internal one that waits for whom its agent asks for. */
  alias(interactionId: string, call: VoiceCall): void {
    this.#aliases.set(interactionId, call);
  }

  remove(call: VoiceCall): void {
    this.#calls.delete(call.id);
    for (const [id, one] of this.#aliases) if (one === call) this.#aliases.delete(id);
    this.#bus.publish({ type: 'call.changed', interactionId: call.id, agentIds: call.agentIds });
  }

  get(interactionId: string): VoiceCall | undefined {
    return this.#calls.get(interactionId);
  }

  /** Also by the interaction of a consultation that waited in a queue: for what people see and press. */
  about(interactionId: string): VoiceCall | undefined {
    return this.#calls.get(interactionId) ?? this.#aliases.get(interactionId);
  }

  get size(): number {
    return this.#calls.size;
  }

  all(): IterableIterator<VoiceCall> {
    return this.#calls.values();
  }
}
