// rtpengine at the edge: browsers (ICE, DTLS-SRTP), SRTP phones and trunks, and codecs other than G.711 pass it once. One call-id
// per leg; its inner side is the leg's port in the switch on 127.0.0.1 and is never pointed anywhere else. Two commands in a
// leg's life (offer, answer), a third ends it.
import { createHash } from 'node:crypto';
import { Emitter } from '#appliance/kernel/emitter.ts';
import { messageOf } from '#appliance/kernel/errors.ts';
import type { Codec } from '../api.ts';
import type { Bencodable } from './bencode.ts';
import { classifySdp, usableSuite } from './classify.ts';
import { answering, type Direction, type InnerView, readInner, writeInner } from './inner.ts';
import { NgClient, type NgReply } from './ng-client.ts';

export interface EdgeOptions {
  /** host:port of rtpengine's ng socket; a leading udp:// is allowed. */
  url: string;
  log: { info(fields: object, message: string): void; warn(fields: object, message: string): void };
}

/** What the party and the edge have settled. */
export interface EdgeLeg {
  /** Where the switch finds the party: the inner side of the edge. */
  remote: { address: string; port: number };
  codec: Codec;
  telephoneEvent: number | undefined;
  /** The party does not want to hear us. */
  held: boolean;
  /** To be handed back with the next request for this leg; plain JSON. */
  facts: Record<string, unknown>;
}

export type EdgeEvents = {
  /** rtpengine has lost all legs: offer again to every party behind the edge. */
  restarted: Record<string, never>;
  away: Record<string, never>;
  /** It answers, at first or again; told before `restarted`. */
  back: Record<string, never>;
};

export interface Edge {
  /** The party offers; `inner` is the leg's port in the switch. `body` goes into our answer. Repeat with `facts` for a re-INVITE. */
  answer(request: { leg: string; offer: string; inner: number; facts?: Facts }): Promise<EdgeLeg & { body: string }>;
  /** We offer, to a called party or in a re-INVITE. */
  offer(request: {
    leg: string;
    kind: 'webrtc' | 'sdes';
    inner: number;
    facts?: Facts;
    direction?: Direction;
    /** rtpengine has forgotten the leg: it is made anew, and the party's session goes on. */
    forgotten?: boolean;
  }): Promise<{ body: string; facts: Record<string, unknown> }>;
  /** The answer to our offer has come. */
  settle(request: { leg: string; answer: string; facts: Record<string, unknown> }): Promise<EdgeLeg>;
  /** Idempotent. */
  remove(leg: string, facts?: Facts): Promise<void>;
  query(leg: string): Promise<NgReply | undefined>;
  /** Looks once a second whether rtpengine is there and still the same; until close. */
  watch(): void;
  readonly up: boolean;
  readonly version: '10.5' | '12.5' | undefined;
  on<K extends keyof EdgeEvents>(name: K, listener: (event: EdgeEvents[K]) => void): () => void;
  close(): void;
}

type Facts = Record<string, unknown> | undefined;

const PLAIN = {
  'transport-protocol': 'RTP/AVP',
  ICE: 'remove',
  'rtcp-mux': ['demux'],
  DTLS: 'off',
} satisfies Record<string, Bencodable>;
const WEBRTC = {
  'transport-protocol': 'UDP/TLS/RTP/SAVPF',
  ICE: 'force',
  'rtcp-mux': ['offer', 'require'],
  DTLS: 'passive',
  SDES: ['off'],
} satisfies Record<string, Bencodable>;
const SDES = {
  'transport-protocol': 'RTP/SAVP',
  ICE: 'remove',
  'rtcp-mux': ['demux'],
  DTLS: 'off',
  // rtpengine offers suites without encryption too, unless told not to
  SDES: ['NULL_HMAC_SHA1_80', 'NULL_HMAC_SHA1_32', 'F8_128_HMAC_SHA1_80', 'F8_128_HMAC_SHA1_32'].map((s) => `no-${s}`),
} satisfies Record<string, Bencodable>;
/** `port latching`: a re-offer must not move the party's port. */
const FLAGS = ['trust address', 'port latching', 'strip extmap'];
const ORIGIN = ['origin'];
const TELEPHONE_EVENT = 101;
const MAX_SDP_BYTES = 16_384;
const WATCH_MS = 500;
/** Between its clock and ours. */
const SLACK_MS = 200;

