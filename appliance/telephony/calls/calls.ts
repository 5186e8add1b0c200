import type { Clock } from '#appliance/kernel/clock.ts';
import { AppError, messageOf } from '#appliance/kernel/errors.ts';
import type { Log } from '#appliance/platform/log/index.ts';
import type { Edge, Media } from '../media/index.ts';
import type { Phones } from '../phones/index.ts';
import type { Authenticator, Registrar } from '../registrar/index.ts';
import { ACCEPTED, type IncomingInvite, type IncomingRequest, type SipStack } from '../sip/index.ts';
import type { Trunks } from '../trunks/index.ts';
import type { Calls, IncomingCall, Leg } from './api.ts';
import { bridge, unbridge } from './bridge.ts';
import type { CallsContext } from './context.ts';
import { dial } from './dial.ts';
import { DialogLine } from './dialog-line.ts';
import { receive } from './incoming.ts';
import type { CallLeg } from './leg.ts';
import { mix } from './mix.ts';
import { played } from './playback.ts';
import { Soon } from './record.ts';
import { restore } from './restore.ts';
import { Routes } from './routes.ts';
import type { LegStore } from './store.ts';

export interface CallsOptions {
  sip: SipStack;
  media: Media;
  /** Without it browsers and SRTP phones cannot call. */
  edge?: Edge | undefined;
  trunks: Trunks;
  phones: Phones;
  registrar: Registrar;
  authenticator: Authenticator;
  store: LegStore;
  clock: Clock;
  log: Log;
  instance: string;
  /** The address peers reach our audio at, when it is not the one of our interface. */
  advertise?: ((remote: string) => string | undefined) | undefined;
  /** No call lasts longer; 12 hours. */
  maxCallMs?: number | undefined;
  /** Told of each leg once it has ended. */
  ended?: ((leg: Leg) => void) | undefined;
  /** Told of a leg whenever its state is another. */
  changed?: ((leg: Leg) => void) | undefined;
  /** Answers SUBSCRIBE; without it there are no event packages. */
  subscribe?: ((incoming: IncomingRequest) => void) | undefined;
  /** A call from nowhere, or with wrong credentials. */
  suspicious?: ((invite: IncomingInvite, what: 'unknown-user' | 'wrong-password') => void) | undefined;
}

const MAX_CALL_MS = 12 * 3600_000;

