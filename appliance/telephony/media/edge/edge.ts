// rtpengine at the edge: browsers (ICE, DTLS-SRTP), SRTP phones and trunks, and codecs other than G.711 pass it once. One call-id
// per leg; its inner side is the leg's port in the switch on 127.0.0.1 and is never pointed anywhere else. Two commands in a
// leg's life (offer, answer), a third ends it.
import { createHash } from 'node:crypto';
import { Emitter } from '#appliance/kernel/emitter.ts';
import { messageOf } from '#appliance/kernel/errors.ts';
import type { Codec } from '../api.ts';
import type { Bencodable } from './bencode.ts';
import { classifySdp, usableSuite } from './classify.ts';
import { answering, type Direction, readInner, writeInner } from './inner.ts';
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
const WATCH_MS = 1000;

export function createEdge({ url, log }: EdgeOptions): Edge {
  const ng = new NgClient(url.replace(/^udp:\/\//, ''));
  const events = new Emitter<EdgeEvents>();
  let timer: NodeJS.Timeout | undefined;
  let up = false;
  let uptimeS = 0;
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
      facts: { version: next, kind },
    };
  }

  async function offer(request: Parameters<Edge['offer']>[0]) {
    const { leg, kind, inner, facts, direction = 'sendrecv' } = request;
    const next = versionAfter(facts);
    const offered = await ng.command('offer', {
      'call-id': leg,
      'from-tag': 'int',
      ...(facts ? { 'to-tag': 'ext' } : {}),
      sdp: writeInner({
        port: inner,
        codecs: ['PCMA', 'PCMU'],
        telephoneEvent: TELEPHONE_EVENT,
        direction,
        version: next,
        session: sessionId(leg),
      }),
      ...(kind === 'webrtc' ? WEBRTC : SDES),
      direction: ['int', 'ext'],
      replace: ORIGIN,
      flags: kind === 'webrtc' ? [...FLAGS, 'generate mid'] : FLAGS,
    });
    return { body: sdpOf(offered), facts: { version: next, kind } };
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
    try {
      await ng.command('delete', { 'call-id': leg });
    } catch (error) {
      log.warn({ leg, error: messageOf(error) }, 'the edge could not remove a leg');
    }
  }

  async function query(leg: string): Promise<NgReply | undefined> {
    try {
      return await ng.command('query', { 'call-id': leg });
    } catch {
      return undefined;
    }
  }

  async function look(): Promise<void> {
    try {
      const seconds = uptimeOf(await ng.command('statistics'));
      version ??= await detectVersion();
      const before = uptimeS;
      uptimeS = seconds;
      up = true;
      if (before > 0 && seconds < before) {
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
  return Number(statistics?.totalstatistics?.uptime ?? 0) + 1;
}
