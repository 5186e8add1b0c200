// Our registration at a carrier (RFC 3261 §10.2): kept alive, retried with back-off, given back at the end.
import type { Clock } from '#appliance/kernel/clock.ts';
import { messageOf } from '#appliance/kernel/errors.ts';
import type { SipResponse } from '../sip/index.ts';

export interface RegistrationState {
  registered: boolean;
  until: Date | null;
  detail: string;
}

export interface RegistrationOptions {
  clock: Clock;
  /** Sends REGISTER with that Expires and resolves with the final response, digest done. Call-ID and CSeq go on with each. */
  register(expiresS: number): Promise<SipResponse>;
  changed(state: RegistrationState): void;
  expiresS?: number;
  random?: () => number;
}

const FIRST_RETRY_S = 15;
const LAST_RETRY_S = 900;
const SHORTEST_S = 30;

export class Registration {
  readonly #options: RegistrationOptions;
  #expiresS: number;
  #failures = 0;
  #stopped = false;
  #cancelTimer: (() => void) | undefined;
  #state: RegistrationState = { registered: false, until: null, detail: 'not registered yet' };

  constructor(options: RegistrationOptions) {
    this.#options = options;
    this.#expiresS = options.expiresS ?? 600;
  }

  get state(): RegistrationState {
    return this.#state;
  }

  start(): void {
    void this.#attempt();
  }

  /** Takes the registration back; resolves when the registrar has answered or did not. */
  async stop(): Promise<void> {
    this.#stopped = true;
    this.#cancelTimer?.();
    if (this.#state.registered) await this.#options.register(0).catch(() => {});
  }

  async #attempt(): Promise<void> {
    let response: SipResponse;
    try {
      response = await this.#options.register(this.#expiresS);
    } catch (error) {
      this.#failed(messageOf(error));
      return;
    }
    if (this.#stopped) return;
    const { status } = response;
    if (status >= 200 && status < 300) {
      const grantedS = grantedBy(response) ?? this.#expiresS;
      this.#failures = 0;
      const until = new Date(this.#options.clock.now().getTime() + grantedS * 1000);
      this.#tell({ registered: true, until, detail: `registered for ${grantedS} s` });
      // Early enough that two attempts fit before the end, never in a rush.
      this.#again(Math.max(SHORTEST_S / 2, Math.min(grantedS * 0.8, grantedS - 30)));
      return;
    }
    // RFC 3261 §10.2.8
    const least = Number(response.header('min-expires'));
    if (status === 423 && Number.isInteger(least) && least > this.#expiresS && least <= 86_400) {
      this.#expiresS = least;
      this.#again(0.1);
      return;
    }
    this.#failed(`${status} ${response.reason}`, Number.parseInt(response.header('retry-after') ?? '', 10));
  }

  #failed(detail: string, retryAfterS = Number.NaN): void {
    if (this.#stopped) return;
    this.#failures++;
    const backOffS = Math.min(LAST_RETRY_S, FIRST_RETRY_S * 2 ** Math.min(this.#failures - 1, 10));
    const waitS = retryAfterS > 0 && retryAfterS < 3600 ? Math.max(retryAfterS, backOffS) : backOffS;
    const { until } = this.#state;
    const still = until !== null && until > this.#options.clock.now();
    this.#tell({ registered: still, until: still ? until : null, detail });
    // RFC 5626 §4.5: half to whole, so that a carrier's restart does not meet everybody at once.
    this.#again(waitS * (0.5 + (this.#options.random ?? Math.random)() / 2));
  }

  #again(inS: number): void {
    if (this.#stopped) return;
    this.#cancelTimer?.();
    this.#cancelTimer = this.#options.clock.after(inS * 1000, () => void this.#attempt());
  }

  #tell(state: RegistrationState): void {
    this.#state = state;
    this.#options.changed(state);
  }
}

/** The registrar's word counts: `expires` of our Contact, else Expires. */
function grantedBy(response: SipResponse): number | undefined {
  const own = Number.parseInt(response.contact?.params.expires ?? '', 10);
  const common = Number.parseInt(response.header('expires') ?? '', 10);
  const granted = Number.isFinite(own) ? own : common;
  return Number.isFinite(granted) && granted >= SHORTEST_S && granted <= 86_400 ? granted : undefined;
}
