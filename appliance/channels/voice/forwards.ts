// Where a call to somebody goes on to, and how far. Pure.
import type { Forwarding, ForwardTarget } from '#appliance/contract/calls.ts';

/** Why a call is forwarded: before it rings, or after it rang in vain. */
export type Situation = 'always' | 'busy' | 'noAnswer' | 'notRegistered';

/** A call is forwarded so often at most: a longer chain is a mistake or a fraud. */
export const MOST_HOPS = 5;

/** At a time, so many calls of one person are forwarded outside at most: what a stolen password can cost is bounded. */
export const MOST_OUTSIDE = 2;

/** Before anything rings. */
export function atOnce(
  rules: Forwarding,
  { busy, reachable }: { busy: boolean; reachable: boolean },
): Situation | undefined {
  if (rules.always) return 'always';
  if (!reachable) return 'notRegistered';
  return busy && rules.busy ? 'busy' : undefined;
}

/** After it rang in vain, by what the phones said. */
export function afterwards(q850: number): Situation {
  if (q850 === 17 || q850 === 21) return 'busy'; // user busy, call rejected
  if (q850 === 18 || q850 === 19 || q850 === 102) return 'noAnswer';
  return 'notRegistered';
}

export type Next = ForwardTarget | { to: 'nowhere'; why: 'no-rule' | 'too-many-hops' | 'loop' | 'number-not-allowed' };

/** The way on, unless it leads in circles, too far, or to one of our own numbers by way of the world. */
export function next(
  rules: Forwarding,
  situation: Situation,
  so: { far: number; voicemail: boolean; been: (extension: string) => boolean; isOurs: (number: string) => boolean },
): Next {
  const target = rules[situation];
  if (!target) return so.voicemail ? { to: 'voicemail' } : { to: 'nowhere', why: 'no-rule' };
  if (target.to === 'voicemail') return target;
  if (so.far >= MOST_HOPS) return { to: 'nowhere', why: 'too-many-hops' };
  if (target.to === 'extension') return so.been(target.extension) ? { to: 'nowhere', why: 'loop' } : target;
  return isPublic(target.number) && !so.isOurs(target.number) ? target : { to: 'nowhere', why: 'number-not-allowed' };
}

/** A number of the telephone network that may be forwarded to: no short codes, no service numbers without a subscriber. */
export function isPublic(number: string): boolean {
  return /^(\+[1-9]|0)?[0-9]{5,15}$/.test(number.replace(/[ ()./-]/g, ''));
}
