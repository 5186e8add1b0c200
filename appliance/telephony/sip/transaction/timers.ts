// RFC 3261 §17.1.1.1, table 4. All other timers follow from these three.
export interface SipTimers {
  /** Round-trip estimate. */
  t1Ms: number;
  /** Longest interval between retransmissions. */
  t2Ms: number;
  /** Longest time a message stays in the network. */
  t4Ms: number;
}

export const DEFAULT_TIMERS: SipTimers = { t1Ms: 500, t2Ms: 4000, t4Ms: 5000 };

/** Timer D: over 32 s for UDP, shrinks with T1 in tests. */
export const timerD = ({ t1Ms }: SipTimers) => 64 * t1Ms;
/** B, F, H, J, L, M: 64*T1. */
export const sixtyFourT1 = ({ t1Ms }: SipTimers) => 64 * t1Ms;
