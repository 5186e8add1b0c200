// What the other side wrote, bounded and reduced to what a call needs. Nothing else of a foreign SDP goes on from here.
import { isIP } from 'node:net';
import { parse } from 'sdp-transform';

export type Codec = 'PCMA' | 'PCMU';
export type Direction = 'sendrecv' | 'sendonly' | 'recvonly' | 'inactive';
export type Security = 'none' | 'sdes' | 'dtls';

/** One m-line as it came, so that an answer can refuse it in its place (RFC 3264 §6). */
export interface RemoteMedia {
  kind: string;
  port: number;
  protocol: string;
  formats: string;
}

/** The audio line that a call uses. */
export interface RemoteAudio {
  /** Its place among the m-lines. */
  index: number;
  address: string;
  port: number;
  security: Security;
  /** In the order of the sender's preference. */
  codecs: Codec[];
  telephoneEvent: number | undefined;
  /** As the sender means it: sendonly = they send, we listen. */
  direction: Direction;
  ptimeMs: number | undefined;
}

export interface RemoteSdp {
  media: RemoteMedia[];
  audio: RemoteAudio | undefined;
}

/** The text is not SDP, or more than we are ready to read. Becomes 400 or 488. */
export class SdpError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'SdpError';
  }
}

const MAX_BYTES = 16_384;
const MAX_LINES = 500;
const MAX_LINE = 2_048;
const MAX_MEDIA = 8;
const TOKEN = /^[!#$%&'*+\-.0-9A-Z^_`a-z{|}~/]{1,64}$/;
const FORMATS = /^[!-~]{1,32}( [!-~]{1,32}){0,63}$/;

export function parseSdp(text: string): RemoteSdp {
  if (text.length > MAX_BYTES) throw new SdpError(`SDP of ${text.length} bytes`);
  const lines = text.split(/\r\n|\r|\n/);
  if (lines.length > MAX_LINES) throw new SdpError(`SDP of ${lines.length} lines`);
  if (lines.some((line) => line.length > MAX_LINE)) throw new SdpError('SDP with an endless line');
  if (lines[0]?.trim() !== 'v=0') throw new SdpError('not SDP: no v=0');
  const described = parse(text);
  if (described.media.length > MAX_MEDIA) throw new SdpError(`SDP with ${described.media.length} media`);
  const media = described.media.map((line) => ({
    kind: String(line.type),
    port: portOf(line.port),
    protocol: String(line.protocol),
    formats: String(line.payloads ?? '').trim(),
  }));
  for (const line of media) {
    // These come back in our answer, so they must be harmless.
    if (!TOKEN.test(line.kind) || !TOKEN.test(line.protocol) || !FORMATS.test(line.formats))
      throw new SdpError('malformed m= line');
  }
  // sdp-transform drops a line it cannot read; a lost m-line would shift every line after it in the answer.
  if (lines.filter((line) => line.startsWith('m=')).length !== media.length) throw new SdpError('malformed m= line');
  return { media, audio: audioOf(described, media) };
}

function audioOf(described: ReturnType<typeof parse>, media: RemoteMedia[]): RemoteAudio | undefined {
  for (const [index, line] of described.media.entries()) {
    if (media[index]!.kind !== 'audio' || media[index]!.port === 0) continue;
    const security = securityOf(media[index]!.protocol);
    const address = String(line.connection?.ip ?? described.connection?.ip ?? '').replace(/\/.*$/, '');
    if (!security || !isIP(address) || isGroup(address)) continue;
    const codecs: Codec[] = [];
    let telephoneEvent: number | undefined;
    for (const format of media[index]!.formats.split(' ')) {
      const payload = Number(format);
      if (!Number.isInteger(payload) || payload < 0 || payload > 127) continue;
      const map = line.rtp.find((entry) => entry.payload === payload);
      const name = map ? `${map.codec}`.toUpperCase() : payload === 0 ? 'PCMU' : payload === 8 ? 'PCMA' : '';
      const rate = map?.rate ?? 8000;
      if (rate !== 8000 || (map?.encoding ?? 1) !== 1) continue;
      // RFC 3551 §6: G.711 has its static numbers; nobody maps it elsewhere, and nothing else may sit there.
      if ((name === 'PCMA' && payload === 8) || (name === 'PCMU' && payload === 0)) {
        if (!codecs.includes(name)) codecs.push(name);
      } else if (name === 'TELEPHONE-EVENT') telephoneEvent ??= payload;
    }
    const unspecified = address === '0.0.0.0' || address === '::';
    return {
      index,
      address,
      port: media[index]!.port,
      security,
      codecs,
      telephoneEvent,
      // RFC 3264 §8.4: hold of the RFC 2543 kind.
      direction: unspecified ? 'inactive' : directionOf(line.direction ?? described.direction),
      ptimeMs: typeof line.ptime === 'number' && line.ptime > 0 && line.ptime <= 200 ? line.ptime : undefined,
    };
  }
  return undefined;
}

function securityOf(protocol: string): Security | undefined {
  switch (protocol.toUpperCase()) {
    case 'RTP/AVP':
    case 'RTP/AVPF':
      return 'none';
    case 'RTP/SAVP':
    case 'RTP/SAVPF':
      return 'sdes';
    case 'UDP/TLS/RTP/SAVP':
    case 'UDP/TLS/RTP/SAVPF':
      return 'dtls';
    default:
      return undefined;
  }
}

function directionOf(direction: string | undefined): Direction {
  return direction === 'sendonly' || direction === 'recvonly' || direction === 'inactive' ? direction : 'sendrecv';
}

function portOf(port: unknown): number {
  if (typeof port !== 'number' || !Number.isInteger(port) || port < 0 || port > 65_535)
    throw new SdpError('malformed m= port');
  return port;
}

/** Multicast and broadcast: audio of a call never goes there. */
function isGroup(address: string): boolean {
  if (isIP(address) === 6) return /^ff/i.test(address);
  const first = Number(address.split('.')[0]);
  return first >= 224;
}
