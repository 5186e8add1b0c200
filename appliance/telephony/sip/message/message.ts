// SIP messages: fields in the order received, unknown ones untouched; values are parsed on demand and kept.
import { type CSeq, parseCSeq } from './cseq.ts';
import { isOneLine, isToken, splitOutside } from './grammar.ts';
import { keyOf } from './header-names.ts';
import { type NameAddr, parseNameAddr } from './name-addr.ts';
import { SipSyntaxError } from './syntax-error.ts';
import { parseUri, type SipUri } from './uri.ts';
import { parseVia, type Via } from './via.ts';

export type Field = [name: string, value: string];

const EMPTY = Buffer.alloc(0);

abstract class SipMessage {
  /** Set by the parser: what makes the message unusable. */
  defect: SipSyntaxError | undefined;
  readonly #keys: string[] = [];
  readonly #names: string[] = [];
  readonly #values: string[] = [];
  #body: Buffer | string;
  #via: Via | undefined;
  #from: NameAddr | undefined;
  #to: NameAddr | undefined;
  #cseq: CSeq | undefined;
  #contact: NameAddr | undefined;

  constructor(body: Buffer | string = EMPTY) {
    this.#body = body;
  }

  /** The first line, without its end. */
  abstract get startLine(): string;

  get body(): Buffer {
    if (typeof this.#body === 'string') this.#body = Buffer.from(this.#body);
    return this.#body;
  }

  /** The body without copying: a string when we made it, bytes when it was received. */
  get rawBody(): Buffer | string {
    return this.#body;
  }

  get bodyText(): string {
    return typeof this.#body === 'string' ? this.#body : this.#body.toString('utf8');
  }

  /** Value of the first field of that name (long or compact form). */
  header(name: string): string | undefined {
    const at = this.#keys.indexOf(keyOf(name));
    return at < 0 ? undefined : this.#values[at];
  }

  /** Values of all fields of that name, one per line, as received. */
  headers(name: string): string[] {
    const key = keyOf(name);
    const values: string[] = [];
    for (let i = 0; i < this.#keys.length; i++) if (this.#keys[i] === key) values.push(this.#values[i]!);
    return values;
  }

  /** All values of a comma-separated field, over all its lines. */
  list(name: string): string[] {
    const lines = this.headers(name);
    return lines.length === 1 ? splitOutside(lines[0]!, ',') : lines.flatMap((line) => splitOutside(line, ','));
  }

  has(name: string): boolean {
    return this.#keys.includes(keyOf(name));
  }

  /** How many fields of that name there are. */
  count(name: string): number {
    const key = keyOf(name);
    let count = 0;
    for (const other of this.#keys) if (other === key) count++;
    return count;
  }

  get fieldCount(): number {
    return this.#keys.length;
  }

  /** All fields in order. */
  *fields(): IterableIterator<Field> {
    for (let i = 0; i < this.#names.length; i++) yield [this.#names[i]!, this.#values[i]!];
  }

  /** Top Via. @throws {SipSyntaxError} as do the other parsed fields. */
  get via(): Via {
    this.#via ??= parseVia(splitOutside(this.#required('via'), ',')[0] ?? '');
    return this.#via;
  }

  get from(): NameAddr {
    this.#from ??= parseNameAddr(this.#required('from'));
    return this.#from;
  }

  get to(): NameAddr {
    this.#to ??= parseNameAddr(this.#required('to'));
    return this.#to;
  }

  get cseq(): CSeq {
    this.#cseq ??= parseCSeq(this.#required('cseq'));
    return this.#cseq;
  }

  get callId(): string {
    return this.#required('call-id');
  }

  /** The first Contact, unless it is `*`. */
  get contact(): NameAddr | undefined {
    if (this.#contact) return this.#contact;
    const first = this.list('contact')[0];
    if (first === undefined || first === '*') return undefined;
    this.#contact = parseNameAddr(first);
    return this.#contact;
  }

  get contacts(): NameAddr[] {
    return this.list('contact')
      .filter((value) => value !== '*')
      .map(parseNameAddr);
  }

  /** Option tags or methods of a list field, as a set in lower case. */
  tokens(name: string): Set<string> {
    return new Set(this.list(name).map((value) => value.toLowerCase()));
  }

  /** Media type without parameters, lower case. */
  get contentType(): string | undefined {
    const value = this.header('content-type');
    if (value === undefined) return undefined;
    const semicolon = value.indexOf(';');
    return (semicolon < 0 ? value : value.slice(0, semicolon)).trim().toLowerCase();
  }

  /** Adds a field at the end. @throws {SipSyntaxError} when it would not stay one field. */
  append(name: string, value: string): this {
    checkField(name, value);
    this.#keys.push(keyOf(name));
    this.#names.push(name);
    this.#values.push(value);
    return this;
  }

  /** Adds a field before all others. */
  prepend(name: string, value: string): this {
    checkField(name, value);
    this.#keys.unshift(keyOf(name));
    this.#names.unshift(name);
    this.#values.unshift(value);
    if (keyOf(name) === 'via') this.#via = undefined;
    return this;
  }

  /** Replaces the topmost Via value; others on the same line stay. */
  replaceTopVia(value: string): void {
    const at = this.#keys.indexOf('via');
    const rest = splitOutside(this.#values[at] ?? '', ',').slice(1);
    const line = [value, ...rest].join(', ');
    checkField('Via', line);
    this.#values[at] = line;
    this.#via = undefined;
  }

  /** Parser's entrance: name and value have been checked there. */
  addParsed(name: string, value: string): void {
    this.#keys.push(keyOf(name));
    this.#names.push(name);
    this.#values.push(value);
  }

  /** The whole message as it goes on the wire. Content-Length is always ours. */
  print(): Buffer {
    let head = `${this.startLine}\r\n`;
    for (let i = 0; i < this.#names.length; i++) {
      if (this.#keys[i] !== 'content-length') head += `${this.#names[i]}: ${this.#values[i]}\r\n`;
    }
    const body = this.#body;
    if (typeof body === 'string') {
      return Buffer.from(`${head}Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`);
    }
    const top = Buffer.from(`${head}Content-Length: ${body.length}\r\n\r\n`);
    return body.length === 0 ? top : Buffer.concat([top, body]);
  }

  #required(key: string): string {
    const at = this.#keys.indexOf(key);
    if (at < 0) throw new SipSyntaxError(`Missing ${key}`);
    return this.#values[at]!;
  }
}

export class SipRequest extends SipMessage {
  readonly method: string;
  readonly uriText: string;
  readonly version: string;
  #uri: SipUri | undefined;

  constructor(method: string, uriText: string, body?: Buffer | string, version = 'SIP/2.0') {
    super(body);
    this.method = method;
    this.uriText = uriText;
    this.version = version;
  }

  /** Request-URI. @throws {SipSyntaxError} */
  get uri(): SipUri {
    this.#uri ??= parseUri(this.uriText);
    return this.#uri;
  }

  get startLine(): string {
    return `${this.method} ${this.uriText} ${this.version}`;
  }
}

export class SipResponse extends SipMessage {
  readonly status: number;
  readonly reason: string;

  constructor(status: number, reason: string, body?: Buffer | string) {
    super(body);
    this.status = status;
    this.reason = reason;
  }

  get startLine(): string {
    return `SIP/2.0 ${this.status} ${this.reason}`;
  }
}

function checkField(name: string, value: string): void {
  if (!isToken(name)) throw new SipSyntaxError(`Header name ${JSON.stringify(name)} is not a token`);
  if (!isOneLine(value)) throw new SipSyntaxError(`Header ${name} would not stay on one line`);
}