/** Takes the INVITEs and other requests of the stack from now on. */
export function createCalls(options: CallsOptions): Calls & { flush(): void } {
  const { sip, media, clock, log, registrar } = options;
  const legs = new Map<string, CallLeg>();
  const door = Promise.withResolvers<void>();
  let handler: ((call: IncomingCall) => void | Promise<void>) | undefined;

  const context: CallsContext = {
    sip,
    media,
    edge: options.edge,
    trunks: options.trunks,
    phones: options.phones,
    registrar,
    authenticator: options.authenticator,
    store: options.store,
    clock,
    log,
    instance: options.instance,
    routes: new Routes(media, clock, log),
    soon: new Soon(clock),
    legs,
    maxCallMs: options.maxCallMs ?? MAX_CALL_MS,
    addressFor: (remote) => options.advertise?.(remote) ?? sip.localAddressFor(remote),
    ended: options.ended,
    changed: options.changed,
    mend: (leg) => void reoffer([leg], false),
    channels(trunkId) {
      let count = 0;
      for (const leg of legs.values()) if (leg.trunkId === trunkId && leg.state !== 'ended') count++;
      return count;
    },
  };

  sip.onInvite((invite) => {
    void receive(invite, { context, handler: () => handler, opened: door.promise, suspicious: options.suspicious });
  });
  sip.onRequest((incoming) => {
    switch (incoming.request.method) {
      case 'REGISTER':
        registrar.register(incoming).catch((error) => {
          log.error({ error: messageOf(error) }, 'a REGISTER could not be handled');
          incoming.respond({ status: 500 });
        });
        return;
      case 'OPTIONS':
        incoming.respond({
          status: 200,
          headers: [
            ['Allow', ALLOWED],
            ['Accept', ACCEPTED],
          ],
        });
        return;
      case 'SUBSCRIBE':
        if (options.subscribe) options.subscribe(incoming);
        else incoming.respond({ status: 489 });
        return;
      case 'PUBLISH':
        // RFC 6665 §4.2.1.1: no event package of ours.
        incoming.respond({ status: 489 });
        return;
      default:
        incoming.respond({ status: 405, headers: [['Allow', ALLOWED]] });
    }
  });

  options.phones.onVoid((phoneId) => registrar.forget(phoneId));
  registrar.onChange((phoneId, open) => {
    for (const leg of legs.values())
      if (leg.phoneId === phoneId && leg.state === 'up' && leg.browser) leg.emit('connection', { open });
  });

  media.on('digit', ({ leg, digit, phase, ms, via }) => {
    // A key counts when it is let go: only then its length is known, and it is told once.
    if (phase === 'up') legs.get(leg)?.emit('digit', { digit, ms: ms ?? 0, via });
  });
  media.on('played', ({ leg, token }) => {
    const found = legs.get(leg);
    if (found) played(found, token);
  });
  media.on('silent', ({ leg, ms }) => {
    const found = legs.get(leg);
    if (found?.state === 'up') found.emit('silent', { ms, held: found.hearing.heldByParty });
  });
  media.on('restored', ({ legs: left }) => void repair(new Set(left)));
  media.on('connected', () => {
    void context.routes
      .repeat(legs.values())
      .catch((error) => log.warn({ error: messageOf(error) }, 'routes could not be repeated'));
  });

  // rtpengine came back empty: browsers and SRTP phones get a new offer, plain legs notice nothing.
  options.edge?.on('restarted', () => {
    for (const leg of legs.values()) if (leg.audio.throughEdge) leg.audio.lostAtEdge = true;
    mendAtEdge();
  });
  options.edge?.on('back', mendAtEdge);

  function mendAtEdge(): void {
    void reoffer(
      [...legs.values()].filter((leg) => leg.state === 'up' && leg.audio.lostAtEdge),
      false,
    );
  }

  /** The switch died and came back: what it kept is routed again, what it lost gets a new port and a re-INVITE. */
  async function repair(left: ReadonlySet<string>): Promise<void> {
    await reoffer(
      [...legs.values()].filter((leg) => leg.state === 'up' && leg.audio.open && !left.has(leg.id)),
      true,
    );
    // A digit must not slip through because the switch forgot.
    for (const leg of legs.values())
      if (leg.digitsBlocked && leg.audible) void media.blockDigits(leg.id, true).catch(() => {});
    await context.routes.repeat(legs.values()).catch(() => {});
  }

  async function reoffer(lost: CallLeg[], lostInSwitch: boolean): Promise<void> {
    await Promise.allSettled(
      lost.map(async (leg) => {
        try {
          if (leg.line instanceof DialogLine) await leg.line.reoffer(lostInSwitch);
        } catch (error) {
          log.warn({ leg: leg.id, error: messageOf(error) }, 'the media of a leg could not be mended');
          // Gone again: when it is back we try again.
          if (leg.audio.lostAtEdge) return;
          leg.hangup({ q850: 41, text: 'Media lost' });
        }
      }),
    );
  }

  const own = (leg: Leg): CallLeg => {
    const found = legs.get(leg.id);
    if (!found) throw new AppError('conflict', 'leg-ended', 'The call has ended.');
    return found;
  };

  return {
    onIncoming(next) {
      handler = next;
      door.resolve();
    },
    dial: (targets, dialOptions) => dial(context, targets, dialOptions),
    bridge: async (a, b) => bridge(own(a), own(b)),
    unbridge: async (leg) => {
      const found = legs.get(leg.id);
      if (found) await unbridge(found);
    },
    mix: async (name, members) =>
      mix(
        context,
        name,
        members.map(({ leg, hear }) => ({ leg: own(leg), hear: hear?.map(own) })),
      ),
    get: (legId) => legs.get(legId),
    legs,
    async restore() {
      const kept = await restore(context);
      // The edge may have died together with us.
      for (const leg of kept.filter((one) => one.audio.throughEdge)) {
        void options.edge?.query(leg.id).then((known) => {
          if (known || leg.finished) return;
          leg.audio.lostAtEdge = true;
          context.mend(leg);
        });
      }
      return kept;
    },
    /** Hands everything to the database that was to be written soon: before the batch is closed. */
    flush: () => context.soon.now(),
  };
}

const ALLOWED = 'INVITE, ACK, BYE, CANCEL, OPTIONS, UPDATE, INFO, REFER, SUBSCRIBE, NOTIFY, REGISTER';