export function createEdge({ url, log }: EdgeOptions): Edge {
  const ng = new NgClient(url.replace(/^udp:\/\//, ''));
  const events = new Emitter<EdgeEvents>();
  let timer: NodeJS.Timeout | undefined;
  let up = false;
  /** Before this it must have started, by what it said last. */
  let startedBy = Number.POSITIVE_INFINITY;
  /** Legs it should know, with the moment it last did. */
  const known = new Map<string, number>();
  let version: '10.5' | '12.5' | undefined;

  async function answer(request: { leg: string; offer: string; inner: number; facts?: Facts }) {
    const { leg, inner } = request;
    const kind = classifySdp(request.offer);
    if (kind === 'none') throw new Error('the offer has no audio that the edge can take');
    const offered = await ng.command('offer', {
      'call-id': leg,
      'from-tag': 'ext',
      ...(request.facts ? { 'to-tag': 'int' } : {}),
      sdp: withoutNullCiphers(request.offer),
      ...PLAIN,
      SDES: ['off'],
      direction: ['ext', 'int'],
      replace: ORIGIN,
      flags: FLAGS,
      codec: innerCodecs(request.offer),
    });
    known.set(leg, performance.now());
    const view = readInner(sdpOf(offered));
    const codec = view.codecs[0]!;
    const next = versionAfter(request.facts);
    const answered = await ng.command('answer', {
      'call-id': leg,
      'from-tag': 'ext',
      'to-tag': 'int',
      sdp: writeInner({
        port: inner,
        codecs: [codec],
        telephoneEvent: view.telephoneEvent,
        direction: answering(view.direction),
        version: next,
        session: sessionId(leg),
        lines: view.lines,
        index: view.index,
      }),
      replace: ORIGIN,
      flags: FLAGS,
    });
    return {
      body: bundled(sdpOf(answered), request.offer),
      remote: view.remote,
      codec,
      telephoneEvent: view.telephoneEvent,
      held: isHeld(view.direction),
      facts: { version: next, kind, ...sessionOf(request.offer, view, request.facts) },
    };
  }

  async function offer(request: Parameters<Edge['offer']>[0]) {
    const { leg, kind, inner, facts, direction = 'sendrecv', forgotten = false } = request;
    const next = versionAfter(facts);
    const session = facts as Partial<Session> | undefined;
    const offered = await ng.command('offer', {
      'call-id': leg,
      'from-tag': 'int',
      ...(facts && !forgotten ? { 'to-tag': 'ext' } : {}),
      sdp: writeInner({
        port: inner,
        codecs: ['PCMA', 'PCMU'],
        telephoneEvent: session?.telephoneEvent ?? TELEPHONE_EVENT,
        direction,
        version: next,
        session: sessionId(leg),
        ...(session?.lines ? { lines: session.lines, index: session.index ?? 0 } : {}),
      }),
      ...(kind === 'webrtc' ? WEBRTC : SDES),
      direction: ['int', 'ext'],
      replace: ORIGIN,
      flags: kind === 'webrtc' ? [...FLAGS, 'generate mid'] : FLAGS,
    });
    known.set(leg, performance.now());
    const body = namedAs(session?.mid, sdpOf(offered));
    return { body, facts: { ...facts, version: next, kind, ...withMid(midOf(body)) } };
  }

  async function settle(request: { leg: string; answer: string; facts: Record<string, unknown> }): Promise<EdgeLeg> {
    const answered = await ng.command('answer', {
      'call-id': request.leg,
      'from-tag': 'int',
      'to-tag': 'ext',
      sdp: withoutNullCiphers(request.answer),
      ...PLAIN,
      SDES: ['off'],
      replace: ORIGIN,
      flags: FLAGS,
    });
    const view = readInner(sdpOf(answered));
    return {
      remote: view.remote,
      codec: view.codecs[0]!,
      telephoneEvent: view.telephoneEvent,
      held: isHeld(view.direction),
      facts: request.facts,
    };
  }

  async function remove(leg: string): Promise<void> {
    known.delete(leg);
    try {
      await ng.command('delete', { 'call-id': leg });
    } catch (error) {
      log.warn({ leg, error: messageOf(error) }, 'the edge could not remove a leg');
    }
  }

  async function query(leg: string): Promise<NgReply | undefined> {
    try {
      const found = await ng.command('query', { 'call-id': leg });
      known.set(leg, performance.now());
      return found;
    } catch {
      return undefined;
    }
  }

  async function look(): Promise<void> {
    try {
      const askedAt = performance.now();
      const seconds = uptimeOf(await ng.command('statistics'));
      const toldAt = performance.now();
      version ??= await detectVersion();
      if (!up) {
        up = true;
        events.emit('back', {});
      }
      // Its age is told in whole seconds: younger than the last answer allows is another process. One that has lived for a
      // moment only is told apart by a leg that it should know.
      const startedAfter = askedAt - (seconds + 1) * 1000 - SLACK_MS;
      const startedBefore = toldAt - seconds * 1000 + SLACK_MS;
      const anew = startedAfter > startedBy || (await hasForgottenSince(startedBefore));
      startedBy = anew ? startedBefore : Math.min(startedBy, startedBefore);
      if (anew) {
        known.clear();
        log.warn({ version }, 'rtpengine has started anew');
        events.emit('restarted', {});
      }
    } catch {
      if (up) {
        log.warn({}, 'rtpengine is away');
        events.emit('away', {});
      }
      up = false;
    }
  }

  /** One leg stands for all; a leg that timed out there by itself does not count. */
  async function hasForgottenSince(startedBefore: number): Promise<boolean> {
    for (const [leg, at] of known) {
      try {
        await ng.command('query', { 'call-id': leg });
        if (known.has(leg)) known.set(leg, performance.now());
        return false;
      } catch (error) {
        if (!/unknown call/i.test(messageOf(error))) throw error;
        if (!known.delete(leg)) continue; // removed meanwhile
        if (at < startedBefore) return true;
      }
    }
    return false;
  }

  /** `pause recording` came after 10.5. */
  async function detectVersion(): Promise<'10.5' | '12.5'> {
    try {
      await ng.command('pause recording', { 'call-id': 'version-probe' });
      return '12.5';
    } catch (error) {
      return /unrecognized/i.test(messageOf(error)) ? '10.5' : '12.5';
    }
  }

  function watch(): void {
    if (timer) return;
    const turn = async () => {
      await look();
      timer = setTimeout(turn, WATCH_MS);
    };
    timer = setTimeout(turn, 0);
  }

  return {
    answer,
    offer,
    settle,
    remove,
    query,
    watch,
    get up() {
      return up;
    },
    get version() {
      return version;
    },
    on: (name, listener) => events.on(name, listener),
    close() {
      clearTimeout(timer);
      ng.close();
    },
  };
}

function sdpOf(reply: NgReply): string {
  if (typeof reply.sdp !== 'string') throw new Error('the edge answered without SDP');
  return reply.sdp;
}

/** G.711 as it is, or made from whatever the party has. */
function innerCodecs(offer: string): Bencodable {
  if (/^a=rtpmap:\d+ (PCMA|PCMU)\/8000/im.test(offer) || /^m=audio \d+ \S+( \d+)* [08]( |$)/m.test(offer)) {
    return { strip: ['all'], except: ['PCMA', 'PCMU', 'telephone-event'] };
  }
  const events = /^a=rtpmap:\d+ telephone-event\//im.test(offer) ? ['telephone-event'] : [];
  return { mask: ['all'], transcode: ['PCMA', ...events] };
}

function withoutNullCiphers(sdp: string): string {
  if (sdp.length > MAX_SDP_BYTES) throw new Error(`SDP of ${sdp.length} bytes`);
  return sdp
    .split(/\r?\n/)
    .filter((line) => !line.startsWith('a=crypto:') || usableSuite(line.split(/\s+/)[1] ?? ''))
    .join('\r\n');
}

/** What later offers of ours must repeat: the m-lines in their order (RFC 3264 §8), the mid (RFC 5888 §9.1), the digits' payload type. */
interface Session {
  mid?: string;
  telephoneEvent?: number;
  lines?: InnerView['lines'];
  index?: number;
}

function sessionOf(offer: string, view: InnerView, before: Facts): Session {
  const { telephoneEvent, lines, index } = view;
  return {
    ...withMid(midOf(offer, index) ?? (before as Session | undefined)?.mid),
    ...(telephoneEvent === undefined ? {} : { telephoneEvent }),
    ...(lines.length > 1 ? { lines, index } : {}),
  };
}

/** The mid of one m-line. */
function midOf(sdp: string, index = 0): string | undefined {
  const section = sdp.split(/^m=/m)[index + 1];
  return section && /^a=mid:(\S+)/m.exec(section)?.[1];
}

function withMid(mid: string | undefined): { mid?: string } {
  return mid === undefined ? {} : { mid };
}

/** rtpengine makes up a mid of its own; a browser knows its line by the one it was given first. */
function namedAs(mid: string | undefined, offer: string): string {
  const made = midOf(offer);
  if (mid === undefined || made === undefined || made === mid) return offer;
  return offer
    .replace(new RegExp(`^a=mid:${escaped(made)}\\r?$`, 'm'), `a=mid:${mid}\r`)
    .replace(new RegExp(`^(a=group:BUNDLE(?: .*)?) ${escaped(made)}(?=[ \\r\\n]|$)`, 'm'), `$1 ${mid}`);
}

function escaped(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
}

/** Chromium wants its bundle confirmed (RFC 9143 §7.3.3); rtpengine forgets it. */
function bundled(answer: string, offer: string): string {
  const mid = /^a=mid:(\S+)/m.exec(answer)?.[1];
  if (!mid || !/^a=group:BUNDLE /m.test(offer) || /^a=group:BUNDLE /m.test(answer)) return answer;
  return answer.replace(/^m=/m, `a=group:BUNDLE ${mid}\r\nm=`);
}

function isHeld(direction: Direction): boolean {
  return direction === 'sendonly' || direction === 'inactive';
}

function versionAfter(facts: Facts): number {
  const before = facts?.version;
  return typeof before === 'number' ? before + 1 : 1;
}

/** RFC 8866 §5.2: one session, one number. */
function sessionId(leg: string): string {
  return String(Number.parseInt(createHash('sha256').update(leg).digest('hex').slice(0, 12), 16));
}

function uptimeOf(reply: NgReply): number {
  const statistics = reply.statistics as { totalstatistics?: { uptime?: string } } | undefined;
  return Number(statistics?.totalstatistics?.uptime ?? 0);
}
