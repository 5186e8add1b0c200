// When a source has gone too far: pure, one state per source. Times are milliseconds of any clock that only goes forward.

export type Offence = 'flood' | 'unknown-user' | 'wrong-password' | 'scanner';

export interface GuardLimits {
  /** New dialogs and registrations per second, and how many at once. */
  requestsPerS: number;
  burst: number;
  /** Requests beyond that, within the window, that end in a ban. */
  floodsToBan: number;
  /** Unknown users within the window until we fall silent, and until the ban. */
  unknownToSilence: number;
  unknownToBan: number;
  passwordsToBan: number;
  windowMs: number;
  /** The first ban; each further one of the same source is twice as long. */
  banMs: number;
  maxBanMs: number;
}

export const GUARD_LIMITS: GuardLimits = {
  requestsPerS: 20,
  burst: 60,
  floodsToBan: 300,
  unknownToSilence: 3,
  unknownToBan: 10,
  passwordsToBan: 10,
  windowMs: 10 * 60_000,
  banMs: 3600_000,
  maxBanMs: 7 * 86_400_000,
};

/** What is remembered of a source that is not trusted. */
export interface SourceState {
  tokens: number;
  refilledAt: number;
  windowAt: number;
  floods: number;
  unknown: number;
  passwords: number;
}

export type Judgement = { do: 'let' } | { do: 'busy' } | { do: 'silence' } | { do: 'ban'; why: Offence };

export function newSource(now: number, limits: GuardLimits): SourceState {
  return { tokens: limits.burst, refilledAt: now, windowAt: now, floods: 0, unknown: 0, passwords: 0 };
}

/** A new request outside of dialogs. Changes the state. */
export function onRequest(source: SourceState, now: number, limits: GuardLimits): Judgement {
  turn(source, now, limits);
  source.tokens = Math.min(
    limits.burst,
    source.tokens + (Math.max(0, now - source.refilledAt) / 1000) * limits.requestsPerS,
  );
  source.refilledAt = now;
  if (source.tokens < 1) {
    source.floods++;
    return source.floods >= limits.floodsToBan ? { do: 'ban', why: 'flood' } : { do: 'busy' };
  }
  source.tokens--;
  if (source.unknown < limits.unknownToSilence) return { do: 'let' };
  // It goes on although nobody answers: that is no person with a wrong number.
  source.unknown++;
  return source.unknown >= limits.unknownToBan ? { do: 'ban', why: 'unknown-user' } : { do: 'silence' };
}

/** It asked for somebody who is not here, or showed a wrong password. Changes the state. */
export function onOffence(source: SourceState, what: Offence, now: number, limits: GuardLimits): Judgement {
  turn(source, now, limits);
  switch (what) {
    case 'unknown-user':
      source.unknown++;
      if (source.unknown >= limits.unknownToBan) return { do: 'ban', why: what };
      return source.unknown >= limits.unknownToSilence ? { do: 'silence' } : { do: 'let' };
    case 'wrong-password':
      source.passwords++;
      return source.passwords >= limits.passwordsToBan ? { do: 'ban', why: what } : { do: 'let' };
    case 'flood':
    case 'scanner':
      return { do: 'ban', why: what };
  }
}

/** How long a ban lasts that follows `before` others. */
export function banMsAfter(before: number, limits: GuardLimits): number {
  return Math.min(limits.maxBanMs, limits.banMs * 2 ** Math.min(Math.max(before, 0), 20));
}

/** Programs that only look for open doors say so themselves. */
export function isScanner(userAgent: string | undefined): boolean {
  return (
    userAgent !== undefined &&
    /friendly-scanner|sipvicious|sip-?scan|sundayddr|sipsak|VaxSIPUserAgent|pplsip|iWar|sivus|gulp/i.test(
      userAgent.slice(0, 200),
    )
  );
}

/** A provider gives a customer 2^64 addresses of IPv6: the network counts, not the address. */
export function sourceOf(address: string): string {
  if (address.startsWith('::ffff:')) return address.slice(7);
  if (!address.includes(':')) return address;
  const [head = '', tail] = address.toLowerCase().split('%')[0]!.split('::');
  const groups = head === '' ? [] : head.split(':');
  if (tail !== undefined) {
    const rest = tail === '' ? [] : tail.split(':');
    while (groups.length + rest.length < 8) groups.push('0');
    groups.push(...rest);
  }
  return `${groups
    .slice(0, 4)
    .map((group) => group.replace(/^0+(?=.)/, ''))
    .join(':')}::/64`;
}

function turn(source: SourceState, now: number, limits: GuardLimits): void {
  if (now - source.windowAt < limits.windowMs) return;
  source.windowAt = now;
  source.floods = 0;
  source.unknown = 0;
  source.passwords = 0;
}
