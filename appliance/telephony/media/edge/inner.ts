// The session description on the inner side of the edge: always plain RTP, G.711, to or from 127.0.0.1.
import { parse } from 'sdp-transform';
import type { Codec } from '../api.ts';

export type Direction = 'sendrecv' | 'sendonly' | 'recvonly' | 'inactive';

/** What rtpengine says on the inner side about the party. */
export interface InnerView {
  remote: { address: string; port: number };
  /** In the party's order. */
  codecs: Codec[];
  telephoneEvent: number | undefined;
  /** As the party means it. */
  direction: Direction;
  /** All m-lines, so that those that are not ours are refused in their place (RFC 3264 §6). */
  lines: { type: string; protocol: string; payloads: string }[];
  /** Which of them is the audio. */
  index: number;
}

const STATIC: Record<number, Codec> = { 0: 'PCMU', 8: 'PCMA' };

/** @throws {Error} when rtpengine's description has no audio for us. */
export function readInner(sdp: string): InnerView {
  const described = parse(sdp);
  const index = described.media.findIndex((media) => media.type === 'audio' && media.port !== 0);
  const audio = described.media[index];
  if (!audio) throw new Error('the edge found no audio');
  const address = (audio.connection ?? described.connection)?.ip;
  if (!address) throw new Error('the edge gave no address');
  const codecs = String(audio.payloads ?? '')
    .split(' ')
    .flatMap((text) => STATIC[Number(text)] ?? []);
  if (!codecs.length) throw new Error('the edge found no codec in common');
  return {
    remote: { address, port: audio.port },
    codecs,
    telephoneEvent: audio.rtp.find(({ codec, rate }) => codec === 'telephone-event' && rate === 8000)?.payload,
    direction: audio.direction ?? (described.direction as Direction | undefined) ?? 'sendrecv',
    lines: described.media.map(({ type, protocol, payloads }) => ({
      type,
      protocol,
      payloads: String(payloads ?? '0'),
    })),
    index,
  };
}

export interface InnerOffer {
  port: number;
  codecs: Codec[];
  telephoneEvent: number | undefined;
  direction: Direction;
  version: number;
  session: string;
  lines?: InnerView['lines'];
  index?: number;
}

/** What the switch says: its port, on loopback. */
export function writeInner(inner: InnerOffer): string {
  const { port, codecs, telephoneEvent, direction, version, session } = inner;
  const audio = [
    `m=audio ${port} RTP/AVP ${[...codecs.map(payloadType), ...(telephoneEvent === undefined ? [] : [telephoneEvent])].join(' ')}`,
    ...codecs.map((codec) => `a=rtpmap:${payloadType(codec)} ${codec}/8000`),
    ...(telephoneEvent === undefined
      ? []
      : [`a=rtpmap:${telephoneEvent} telephone-event/8000`, `a=fmtp:${telephoneEvent} 0-15`]),
    'a=ptime:20',
    `a=${direction}`,
  ];
  const lines = inner.lines ?? [{ type: 'audio', protocol: 'RTP/AVP', payloads: '8' }];
  const media = lines.flatMap(({ type, protocol, payloads }, i) =>
    i === (inner.index ?? 0) ? audio : [`m=${type} 0 ${protocol} ${payloads}`],
  );
  const head = ['v=0', `o=- ${session} ${version} IN IP4 127.0.0.1`, 's=-', 'c=IN IP4 127.0.0.1', 't=0 0'];
  return `${[...head, ...media].join('\r\n')}\r\n`;
}

/** RFC 3264 §6.1: the answer to a direction. */
export function answering(direction: Direction): Direction {
  if (direction === 'sendonly') return 'recvonly';
  if (direction === 'recvonly') return 'sendonly';
  return direction;
}

function payloadType(codec: Codec): number {
  return codec === 'PCMA' ? 8 : 0;
}
