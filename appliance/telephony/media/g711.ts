// ITU-T G.711 as tables: bytes to 16-bit samples and back, and A-law to u-law directly.

/** Static RTP payload types, RFC 3551 §6. */
export const PCMU = 0;
export const PCMA = 8;

export const A_TO_LINEAR = Int16Array.from({ length: 256 }, (_, byte) => decodeA(byte));
export const U_TO_LINEAR = Int16Array.from({ length: 256 }, (_, byte) => decodeU(byte));
/** Indexed by `sample & 0xffff`. */
export const LINEAR_TO_A = new Uint8Array(65_536);
export const LINEAR_TO_U = new Uint8Array(65_536);
for (let sample = -32_768; sample < 32_768; sample++) {
  LINEAR_TO_A[sample & 0xffff] = encodeA(sample);
  LINEAR_TO_U[sample & 0xffff] = encodeU(sample);
}
export const A_TO_U = Uint8Array.from(A_TO_LINEAR, (sample) => LINEAR_TO_U[sample & 0xffff]!);
export const U_TO_A = Uint8Array.from(U_TO_LINEAR, (sample) => LINEAR_TO_A[sample & 0xffff]!);

export function toLinear(payloadType: number): Int16Array {
  return payloadType === PCMA ? A_TO_LINEAR : U_TO_LINEAR;
}

export function fromLinear(payloadType: number): Uint8Array {
  return payloadType === PCMA ? LINEAR_TO_A : LINEAR_TO_U;
}

export function silenceByte(payloadType: number): number {
  return payloadType === PCMA ? 0xd5 : 0xff;
}

function decodeA(byte: number): number {
  const a = byte ^ 0x55;
  const exponent = (a >> 4) & 7;
  let magnitude = ((a & 0xf) << 4) + 8;
  if (exponent) magnitude += 0x100;
  if (exponent > 1) magnitude <<= exponent - 1;
  return a & 0x80 ? magnitude : -magnitude;
}

function encodeA(sample: number): number {
  const sign = sample < 0 ? 0 : 0x80;
  const s = Math.min(32_635, sample < 0 ? -sample - 1 : sample);
  let exponent = 7;
  for (let mask = 0x4000; (s & mask) === 0 && exponent > 0; exponent--) mask >>= 1;
  const mantissa = exponent === 0 ? (s >> 4) & 0xf : (s >> (exponent + 3)) & 0xf;
  return ((sign | (exponent << 4) | mantissa) ^ 0x55) & 0xff;
}

function decodeU(byte: number): number {
  const u = ~byte & 0xff;
  const magnitude = ((((u & 0xf) << 3) + 0x84) << ((u >> 4) & 7)) - 0x84;
  return u & 0x80 ? -magnitude : magnitude;
}

function encodeU(sample: number): number {
  const sign = sample < 0 ? 0x80 : 0;
  const s = Math.min(32_635, Math.abs(sample)) + 0x84;
  let exponent = 7;
  for (let mask = 0x4000; (s & mask) === 0 && exponent > 0; exponent--) mask >>= 1;
  return ~(sign | (exponent << 4) | ((s >> (exponent + 3)) & 0xf)) & 0xff;
}
