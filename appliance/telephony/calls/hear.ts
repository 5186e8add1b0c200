// What a party hears, from what was asked for. Pure: the switch is told by routes.ts.
import type { Hear } from '../media/api.ts';

export interface Play {
  prompts: string[];
  loop: boolean;
  fromMs: number;
  token: string;
  /** When it began, so that it can go on in the right place after the switch came back. */
  startedAtMs: number;
}

/** Everything that decides what a leg hears and who hears it. */
export interface Hearing {
  readonly id: string;
  /** The party itself is on our hold and hears this; nobody hears the party. */
  hold: string[] | undefined;
  /** The party pressed its hold key and wants no audio (RFC 3264 §8.4). */
  heldByParty: boolean;
  /** Nobody hears the party. */
  muted: boolean;
  play: Play | undefined;
  peer: Hearing | undefined;
  mix: { name: string; hear: string[] | undefined } | undefined;
}

export function hearOf(leg: Hearing, nowMs: number, inMix: (name: string) => readonly Hearing[]): Hear {
  if (leg.heldByParty) return { kind: 'none' };
  if (leg.hold) return leg.hold.length > 0 ? { kind: 'play', prompts: leg.hold, loop: true } : { kind: 'none' };
  if (leg.play) {
    const { prompts, loop, fromMs, token, startedAtMs } = leg.play;
    const at = fromMs + Math.max(0, nowMs - startedAtMs);
    return { kind: 'play', prompts, token, ...(loop ? { loop } : {}), ...(at > 0 ? { fromMs: at } : {}) };
  }
  if (leg.mix) {
    const { name, hear } = leg.mix;
    const silent = inMix(name).filter((member) => member.hold || member.muted);
    if (!hear && silent.length === 0) return { kind: 'mix', mix: name };
    const wanted = hear ?? inMix(name).map((member) => member.id);
    const heard = wanted.filter((id) => id !== leg.id && !silent.some((member) => member.id === id));
    return { kind: 'mix', mix: name, hear: heard };
  }
  if (leg.peer && !leg.peer.hold && !leg.peer.muted) return { kind: 'leg', leg: leg.peer.id };
  return { kind: 'none' };
}

/** Same sound, so that nothing need be sent; where a prompt stands is not compared. */
export function sameHear(a: Hear | undefined, b: Hear): boolean {
  if (!a || a.kind !== b.kind) return false;
  switch (b.kind) {
    case 'none':
      return true;
    case 'leg':
      return a.kind === 'leg' && a.leg === b.leg;
    case 'play':
      return (
        a.kind === 'play' && a.token === b.token && a.loop === b.loop && a.prompts.join('\0') === b.prompts.join('\0')
      );
    case 'mix':
      return (
        a.kind === 'mix' &&
        a.mix === b.mix &&
        a.hear?.join() === b.hear?.join() &&
        (a.hear === undefined) === (b.hear === undefined)
      );
  }
}
