// Tells the switch who hears what, and tells it again when it came back.

import type { Clock } from '#appliance/kernel/clock.ts';
import { messageOf } from '#appliance/kernel/errors.ts';
import type { Log } from '#appliance/platform/log/index.ts';
import type { Hear, Media } from '../media/api.ts';
import { type Hearing, hearOf, sameHear } from './hear.ts';

/** How a new leg begins. */
const SILENCE: Hear = { kind: 'none' };
const UNKNOWN: Hear = { kind: 'play', prompts: [], token: 'unknown' };

/** A leg as far as sound goes. */
export interface Listener {
  readonly hearing: Hearing;
  /** It has a port in the switch. */
  readonly audible: boolean;
}

export class Routes {
  readonly #media: Pick<Media, 'route' | 'connected'>;
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #told = new Map<string, Hear>();
  readonly #mixes = new Map<string, Set<Listener>>();

  constructor(media: Pick<Media, 'route' | 'connected'>, clock: Clock, log: Log) {
    this.#media = media;
    this.#clock = clock;
    this.#log = log;
  }

  members(mix: string): Listener[] {
    return [...(this.#mixes.get(mix) ?? [])];
  }

  join(mix: string, leg: Listener): void {
    const members = this.#mixes.get(mix);
    if (members) members.add(leg);
    else this.#mixes.set(mix, new Set([leg]));
  }

  leave(mix: string, leg: Listener): void {
    const members = this.#mixes.get(mix);
    members?.delete(leg);
    if (members?.size === 0) this.#mixes.delete(mix);
  }

  /** The leg it heard is deleted in the switch, which falls silent for it without being told. */
  bereave(leg: Listener | undefined): void {
    if (leg && this.#wanted(leg.hearing).kind === 'none' && this.#told.get(leg.hearing.id)?.kind === 'leg')
      this.#told.set(leg.hearing.id, SILENCE);
  }

  /** Brings the switch up to date about these legs, in one request. What it does not get now (it is away) it gets when it is back. */
  async apply(...legs: (Listener | undefined)[]): Promise<void> {
    const routes: { leg: string; hear: Hear }[] = [];
    for (const leg of new Set(legs)) {
      if (!leg?.audible) continue;
      const hear = this.#wanted(leg.hearing);
      if (sameHear(this.#told.get(leg.hearing.id) ?? SILENCE, hear)) continue;
      this.#told.set(leg.hearing.id, hear);
      routes.push({ leg: leg.hearing.id, hear });
    }
    if (routes.length === 0) return;
    try {
      await this.#media.route(routes);
    } catch (error) {
      for (const { leg } of routes) this.unknown(leg);
      if (!this.#media.connected) return;
      this.#log.error(
        { error: messageOf(error), legs: routes.map((route) => route.leg) },
        'the switch refused a route',
      );
      throw error;
    }
  }

  /** The switch lost its memory, or may have. */
  async repeat(legs: Iterable<Listener>): Promise<void> {
    const all = [...legs];
    for (const leg of all) this.unknown(leg.hearing.id);
    await this.apply(...all);
  }

  /** Whatever it hears now, it was not told by this process: the next word counts in any case. */
  unknown(id: string): void {
    this.#told.set(id, UNKNOWN);
  }

  forget(id: string): void {
    this.#told.delete(id);
  }

  #wanted(hearing: Hearing): Hear {
    return hearOf(hearing, this.#clock.now().getTime(), (name) => this.members(name).map((member) => member.hearing));
  }
}
