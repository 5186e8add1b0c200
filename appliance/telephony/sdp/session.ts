// Our side of an offer/answer exchange (RFC 3264): one per leg, for the leg's whole life.
import { randomInt } from 'node:crypto';
import { isIPv6 } from 'node:net';
import type { Codec, Direction, RemoteAudio, RemoteSdp } from './remote.ts';

/** What both sides have settled on. */
export interface Agreed {
  codec: Codec;
  telephoneEvent: number | undefined;
  remote: { address: string; port: number };
  /** Ours: sendonly = we send and do not listen. */
  direction: Direction;
  /** The other side does not want to hear us now: their hold key. */
  held: boolean;
}

/** Where our audio lives. */
export interface Local {
  address: string;
  port: number;
}

/** Plain JSON, to go on in another process. */
export interface SdpFacts {
  id: number;
  version: number;
  /** Everything we last said below the o= line. */
  said: string;
}

export const TELEPHONE_EVENT = 101;
const PAYLOAD = { PCMA: 8, PCMU: 0 } as const;

export class SdpSession {
  readonly #id: number;
  #version: number;
  #said: string;

  constructor(facts?: SdpFacts) {
    this.#id = facts?.id ?? randomInt(1, 2 ** 47);
    this.#version = facts?.version ?? 0;
    this.#said = facts?.said ?? '';
  }

  get facts(): SdpFacts {
    return { id: this.#id, version: this.#version, said: this.#said };
  }

  /** An offer of ours. `only` the codecs in the order of our preference. */
  offer(
    local: Local,
    options: { codecs: Codec[]; telephoneEvent?: number | undefined; direction?: Direction },
  ): string {
    const event = options.telephoneEvent ?? TELEPHONE_EVENT;
    return this.#say(local, [audioLines(local.port, options.codecs, event, options.direction ?? 'sendrecv')]);
  }

  /** The answer to an offer: our audio in its place, every other medium refused with port 0 (§6). Undefined when nothing fits: 488. */
  answer(remote: RemoteSdp, local: Local, prefer: readonly Codec[]): { body: string; agreed: Agreed } | undefined {
    const agreed = agree(remote.audio, prefer);
    if (!agreed) return undefined;
    const lines = remote.media.map((media, index) =>
      index === remote.audio?.index
        ? audioLines(local.port, [agreed.codec], agreed.telephoneEvent, agreed.direction, media.protocol)
        : `m=${media.kind} 0 ${media.protocol} ${media.formats}\r\n`,
    );
    return { body: this.#say(local, lines), agreed };
  }

  /** The last description again, as an offer: for a re-INVITE that asks us to offer (RFC 3261 §14.2). */
  again(local: Local): string {
    return this.#with(local, this.#said);
  }

  #say(local: Local, media: string[]): string {
    const said = `s=-\r\nc=IN ${family(local.address)} ${local.address}\r\nt=0 0\r\n${media.join('')}`;
    // §8: the version grows by one when the description changes, and only then.
    if (said !== this.#said) this.#version++;
    this.#said = said;
    return this.#with(local, said);
  }

  #with(local: Local, said: string): string {
    return `v=0\r\no=- ${this.#id} ${this.#version} IN ${family(local.address)} ${local.address}\r\n${said}`;
  }
}

/** What an offer or an answer of the other side comes to. For an answer, `prefer` is what we offered. */
export function agree(audio: RemoteAudio | undefined, prefer: readonly Codec[]): Agreed | undefined {
  if (!audio) return undefined;
  const codec = prefer.find((wanted) => audio.codecs.includes(wanted)) ?? audio.codecs[0];
  if (!codec) return undefined;
  return {
    codec,
    telephoneEvent: audio.telephoneEvent,
    remote: { address: audio.address, port: audio.port },
    direction: MIRRORED[audio.direction],
    held: audio.direction === 'sendonly' || audio.direction === 'inactive',
  };
}

/** The answer to an offer of ours: their first codec counts, for that is what they will send (§6.1, §7). */
export function agreeToAnswer(answer: RemoteSdp): Agreed | undefined {
  return agree(answer.audio, []);
}

const MIRRORED: Record<Direction, Direction> = {
  sendrecv: 'sendrecv',
  sendonly: 'recvonly',
  recvonly: 'sendonly',
  inactive: 'inactive',
};

function audioLines(
  port: number,
  codecs: readonly Codec[],
  event: number | undefined,
  direction: Direction,
  protocol = 'RTP/AVP',
): string {
  const formats = [...codecs.map((codec) => PAYLOAD[codec]), ...(event === undefined ? [] : [event])];
  let lines = `m=audio ${port} ${protocol} ${formats.join(' ')}\r\n`;
  for (const codec of codecs) lines += `a=rtpmap:${PAYLOAD[codec]} ${codec}/8000\r\n`;
  if (event !== undefined) lines += `a=rtpmap:${event} telephone-event/8000\r\na=fmtp:${event} 0-16\r\n`;
  return `${lines}a=ptime:20\r\na=${direction}\r\n`;
}

function family(address: string): 'IP4' | 'IP6' {
  return isIPv6(address) ? 'IP6' : 'IP4';
}
