// Stands before the SIP stack: who calls too often, tries names or passwords is not answered, and then not heard at all.
import type { Clock } from '#appliance/kernel/clock.ts';
import { messageOf } from '#appliance/kernel/errors.ts';
import type { Log } from '#appliance/platform/log/index.ts';
import type { Admission, Flow, SipRequest } from '../sip/index.ts';
import {
  banMsAfter,
  GUARD_LIMITS,
  type GuardLimits,
  isScanner,
  type Judgement,
  newSource,
  type Offence,
  onOffence,
  onRequest,
  type SourceState,
  sourceOf,
} from './rules.ts';
import type { Ban, BanStore } from './store.ts';
import { Tally, type TallyHour } from './tally.ts';

export interface Guard {
  /** Bans of before. */
  start(): Promise<void>;
  stop(): void;
  /** For the stack: each new request outside of dialogs. */
  admit(flow: Pick<Flow, 'remote' | 'transport'>, request: SipRequest): Admission;
  /** Somebody asked for who is not here, or showed a wrong password. */
  suspicious(flow: Pick<Flow, 'remote'>, what: 'unknown-user' | 'wrong-password', detail: string): void;
  /** After a ban was made or lifted elsewhere. */
  reload(): Promise<void>;
  readonly bans: readonly Ban[];
  /** Sources that are remembered: bounded. */
  readonly sources: number;
  /** What it did in the last 24 hours. */
  hours(): TallyHour[];
  /** Sources that have tried something and are not banned yet, the worst first. */
  suspects(limit?: number): { source: string; floods: number; unknown: number; passwords: number; at: Date }[];
}

export interface GuardOptions {
  store: BanStore;
  clock: Clock;
  log: Log;
  /** Trunks' and phones' addresses: anyone can forge a sender over UDP, so these are never banned and never refused. */
  trusted(address: string): boolean;
  /** Reads again whom to trust, at the start and at each reload. */
  reloadTrusted?(): Promise<void>;
  /** New calls cannot be taken now; those in progress are not asked. */
  full?(): boolean;
  banned?(ban: Ban): void;
  /** By itself or by hand. */
  lifted?(source: string): void;
  limits?: Partial<GuardLimits>;
}

const MAX_SOURCES = 20_000;
const MAX_BANS = 10_000;
const RETRY_AFTER_S = 10;
const LOOK_EVERY_MS = 30_000;
const FORGET_AFTER_MS = 30 * 86_400_000;
const DROP: Admission = { ok: false, drop: true };

