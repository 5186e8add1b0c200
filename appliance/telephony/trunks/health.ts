// Is the far side there? OPTIONS at an interval; one lost answer is not a trunk down, three are.
import type { Clock } from '#appliance/kernel/clock.ts';

export interface HealthState {
  up: boolean;
  detail: string;
  roundTripMs: number | null;
}

export interface HealthOptions {
  clock: Clock;
  intervalS: number;
  /** Sends OPTIONS and resolves with the status; rejects when nothing came back. */
  ask(): Promise<number>;
  changed(state: HealthState): void;
  checked(state: HealthState): void;
}

const FAILURES_TO_DOWN = 3;
/** While in doubt we ask more often. */
const DOUBT_S = 5;

export class Health {
  readonly #options: HealthOptions;
  #state: HealthState = { up: true, detail: 'not asked yet', roundTripMs: null };
  #failures = 0;
  #cancelTimer: (() => void) | undefined;
  #stopped = false;

  constructor(options: HealthOptions) {
    this.#options = options;
  }

  get state(): HealthState {
    return this.#state;
  }

  start(): void {
    void this.#check();
  }

  stop(): void {
    this.#stopped = true;
    this.#cancelTimer?.();
  }

  /** A call has just shown what OPTIONS would: a response from there, or none. */
  witness(answered: boolean): void {
    if (answered) this.#answered('answers calls', null);
    else this.#missed('no response to an INVITE');
  }

  async #check(): Promise<void> {
    const asked = this.#options.clock.now().getTime();
    try {
      const status = await this.#options.ask();
      // Any answer shows life, but 503 says: not now (RFC 3261 §21.5.4). 408 is how a stack says that nobody answered.
      if (status === 503 || status === 408) this.#missed(`OPTIONS answered ${status}`);
      else this.#answered(`OPTIONS answered ${status}`, this.#options.clock.now().getTime() - asked);
    } catch {
      this.#missed('no response to OPTIONS');
    }
    if (this.#stopped) return;
    this.#options.checked(this.#state);
    const doubt = this.#failures > 0 && this.#failures < FAILURES_TO_DOWN;
    this.#cancelTimer?.();
    this.#cancelTimer = this.#options.clock.after(
      (doubt ? DOUBT_S : this.#options.intervalS) * 1000,
      () => void this.#check(),
    );
  }

  #answered(detail: string, roundTripMs: number | null): void {
    this.#failures = 0;
    this.#set({ up: true, detail, roundTripMs: roundTripMs ?? this.#state.roundTripMs });
  }

  #missed(detail: string): void {
    this.#failures++;
    this.#set({ up: this.#state.up && this.#failures < FAILURES_TO_DOWN, detail, roundTripMs: null });
  }

  #set(state: HealthState): void {
    const changed = state.up !== this.#state.up;
    this.#state = state;
    if (changed && !this.#stopped) this.#options.changed(state);
  }
}
