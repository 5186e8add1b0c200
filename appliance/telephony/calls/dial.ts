// Rings many places at once; the first that answers has the call, the others are told that it was answered elsewhere.
import { uuidv7 } from '#appliance/kernel/ids.ts';
import { DialFailed, type DialOptions, type DialTarget, type EndCause, type Leg, type Ringing } from './api.ts';
import { failure, Q850 } from './causes.ts';
import type { CallsContext } from './context.ts';
import { type Endpoint, partyAt, placesOf } from './endpoints.ts';
import { CallLeg } from './leg.ts';
import { LegAudio } from './leg-audio.ts';
import { ringOut } from './outgoing-line.ts';

export function dial(context: CallsContext, targets: DialTarget[], options: DialOptions): Ringing {
  return new Dialing(context, targets, options);
}

class Dialing implements Ringing {
  readonly answered: Promise<Leg>;
  readonly #context: CallsContext;
  readonly #options: DialOptions;
  readonly #legs: CallLeg[] = [];
  readonly #failures: EndCause[] = [];
  #resolve!: (leg: Leg) => void;
  #reject!: (error: DialFailed) => void;
  #pending = 0;
  #done = false;
  #cancelTimer: (() => void) | undefined;

  constructor(context: CallsContext, targets: DialTarget[], options: DialOptions) {
    this.#context = context;
    this.#options = options;
    this.answered = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
    // Whoever dials may look at the legs first; an unobserved failure is no crash.
    this.answered.catch(() => {});
    const seen = new Set<string>();
    const places = targets
      .flatMap((target) => placesOf(context, target))
      .filter(({ endpoint }) => {
        const key =
          endpoint.kind === 'trunk'
            ? `${endpoint.trunk.id} ${endpoint.number}`
            : `${endpoint.phone.id} ${endpoint.address} ${JSON.stringify(endpoint.uri)}`;
        if (seen.has(key)) return false;
        seen.add(key);
        return true;
      });
    this.#pending = places.length;
    if (places.length === 0) {
      queueMicrotask(() => this.#fail(failure(unreachable(targets), 'Nothing to ring', 480)));
      return;
    }
    for (const { endpoint, instead } of places) this.#ring(endpoint, instead);
    if (options.ringTimeoutMs !== undefined) {
      this.#cancelTimer = context.clock.after(options.ringTimeoutMs, () =>
        this.#give({ by: 'failure', q850: Q850.noAnswer, text: 'No answer' }),
      );
    }
  }

  get legs(): readonly Leg[] {
    return this.#legs;
  }

  cancel(cause: { q850?: number; text?: string } = {}): void {
    this.#give({ by: 'us', q850: cause.q850 ?? Q850.normal, text: cause.text ?? 'Cancelled' });
  }

  #ring(endpoint: Endpoint, instead: Endpoint[]): void {
    // Between the choice of the trunk and now its second may have filled up: the next one is tried.
    if (endpoint.kind === 'trunk' && !this.#context.trunks.begin(endpoint.trunk.id)) {
      queueMicrotask(() => this.#lost(failure(Q850.congestion, 'Too many calls a second', 503), instead));
      return;
    }
    const { near, from, tag } = this.#options;
    const nearLeg = near && this.#context.legs.get(near.id);
    const id = uuidv7();
    const leg = new CallLeg(
      this.#context,
      {
        id,
        direction: 'out',
        from,
        to: partyAt(endpoint),
        trunkId: endpoint.kind === 'trunk' ? endpoint.trunk.id : undefined,
        phoneId: endpoint.kind === 'phone' ? endpoint.phone.id : undefined,
        tag: tag && { ...tag },
        createdAt: this.#context.clock.now(),
      },
      new LegAudio({
        leg: id,
        media: this.#context.media,
        edge: this.#context.edge,
        near: nearLeg?.audio.open ? { leg: nearLeg.id, codec: nearLeg.audio.codec } : undefined,
        strict: endpoint.kind === 'trunk',
        prefer: endpoint.kind === 'trunk' ? endpoint.trunk.codecs : ['PCMA', 'PCMU'],
      }),
    );
    this.#legs.push(leg);
    leg.on('up', () => this.#won(leg));
    leg.on('ended', ({ cause }) => this.#lost(cause, instead));
    void ringOut(leg, endpoint, this.#options);
  }

  #won(winner: CallLeg): void {
    // A second one that answered in the same moment.
    if (this.#done) {
      winner.hangup({ q850: 26, sip: 200, text: 'Call completed elsewhere' });
      return;
    }
    this.#finish();
    for (const leg of this.#legs)
      if (leg !== winner) leg.hangup({ q850: 26, sip: 200, text: 'Call completed elsewhere' });
    this.#resolve(winner);
  }

  #lost(cause: EndCause, instead: Endpoint[]): void {
    if (this.#done) return;
    this.#failures.push(cause);
    const [next, ...rest] = instead;
    // The trunk is at fault, not the callee: the next one may do it. A callee who is busy is busy everywhere.
    if (next && isTrunkFault(cause)) {
      this.#ring(next, rest);
      return;
    }
    if (--this.#pending === 0) this.#fail(best(this.#failures));
  }

  #give(cause: EndCause): void {
    if (this.#done) return;
    this.#fail(cause);
    for (const leg of this.#legs) leg.hangup({ q850: cause.q850, text: cause.text });
  }

  #fail(cause: EndCause): void {
    if (this.#done) return;
    this.#finish();
    this.#reject(new DialFailed(cause));
  }

  #finish(): void {
    this.#done = true;
    this.#cancelTimer?.();
  }
}

/** Of several failures the one that says most (after RFC 3261 §16.7 step 6): what a person did, before what machines could not. */
export function best(failures: readonly EndCause[]): EndCause {
  const rank = ({ by, sip = 500 }: EndCause) => {
    if (by === 'failure') return 50;
    if (sip >= 600) return 0;
    if (sip === 486) return 1;
    if (sip === 480) return 3;
    if (sip === 408) return 10;
    return sip < 500 ? 2 : 20;
  };
  return [...failures].sort((a, b) => rank(a) - rank(b))[0]!;
}

function isTrunkFault({ by, sip = 0, q850 }: EndCause): boolean {
  return (
    by === 'failure' ||
    sip === 503 ||
    sip === 502 ||
    sip === 500 ||
    sip === 504 ||
    sip === 403 ||
    q850 === Q850.noCircuit ||
    q850 === Q850.congestion
  );
}

/** 20: there is a phone, but nobody is signed in on it; 34: no trunk is free; 3: no way there at all. */
function unreachable(targets: DialTarget[]): number {
  return targets.some((target) => target.kind !== 'number') ? 20 : Q850.noCircuit;
}