export function createGuard(options: GuardOptions): Guard {
  const { store, clock, log } = options;
  const limits = { ...GUARD_LIMITS, ...options.limits };
  const sources = new Map<string, SourceState>();
  let bans = new Map<string, Ban>();
  const tally = new Tally();
  const count = (what: Parameters<Tally['count']>[0]) => tally.count(what, clock.now().getTime());
  let cancelLook: (() => void) | undefined;

  function admit(flow: Pick<Flow, 'remote' | 'transport'>, request: SipRequest): Admission {
    const { address } = flow.remote;
    const source = sourceOf(address);
    const isBanned = inForce(source);
    const state = sources.get(source);
    // The common case asks for nothing but two look-ups; trust is asked for only where something is wrong.
    if (isBanned) {
      if (options.trusted(address)) return { ok: true };
      count('banned');
      return DROP;
    }
    if (isScanner(request.header('user-agent')) && !options.trusted(address)) {
      count('scanner');
      return apply({ do: 'ban', why: 'scanner' }, source, `User-Agent ${request.header('user-agent')?.slice(0, 80)}`);
    }
    // Browsers come through our own web server, hundreds of an office from one address, all at once after a restart.
    if (flow.transport === 'ws') return roomFor(request);
    const now = clock.now().getTime();
    const judged = onRequest(state ?? remember(source, now), now, limits);
    if (judged.do !== 'let' && !options.trusted(address))
      return apply(judged, source, `${request.method} ${request.uri.user ?? ''}`);
    return roomFor(request);
  }

  function roomFor(request: SipRequest): Admission {
    if (request.method === 'INVITE' && options.full?.()) return { ok: false, status: 503, retryAfterS: RETRY_AFTER_S }; // RFC 3261 §21.5.4
    return { ok: true };
  }

  function apply(judged: Judgement, source: string, detail: string): Admission {
    switch (judged.do) {
      case 'let':
        return { ok: true };
      case 'busy':
        count('busy');
        return { ok: false, status: 503, retryAfterS: RETRY_AFTER_S };
      case 'silence':
        count('silenced');
        return DROP;
      case 'ban':
        void ban(source, judged.why, detail);
        return DROP;
    }
  }

  async function ban(source: string, why: Offence, detail: string): Promise<void> {
    if (inForce(source) || bans.size >= MAX_BANS) return;
    count('bans');
    const since = clock.now();
    const made: Ban = {
      id: '',
      source,
      reason: why,
      detail: detail.replace(/[^\x20-\x7e]/g, '?').slice(0, 200),
      count: 1,
      since,
      until: new Date(since.getTime() + limits.banMs),
    };
    // From this moment on; the database may be slow or away.
    bans.set(source, made);
    sources.delete(source);
    log.warn({ source, why, detail: made.detail }, 'a source of SIP was banned');
    try {
      let kept = await store.save(made);
      const until = new Date(since.getTime() + banMsAfter(kept.count - 1, limits));
      if (kept.count > 1) kept = await store.extend(kept.id, until);
      if (bans.get(source) === made) bans.set(source, kept);
      options.banned?.(kept);
    } catch (error) {
      log.error({ source, error: messageOf(error) }, 'a ban was not stored');
    }
  }

  function inForce(source: string): boolean {
    const found = bans.get(source);
    if (!found) return false;
    if (found.until === null || found.until > clock.now()) return true;
    bans.delete(source);
    options.lifted?.(source);
    return false;
  }

  function remember(source: string, now: number): SourceState {
    // A flood of forged senders must not fill the memory: the one remembered longest is forgotten.
    if (sources.size >= MAX_SOURCES) sources.delete(sources.keys().next().value!);
    const state = newSource(now, limits);
    sources.set(source, state);
    return state;
  }

  async function reload(): Promise<void> {
    await options.reloadTrusted?.();
    const before = bans;
    bans = new Map((await store.load(clock.now())).map((one) => [one.source, one]));
    for (const source of before.keys()) if (!bans.has(source)) options.lifted?.(source);
  }

  function look(): void {
    cancelLook = clock.after(LOOK_EVERY_MS, () => {
      const now = clock.now().getTime();
      for (const source of [...bans.keys()]) inForce(source);
      for (const [source, state] of sources) if (now - state.refilledAt > limits.windowMs) sources.delete(source);
      look();
    });
  }

  return {
    async start() {
      await store.sweep(new Date(clock.now().getTime() - FORGET_AFTER_MS));
      await reload();
      look();
    },
    stop: () => cancelLook?.(),
    admit,
    suspicious(flow, what, detail) {
      const { address } = flow.remote;
      if (options.trusted(address)) return;
      count(what);
      const source = sourceOf(address);
      const now = clock.now().getTime();
      const judged = onOffence(sources.get(source) ?? remember(source, now), what, now, limits);
      if (judged.do === 'ban') apply(judged, source, detail);
    },
    reload,
    get bans() {
      return [...bans.values()];
    },
    get sources() {
      return sources.size;
    },
    hours: () => tally.hours(clock.now().getTime()),
    suspects: (limit = 50) =>
      [...sources]
        .flatMap(([source, { floods, unknown, passwords, windowAt }]) =>
          floods + unknown + passwords > 0 ? [{ source, floods, unknown, passwords, at: new Date(windowAt) }] : [],
        )
        .toSorted((a, b) => b.passwords + b.unknown + b.floods - (a.passwords + a.unknown + a.floods))
        .slice(0, limit),
  };
}
