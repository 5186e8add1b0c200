import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';

// A file is a header (magic, 8 random bytes) and chunks of 64 KiB, each sealed by itself, so that a range can be read
// without the bytes before it. A chunk's number and whether it is the last one are part of its nonce and seal:
// chunks cannot be reordered, dropped or cut off unnoticed.

export const CHUNK = 64 * 1024;
export const TAG = 16;
export const HEADER = 12;
const MAGIC = Buffer.from('SRF1');

export function newHeader(): Buffer {
  return Buffer.concat([MAGIC, randomBytes(8)]);
}

export function isHeader(header: Buffer): boolean {
  return header.length === HEADER && header.subarray(0, 4).equals(MAGIC);
}

export function sealChunk(key: Buffer, header: Buffer, index: number, last: boolean, plain: Buffer): Buffer {
  const cipher = createCipheriv('aes-256-gcm', key, nonce(header, index), { authTagLength: TAG });
  cipher.setAAD(Buffer.from([last ? 1 : 0]));
  return Buffer.concat([cipher.update(plain), cipher.final(), cipher.getAuthTag()]);
}

/** Throws when the chunk is not exactly what was written at this place. */
export function openChunk(key: Buffer, header: Buffer, index: number, last: boolean, sealed: Buffer): Buffer {
  const decipher = createDecipheriv('aes-256-gcm', key, nonce(header, index), { authTagLength: TAG });
  decipher.setAAD(Buffer.from([last ? 1 : 0])).setAuthTag(sealed.subarray(sealed.length - TAG));
  return Buffer.concat([decipher.update(sealed.subarray(0, sealed.length - TAG)), decipher.final()]);
}

function nonce(header: Buffer, index: number): Buffer {
  const bytes = Buffer.alloc(12);
  header.copy(bytes, 0, 4, 12);
  bytes.writeUInt32BE(index, 8);
  return bytes;
}
