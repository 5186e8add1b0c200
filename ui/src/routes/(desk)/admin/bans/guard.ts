export interface Ban {
  id: string;
  source: string;
  reason: 'flood' | 'unknown-user' | 'wrong-password' | 'scanner' | 'manual';
  detail: string;
  count: number;
  since: string;
  until: string | null;
}

/** `GET /sip/guard`. */
export interface GuardFigures {
  hours: { at: string; counts: Record<string, number> }[];
  suspects: Suspect[];
  sources: number;
}

export interface Suspect {
  source: string;
  floods: number;
  unknown: number;
  passwords: number;
  at: string;
}

/** Kinds that are shown, in the order of weight. */
export const SEEN = ['banned', 'busy', 'silenced', 'unknown-user', 'wrong-password', 'scanner', 'bans'] as const;

export const sumOf = ({ hours }: GuardFigures, kind: string): number =>
  hours.reduce((sum, { counts }) => sum + (counts[kind] ?? 0), 0);

/** What was refused in an hour: requests that went no further. */
export const refusedIn = (counts: Record<string, number>): number =>
  (counts.banned ?? 0) + (counts.busy ?? 0) + (counts.silenced ?? 0) + (counts.scanner ?? 0);
