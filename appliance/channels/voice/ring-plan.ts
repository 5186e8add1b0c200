import type { Clock } from '#appliance/kernel/clock.ts';
import {
  type Calls,
  DialFailed,
  type DialOptions,
  type DialTarget,
  type EndCause,
  type Leg,
  type Ringing,
} from '#appliance/telephony/calls/index.ts';

/** Phones that ring from `afterMs` on, for `forMs` or to the end. */
export interface RingStage {
  targets: DialTarget[];
  afterMs: number;
  forMs: number | null;
}

/** Names of rings that phones tell apart (Alert-Info, RFC 3261 §20.4, as desk phones read it). */
export const RINGS = {
  queue: 'alert-queue',
  internal: 'alert-internal',
  external: 'alert-external',
  /** Who is rung asked for it: the phone picks up by itself. */
  own: 'alert-autoanswer',
} as const;

export function ringHeader(ring: string): [string, string] {
  return ['Alert-Info', `<http://127.0.0.1>;info=${ring}`];
}

/** Everything at once, whatever the turns: for who must be found now. */
export function allTargets(stages: readonly RingStage[]): DialTarget[] {
  return stages.flatMap(({ targets }) => targets);
}

/** Rings the phones of one person by their pattern; the first that answers has the call. */
export function ringInTurn(
  calls: Pick<Calls, 'dial'>,
  clock: Clock,
  stages: readonly RingStage[],
  options: DialOptions,
): Ringing {
  const [only, ...more] = stages;
  if (only && more.length === 0 && only.afterMs === 0 && only.forMs === null) return calls.dial(only.targets, options);
  return new TurnByTurn(calls, clock, stages, options);
}

class TurnByTurn implements Ringing {
  readonly answered: Promise<Leg>;
  readonly #calls: Pick<Calls, 'dial'>;
  readonly #options: DialOptions;
  readonly #clock: Clock;
  readonly #startedAt: number;
  readonly #waiting: { stage: RingStage; stop: () => void }[] = [];
  readonly #attempts: Ringing[] = [];
  readonly #failures: EndCause[] = [];
  #ringing = 0;
  #over = false;
  #resolve!: (leg: Leg) => void;
  #reject!: (error: DialFailed) => void;

  constructor(calls: Pick<Calls, 'dial'>, clock: Clock, stages: readonly RingStage[], options: DialOptions) {
    this.#calls = calls;
    this.#options = options;
    this.#clock = clock;
    this.#startedAt = clock.now().getTime();
    this.answered = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
    this.answered.catch(() => {});
    const inTurn = [...stages].sort((a, b) => a.afterMs - b.afterMs);
    for (const stage of inTurn) {
      if (stage.afterMs === 0) this.#start(stage);
      else {
        const turn = { stage, stop: () => {} };
        turn.stop = clock.after(stage.afterMs, () => {
          this.#waiting.splice(this.#waiting.indexOf(turn), 1);
          this.#start(stage);
        });
        this.#waiting.push(turn);
      }
    }
    if (this.#ringing === 0) queueMicrotask(() => this.#next());
  }

  get legs(): readonly Leg[] {
    return this.#attempts.flatMap(({ legs }) => legs);
  }

  cancel(cause: { q850?: number; text?: string } = {}): void {
    this.#fail({ by: 'us', q850: cause.q850 ?? 16, text: cause.text ?? 'Cancelled' }, cause);
  }

  #start(stage: RingStage): void {
    if (this.#over) return;
    const { ringTimeoutMs } = this.#options;
    const passedMs = this.#clock.now().getTime() - this.#startedAt;
    const leftMs = ringTimeoutMs === undefined ? undefined : ringTimeoutMs - passedMs;
    if (leftMs !== undefined && leftMs <= 0) {
      this.#lost({ by: 'failure', q850: 19, text: 'No answer' });
      return;
    }
    const limits = [leftMs, stage.forMs].filter((ms) => ms !== undefined && ms !== null);
    const attempt = this.#calls.dial(stage.targets, {
      ...this.#options,
      ...(limits.length ? { ringTimeoutMs: Math.min(...limits) } : {}),
    });
    this.#ringing++;
    this.#attempts.push(attempt);
    attempt.answered.then(
      (leg) => this.#won(attempt, leg),
      (error: unknown) => {
        this.#ringing--;
        this.#lost(error instanceof DialFailed ? error.cause_ : { by: 'failure', q850: 41, text: 'No media' });
      },
    );
  }

  #won(winner: Ringing, leg: Leg): void {
    if (this.#over) {
      leg.hangup({ q850: 26, sip: 200, text: 'Call completed elsewhere' });
      return;
    }
    this.#finish();
    for (const attempt of this.#attempts)
      if (attempt !== winner) attempt.cancel({ q850: 26, text: 'Call completed elsewhere' });
    this.#resolve(leg);
  }

  #lost(cause: EndCause): void {
    if (this.#over) return;
    this.#failures.push(cause);
    // 21: the person pressed the button that says no; it holds for every phone of theirs.
    if (cause.by === 'party' && cause.q850 === 21) this.#fail(cause, { q850: 16 });
    else if (this.#ringing === 0) this.#next();
  }

  /** Nothing rings any more: nobody waits for the moment of the next turn. */
  #next(): void {
    if (this.#over || this.#ringing > 0) return;
    const turn = this.#waiting.shift();
    if (turn) {
      turn.stop();
      this.#start(turn.stage);
    } else this.#fail(mostTelling(this.#failures), { q850: 16 });
  }

  #fail(cause: EndCause, told: { q850?: number; text?: string }): void {
    if (this.#over) return;
    this.#finish();
    for (const attempt of this.#attempts) attempt.cancel(told);
    this.#reject(new DialFailed(cause));
  }

  #finish(): void {
    this.#over = true;
    for (const { stop } of this.#waiting.splice(0)) stop();
  }
}

/** Of several the one a person made: busy before no answer, no answer before nothing there. */
function mostTelling(failures: readonly EndCause[]): EndCause {
  const rank = ({ q850 }: EndCause): number => {
    if (q850 === 17 || q850 === 21) return 0;
    return q850 === 18 || q850 === 19 || q850 === 102 ? 1 : 2;
  };
  const [first] = [...failures].sort((a, b) => rank(a) - rank(b));
  return first ?? { by: 'failure', q850: 20, text: 'Nothing to ring' };
}
