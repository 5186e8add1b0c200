// SRTP with AES_CM_128_HMAC_SHA1_80 (RFC 3711, RFC 4568) for test phones.
import { createCipheriv, createHmac, randomBytes } from 'node:crypto';

export class Srtp {
  readonly #key: Buffer;
  readonly #auth: Buffer;
  readonly #salt: Buffer;

  /** @param inline the base64 text after `inline:`. */
  constructor(inline: string) {
    const both = Buffer.from(inline.split('|')[0]!, 'base64');
    const derive = (label: number, length: number) =>
      keyFor(both.subarray(0, 16), both.subarray(16, 30), label, length);
    this.#key = derive(0, 16);
    this.#auth = derive(1, 20);
    this.#salt = derive(2, 14);
  }

  static newInline(): string {
    return randomBytes(30).toString('base64');
  }

  protect(rtp: Buffer): Buffer {
    const m = Buffer.concat([rtp.subarray(0, 12), this.#crypt(rtp)]);
    return Buffer.concat([m, this.#tag(m)]);
  }

  /** Undefined when the tag is wrong. */
  unprotect(m: Buffer): Buffer | undefined {
    const body = m.subarray(0, -10);
    if (!this.#tag(body).equals(m.subarray(-10))) return undefined;
    return Buffer.concat([body.subarray(0, 12), this.#crypt(body)]);
  }

  #crypt(m: Buffer): Buffer {
    const iv = Buffer.alloc(16);
    this.#salt.copy(iv);
    for (let i = 0; i < 4; i++) iv[4 + i]! ^= m[8 + i]!;
    for (let i = 0; i < 2; i++) iv[12 + i]! ^= m[2 + i]!;
    return createCipheriv('aes-128-ctr', this.#key, iv).update(m.subarray(12));
  }

  #tag(m: Buffer): Buffer {
    return createHmac('sha1', this.#auth).update(m).update(Buffer.alloc(4)).digest().subarray(0, 10);
  }
}

function keyFor(master: Buffer, salt: Buffer, label: number, length: number): Buffer {
  const iv = Buffer.alloc(16);
  salt.copy(iv);
  iv[7]! ^= label;
  return createCipheriv('aes-128-ctr', master, iv).update(Buffer.alloc(length));
}
