// What a session description asks of us: plain G.711 goes to the switch directly, everything else passes the edge.
import { parse } from 'sdp-transform';

/** `plain`: RTP/AVP with G.711. `transcode`: plain RTP in a codec that the edge can change. `none`: nothing we can do. */
export type SdpKind = 'plain' | 'webrtc' | 'sdes' | 'transcode' | 'none';

const G711 = /^(PCMA|PCMU)$/i;
const TRANSCODABLE = /^(opus|G722|G729|GSM|speex|iLBC|AMR|AMR-WB)$/i;
const STATIC_CODECS: Record<number, string> = { 0: 'PCMU', 3: 'GSM', 8: 'PCMA', 9: 'G722', 18: 'G729' };
const MAX_BYTES = 16_384;
const MAX_LINES = 500;

export function classifySdp(sdp: string): SdpKind {
  // The parser tries dozens of patterns on each line: thousands of short ones would hold up everybody.
  if (sdp.length > MAX_BYTES || sdp.split(/\r\n|\r|\n/, MAX_LINES + 1).length > MAX_LINES) return 'none';
  let described: ReturnType<typeof parse>;
  try {
    described = parse(sdp);
  } catch {
    return 'none';
  }
  const audio = described.media.find((media) => media.type === 'audio' && media.port !== 0);
  if (!audio) return 'none';
  const codecs = codecNames(audio);
  if (!codecs.some((name) => G711.test(name) || TRANSCODABLE.test(name))) return 'none';
  // The parser makes numbers of what looks like one, also here.
  const protocol = String(audio.protocol).toUpperCase();
  if (protocol.includes('SAVP')) {
    if (protocol.startsWith('UDP/TLS') || audio.fingerprint || described.fingerprint) return 'webrtc';
    return audio.crypto?.some(({ suite }) => usableSuite(suite)) ? 'sdes' : 'none';
  }
  if (!protocol.startsWith('RTP/AVP')) return 'none';
  return codecs.some((name) => G711.test(name)) ? 'plain' : 'transcode';
}

/** Must this party pass rtpengine? */
export function needsEdge(sdp: string): boolean {
  const kind = classifySdp(sdp);
  return kind !== 'plain' && kind !== 'none';
}

/** No encryption is not a kind of encryption. */
export function usableSuite(suite: string): boolean {
  return /^(AES_CM_128|AES_192_CM|AES_256_CM|AEAD_AES)/.test(suite);
}

function codecNames(audio: ReturnType<typeof parse>['media'][number]): string[] {
  const names = new Map(audio.rtp.map(({ payload, codec }) => [payload, codec]));
  return String(audio.payloads ?? '')
    .split(' ')
    .map((text) => names.get(Number(text)) ?? STATIC_CODECS[Number(text)] ?? '');
}
