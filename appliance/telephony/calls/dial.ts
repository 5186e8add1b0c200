// Rings many places at once; the first that answers has the call, the others are told that it was answered elsewhere.
import { uuidv7 } from '#appliance/kernel/ids.ts';
import { printUri } from '../sip/index.ts';
import { DialFailed, type DialOptions, type DialTarget, type EndCause, type Leg, type Ringing } from './api.ts';
import { failure, Q850 } from './causes.ts';
import type { CallsContext } from './context.ts';
import { type Endpoint, inClear, partyAt, placesOf, remoteOf } from './endpoints.ts';
import { CallLeg } from './leg.ts';
import { LegAudio } from './leg-audio.ts';
import { ringOut } from './outgoing-line.ts';
import { MAX_REDIRECTS, type Redirects, waysOf } from './redirect.ts';

const ELSEWHERE = { q850: 26, sip: 200, text: 'Call completed elsewhere' };

export function dial(context: CallsContext, targets: DialTarget[], options: DialOptions): Ringing {
  return new Dialing(context, targets, options);
}

/** One place that rings, and what comes after it. */
interface Attempt {
  endpoint: Endpoint;
  /** Trunks that take the call when this one cannot. */
  instead: Endpoint[];
  /** Other targets that a 3xx named. */
  others: Endpoint[];
  /** Where this place has sent us: no way is gone twice. */
  seen: Set<string>;
  forwarded: DialOptions['forwarded'];
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
        const key = keyOf(endpoint);
        if (seen.has(key)) return false;
        seen.add(key);
        return true;
      });
    this.#pending = places.length;
    if (places.length === 0) {
      queueMicrotask(() => this.#fail(failure(unreachable(targets), 'Nothing to ring', 480)));
      return;
    }
    const { forwarded } = options;
    for (const { endpoint, instead } of places)
      this.#ring({ endpoint, instead, others: [], seen: new Set([keyOf(endpoint)]), forwarded });
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

  #ring(attempt: Attempt): void {
    const { endpoint } = attempt;
    // Between the choice of the trunk and now its second may have filled up: the next one is tried.
    if (endpoint.kind === 'trunk' && !this.#context.trunks.begin(endpoint.trunk.id)) {
      queueMicrotask(() => this.#lost(failure(Q850.congestion, 'Too many calls a second', 503), attempt));
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
    leg.on('ended', ({ cause }) => this.#lost(cause, attempt, leg.redirects));
    void ringOut(leg, endpoint, { ...this.#options, forwarded: attempt.forwarded });
  }

  #won(winner: CallLeg): void {
    // A second one that answered in the same moment.
    if (this.#done) {
      winner.hangup(ELSEWHERE);
      return;
    }
    this.#finish();
    for (const leg of this.#legs) if (leg !== winner) leg.hangup(ELSEWHERE);
    this.#resolve(winner);
  }

  #lost(cause: EndCause, attempt: Attempt, redirects?: Redirects): void {
    if (this.#done) return;
    if (redirects && this.#follow(attempt, redirects)) return;
    this.#failures.push(cause);
    const next = nextAfter(cause, attempt);
    if (next) this.#ring(next);
    else if (--this.#pending === 0) this.#fail(best(this.#failures));
  }

  /** True: the redirection is followed, and nothing has failed yet. */
  #follow(attempt: Attempt, { status, contacts }: Redirects): boolean {
    const { endpoint, seen } = attempt;
    const context = this.#context;
    const ways = waysOf(endpoint, contacts, {
      isOurs: (host) => isOurs(context, endpoint, host),
      isExtension: (user) => context.phones.book.byExtension(user).length > 0,
    }).filter((way) => way.to === 'trunk' || this.#options.followPhones);
    const by = partyAt(endpoint).number;
    const [first] = ways;
    const group =
      first?.to === 'extension'
        ? placesOf(context, { kind: 'extension', extension: first.extension }).map((place) => place.endpoint)
        : ways.flatMap((way) => (way.to === 'trunk' ? way.endpoint : []));
    const fresh = group.filter((one) => !seen.has(keyOf(one))).slice(0, MAX_REDIRECTS + 1 - seen.size);
    const to =
      first?.to === 'extension' ? first.extension : (fresh[0] && targetOf(fresh[0])) || contacts[0]?.user || '';
    this.#options.onRedirect?.({ by, to: to.slice(0, 80), status, followed: fresh.length > 0 });
    if (fresh.length === 0) return false;
    for (const one of fresh) seen.add(keyOf(one));
    const forwarded = attempt.forwarded ?? { by, reason: 'unconditional' as const };
    if (first!.to === 'extension') {
      // All phones of the extension ring at once.
      this.#pending += fresh.length - 1;
      for (const one of fresh) this.#ring({ endpoint: one, instead: [], others: [], seen, forwarded });
    } else {
      const [endpointNow, ...others] = fresh;
      this.#ring({ ...attempt, endpoint: endpointNow!, others: [...others, ...attempt.others], forwarded });
    }
    return true;
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

/** What is tried when a place has failed: in clear what could not be had in secret, the next target of a 3xx, another trunk. */
function nextAfter(cause: EndCause, attempt: Attempt): Attempt | undefined {
  const { endpoint, instead, others } = attempt;
  const plain = isNoSecret(cause) ? inClear(endpoint) : undefined;
  if (plain) return { ...attempt, endpoint: plain };
  // RFC 3261 §8.1.3.4: one after the other, until somebody says 6xx.
  const [other, ...rest] = others;
  if (other && (cause.sip ?? 0) < 600) return { ...attempt, endpoint: other, others: rest };
  // The trunk is at fault, not the callee: the next one may do it. A callee who is busy is busy everywhere.
  const [trunk, ...trunks] = instead;
  if (trunk && isTrunkFault(cause))
    return { ...attempt, endpoint: trunk, instead: trunks, others: [], seen: new Set([keyOf(trunk)]) };
  return undefined;
}

/** 488 and its relatives to an offer of SRTP, or no edge to make it. */
function isNoSecret({ by, sip }: EndCause): boolean {
  return sip === 488 || sip === 606 || sip === 415 || (by === 'failure' && sip === undefined);
}

/** Phones speak of us by our realm or by the address they know us at. */
function isOurs(context: CallsContext, endpoint: Endpoint, host: string): boolean {
  const realm = endpoint.kind === 'phone' ? endpoint.phone.realm : undefined;
  return host === realm?.toLowerCase() || host === context.addressFor(remoteOf(endpoint)).toLowerCase();
}

function targetOf(endpoint: Endpoint): string {
  return endpoint.kind === 'trunk' ? (endpoint.target?.user ?? endpoint.number) : partyAt(endpoint).number;
}

function keyOf(endpoint: Endpoint): string {
  return endpoint.kind === 'trunk'
    ? `${endpoint.trunk.id} ${endpoint.number} ${endpoint.target ? printUri(endpoint.target) : ''}`
    : `${endpoint.phone.id} ${endpoint.address} ${JSON.stringify(endpoint.uri)}`;
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
