// A new INVITE: who is it from, may they, and what becomes of it.
import { within } from '#appliance/kernel/async.ts';
import { messageOf } from '#appliance/kernel/errors.ts';
import { uuidv7 } from '#appliance/kernel/ids.ts';
import type { PhoneRow } from '../phones/index.ts';
import type { IncomingInvite } from '../sip/index.ts';
import type { Trunk } from '../trunks/index.ts';
import type { IncomingCall, Party } from './api.ts';
import type { CallsContext } from './context.ts';
import { IncomingLine } from './incoming-line.ts';
import { CallLeg } from './leg.ts';
import { LegAudio } from './leg-audio.ts';
import { replacedLeg } from './replaces.ts';

const OPEN_WITHIN_MS = 8_000;

type Source = { kind: 'trunk'; trunk: Trunk } | { kind: 'phone'; phone: PhoneRow } | { kind: 'refused' };

export interface IncomingOptions {
  context: CallsContext;
  handler(): ((call: IncomingCall) => void | Promise<void>) | undefined;
  /** Resolves when there is a handler: a caller of the first moments after a start waits with 100 Trying. */
  opened: Promise<void>;
  /** An unknown source, or wrong credentials: for whoever bans scanners. */
  suspicious?: ((invite: IncomingInvite, what: 'unknown-user' | 'wrong-password') => void) | undefined;
}

export async function receive(invite: IncomingInvite, options: IncomingOptions): Promise<void> {
  const { context } = options;
  let gone = false;
  invite.onCancel(() => {
    gone = true;
  });
  try {
    const source = await identify(invite, options);
    if (source.kind === 'refused' || gone) return;
    if (!options.handler()) await within(OPEN_WITHIN_MS, options.opened, 'nobody takes calls').catch(() => {});
    const handler = options.handler();
    if (gone) return;
    if (!handler) {
      invite.reject({ status: 503, headers: [['Retry-After', '5']] });
      return;
    }
    // Who we are to replace is nobody's business but our phones'.
    const replaced =
      source.kind === 'trunk' && invite.request.has('replaces')
        ? { status: 403 }
        : replacedLeg(invite.request, context.legs.values());
    if (replaced && 'status' in replaced) {
      invite.reject({ status: replaced.status });
      return;
    }
    const { trunk } = source.kind === 'trunk' ? source : { trunk: undefined };
    if (trunk?.row.maxChannels && context.channels(trunk.id) >= trunk.row.maxChannels) {
      context.log.warn({ trunk: trunk.row.name }, 'a call was refused: all channels of the trunk are in use');
      invite.reject({
        status: 503,
        headers: [
          ['Retry-After', '10'],
          ['Reason', 'Q.850;cause=34;text="No circuit available"'],
        ],
      });
      return;
    }
    if (trunk && !context.trunks.begin(trunk.id)) {
      context.log.warn({ trunk: trunk.row.name }, 'a call was refused: more calls a second than agreed');
      invite.reject({
        status: 503,
        headers: [
          ['Retry-After', '1'],
          ['Reason', 'Q.850;cause=42;text="Switching equipment congestion"'],
        ],
      });
      return;
    }
    const dialled = trunk ? trunk.dialled(invite.request) : (invite.request.uri.user ?? '');
    if (!dialled) {
      invite.reject({ status: 404 });
      return;
    }
    const leg = makeLeg(context, invite, source, dialled);
    const call: IncomingCall = {
      leg,
      dialled,
      source: source.kind,
      forwarded: trunk?.forwarders(invite.request) ?? [],
      ...(replaced ? { replaces: replaced } : {}),
      headers: (name) => invite.request.header(name),
    };
    try {
      await handler(call);
    } catch (error) {
      context.log.error({ leg: leg.id, dialled, error: messageOf(error) }, 'a call could not be handled');
      leg.hangup({ sip: 500, q850: 41, text: 'Internal error' });
    }
  } catch (error) {
    context.log.error({ error: messageOf(error) }, 'an INVITE could not be handled');
    invite.reject({ status: 500 });
  }
}

/** Phones at their address, phones by digest, trunks by address, and nobody else. */
async function identify(invite: IncomingInvite, options: IncomingOptions): Promise<Source> {
  const { context } = options;
  const { request, flow } = invite;
  const user = request.from.uri.user;
  const { book } = context.phones;
  const fixed = book.atAddress(flow.remote, user);
  const trunk = context.trunks.match(flow, request);
  if (fixed && (!trunk || fixed.username === user || fixed.extension === user)) return { kind: 'phone', phone: fixed };
  // A connection over which a phone registered is that phone's.
  const bound = context.registrar.phoneOn(flow);
  const phone = bound ? book.get(bound) : undefined;
  if (phone && (user === phone.username || user === phone.extension)) return { kind: 'phone', phone };
  const claimed =
    request.has('authorization') || (user !== undefined && (await isOurPhone(context, user, trunk !== undefined)));
  // A trunk's caller may have the number of one of our extensions; our phones speak of us as their own domain.
  const ownDomain = request.from.uri.host.toLowerCase() === request.uri.host.toLowerCase();
  if (claimed && (!trunk || ownDomain || request.has('authorization'))) {
    const identified = await context.authenticator.identify(request);
    if (identified.ok) return { kind: 'phone', phone: identified.phone };
    if (!trunk || ownDomain) {
      if (identified.failed) options.suspicious?.(invite, identified.failed);
      invite.reject({ status: 401, headers: identified.challenge });
      return { kind: 'refused' };
    }
  }
  if (trunk) return { kind: 'trunk', trunk };
  context.log.info(
    { from: flow.remote.address, user: user?.slice(0, 40) },
    'a call from an unknown source was refused',
  );
  options.suspicious?.(invite, 'unknown-user');
  invite.reject({ status: 403 });
  return { kind: 'refused' };
}

/** The database is not asked for every number that calls through a trunk. */
async function isOurPhone({ phones }: CallsContext, user: string, throughTrunk: boolean): Promise<boolean> {
  if (phones.book.byUsername(user) || phones.book.byExtension(user).length > 0) return true;
  return !throughTrunk && (await phones.findByUsername(user)) !== undefined;
}

function makeLeg(
  context: CallsContext,
  invite: IncomingInvite,
  source: Exclude<Source, { kind: 'refused' }>,
  dialled: string,
): CallLeg {
  const id = uuidv7();
  const trunk = source.kind === 'trunk' ? source.trunk : undefined;
  const phone = source.kind === 'phone' ? source.phone : undefined;
  const from: Party = trunk
    ? trunk.caller(invite.request)
    : { number: phone!.extension ?? phone!.username, name: phone!.label };
  const audio = new LegAudio({
    leg: id,
    media: context.media,
    edge: context.edge,
    strict: trunk !== undefined,
    encrypted: trunk?.srtp === 'require',
    // Of what a caller offers, its own first choice serves a phone best; a trunk has an order of its own.
    prefer: trunk ? trunk.codecs : ['PCMA', 'PCMU'],
  });
  const leg = new CallLeg(
    context,
    {
      id,
      direction: 'in',
      from,
      to: { number: dialled },
      trunkId: trunk?.id,
      phoneId: phone?.id,
      createdAt: context.clock.now(),
    },
    audio,
  );
  leg.callId = invite.request.callId;
  leg.line = new IncomingLine(leg, invite);
  return leg;
}
