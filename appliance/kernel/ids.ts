import { randomFillSync } from 'node:crypto';

let lastMs = 0;
let counter = 0;

/** Randomness is fetched for many ids at once: each fetch costs more than the rest of an id. */
const POOL_IDS = 256;
const NEED = 10;
const pool = Buffer.allocUnsafeSlow(POOL_IDS * NEED);
let at = pool.length;

/** A UUIDv7 (RFC 9562 §5.7): time-ordered, with a 12-bit counter in rand_a so that ids of one process sort as made. */
export function uuidv7(nowMs: number = Date.now()): string {
  if (at === pool.length) {
    randomFillSync(pool);
    at = 0;
  }
  if (nowMs > lastMs) {
    lastMs = nowMs;
    counter = pool.readUInt16BE(at) & 0x7ff;
  } else if (++counter > 0xfff) {
    lastMs++;
    counter = 0;
  }
  const bytes = Buffer.allocUnsafe(16);
  bytes.writeUIntBE(lastMs, 0, 6);
  bytes.writeUInt16BE(0x7000 | counter, 6);
  pool.copy(bytes, 8, at + 2, at + NEED);
  at += NEED;
  bytes[8] = (bytes[8]! & 0x3f) | 0x80;
  const hex = bytes.toString('hex');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}

/** Not after any UUIDv7 made at that millisecond or later: where a range of them begins. */
export function uuidAt(ms: number): string {
  const hex = Math.max(0, Math.floor(ms)).toString(16).padStart(12, '0');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-7000-8000-000000000000`;
}

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

export function isUuid(text: string): boolean {
  return UUID.test(text);
}
