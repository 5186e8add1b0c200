// Who is busy, from the legs of the calls room: what the lamps of desk phones show.
import type { Leg } from '#appliance/telephony/calls/index.ts';
import type { LineCall, Lines } from '#appliance/telephony/subscriptions/index.ts';

export interface BusyLinesDeps {
  /** The extension of a phone, its own or that of whoever sits there. */
  extensionOf(phoneId: string): string | undefined;
  exists(extension: string): boolean;
}

type Telling = Pick<Leg, 'id' | 'dialog' | 'direction' | 'state' | 'phoneId'>;

export class BusyLines implements Lines {
  readonly #deps: BusyLinesDeps;
  readonly #byExtension = new Map<string, Map<string, LineCall>>();
  /** A phone may get another extension in mid call: the call stays where it began. */
  readonly #extensionOfLeg = new Map<string, string>();
  readonly #listeners = new Set<(extension: string) => void>();

  constructor(deps: BusyLinesDeps) {
    this.#deps = deps;
  }

  /** A leg has another state. */
  changed(leg: Telling): void {
    if (leg.phoneId === undefined) return;
    const extension = this.#extensionOfLeg.get(leg.id) ?? this.#deps.extensionOf(leg.phoneId);
    if (extension === undefined) return;
    const calls = this.#byExtension.get(extension);
    const call = callOf(leg);
    if (call) {
      if (calls) calls.set(leg.id, call);
      else this.#byExtension.set(extension, new Map([[leg.id, call]]));
      this.#extensionOfLeg.set(leg.id, extension);
    } else {
      this.#extensionOfLeg.delete(leg.id);
      if (!calls?.delete(leg.id)) return;
      if (calls.size === 0) this.#byExtension.delete(extension);
    }
    for (const listener of this.#listeners) listener(extension);
  }

  exists(extension: string): boolean {
    return this.#deps.exists(extension);
  }

  of(extension: string): LineCall[] {
    return [...(this.#byExtension.get(extension)?.values() ?? [])];
  }

  onChange(listener: (extension: string) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }
}

/** Seen from the phone: a call that comes to us is one that it makes. Undefined: nothing to see. */
function callOf({ id, dialog, direction, state }: Telling): LineCall | undefined {
  if (state === 'ended') return undefined;
  const own = direction === 'in';
  // A phone that does not ring yet is not busy.
  if (state === 'trying' && !own) return undefined;
  return {
    id: id.slice(-12),
    // Ours is the other side's view.
    dialog: dialog && { callId: dialog.callId, localTag: dialog.remoteTag, remoteTag: dialog.localTag },
    direction: own ? 'initiator' : 'recipient',
    state: state === 'up' ? 'confirmed' : state === 'trying' ? 'trying' : 'early',
  };
}
