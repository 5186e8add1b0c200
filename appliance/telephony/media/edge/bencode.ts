// Bencode, as rtpengine's ng protocol uses it.

export type Bencodable = string | number | boolean | Bencodable[] | { [key: string]: Bencodable | undefined };
export type Bdecoded = string | number | Bdecoded[] | { [key: string]: Bdecoded };

const MAX_DEPTH = 32;

export function bencode(value: Bencodable): Buffer {
  const parts: Buffer[] = [];
  write(value, parts);
  return Buffer.concat(parts);
}

/** @throws {Error} on anything that is not bencode. */
export function bdecode(bytes: Buffer): Bdecoded {
  return new Reader(bytes).value(0);
}

function write(value: Bencodable, parts: Buffer[]): void {
  if (typeof value === 'number') parts.push(Buffer.from(`i${Math.trunc(value)}e`));
  else if (typeof value === 'boolean') parts.push(Buffer.from(value ? '3:yes' : '2:no'));
  else if (typeof value === 'string') {
    const text = Buffer.from(value);
    parts.push(Buffer.from(`${text.length}:`), text);
  } else if (Array.isArray(value)) {
    parts.push(Buffer.from('l'));
    for (const item of value) write(item, parts);
    parts.push(Buffer.from('e'));
  } else {
    parts.push(Buffer.from('d'));
    for (const [key, item] of Object.entries(value)) {
      if (item === undefined) continue;
      write(key, parts);
      write(item, parts);
    }
    parts.push(Buffer.from('e'));
  }
}

class Reader {
  readonly #bytes: Buffer;
  #at = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  value(depth: number): Bdecoded {
    if (depth > MAX_DEPTH) throw new Error('bencode too deep');
    switch (this.#bytes[this.#at]) {
      case 0x64: // d
        return this.#dictionary(depth);
      case 0x6c: {
        this.#at++; // l
        const list: Bdecoded[] = [];
        while (this.#more()) list.push(this.value(depth + 1));
        return list;
      }
      case 0x69: // i
        return this.#integer();
      default:
        return this.#string();
    }
  }

  #dictionary(depth: number): { [key: string]: Bdecoded } {
    this.#at++;
    const entries: [string, Bdecoded][] = [];
    while (this.#more()) entries.push([this.#string(), this.value(depth + 1)]);
    return Object.fromEntries(entries);
  }

  #more(): boolean {
    if (this.#at >= this.#bytes.length) throw new Error('bencode ends early');
    if (this.#bytes[this.#at] !== 0x65) return true; // e
    this.#at++;
    return false;
  }

  #integer(): number {
    const end = this.#bytes.indexOf(0x65, this.#at);
    const text = this.#bytes.toString('latin1', this.#at + 1, end < 0 ? this.#at + 1 : end);
    if (!/^-?\d{1,19}$/.test(text)) throw new Error('bencode integer is none');
    this.#at = end + 1;
    return Number(text);
  }

  #string(): string {
    const colon = this.#bytes.indexOf(0x3a, this.#at);
    const digits = this.#bytes.toString('latin1', this.#at, colon < 0 ? this.#at : colon);
    if (!/^\d{1,7}$/.test(digits)) throw new Error('bencode string without a length');
    const from = colon + 1;
    const end = from + Number(digits);
    if (end > this.#bytes.length) throw new Error('bencode string ends early');
    this.#at = end;
    return this.#bytes.toString('utf8', from, end);
  }
}
