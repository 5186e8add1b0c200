// Bytes to messages: RFC 3261 §7. Splits into fields only; values are parsed when somebody asks.
import { isToken, parseDecimal } from './grammar.ts';
import { keyOf } from './header-names.ts';
import { MAX_FIELD_CHARS, MAX_FIELDS, MAX_HEAD_BYTES, MAX_MESSAGE_BYTES } from './limits.ts';
import { SipRequest, SipResponse } from './message.ts';
import { SipSyntaxError } from './syntax-error.ts';

/**
 * One whole message: a datagram, a WebSocket message, or what the stream framing cut out.
 * Lines end with CRLF; a bare LF, which old devices send, is taken for one as well.
 *
 * @throws {SipSyntaxError} when it is not a SIP message at all, or too large. What is merely wrong in its header fields
 * or its length is noted in `defect`, so that a request can be answered.
 */
export function parseMessage(data: Buffer): SipRequest | SipResponse {
  if (data.length > MAX_MESSAGE_BYTES) throw new SipSyntaxError('Message too large', 513);
  const start = leadingBlank(data);
  const bodyAt = headEnd(data, start);
  if (bodyAt < 0) throw new SipSyntaxError('Message without end of header');
  if (bodyAt - start > MAX_HEAD_BYTES) throw new SipSyntaxError('Header too large', 513);
  const head = data.toString('utf8', start, bodyAt);
  const lines = head.split('\n');
  const fields: [string, string][] = [];
  let defect: SipSyntaxError | undefined;
  let body = data.subarray(bodyAt);
  try {
    readFields(lines, fields);
    body = bodyOf(data, bodyAt, fields);
  } catch (error) {
    if (!(error instanceof SipSyntaxError)) throw error;
    defect = error; // enough may have been read to answer with a 400
  }
  const message = startOf(stripCr(lines[0]!), body);
  for (const [name, value] of fields) message.addParsed(name, value);
  if (defect) message.defect = defect;
  return message;
}

/** Offset of the body: after the first empty line. -1 when there is none yet. Also what the stream framing uses. */
export function headEnd(data: Buffer, from: number): number {
  for (let at = data.indexOf(10, from); at >= 0; at = data.indexOf(10, at + 1)) {
    if (data[at + 1] === 10) return at + 2;
    if (data[at + 1] === 13 && data[at + 2] === 10) return at + 3;
  }
  return -1;
}

/** The Content-Length of a raw head: undefined when absent, a throw when it is not a number or given twice with different values. */
export function contentLengthOf(head: string): number | undefined {
  const fields: [string, string][] = [];
  readFields(head.split('\n'), fields);
  return lengthOf(fields);
}

function leadingBlank(data: Buffer): number {
  // RFC 3261 §7.5: CRLF before the start line is ignored.
  let at = 0;
  while (data[at] === 13 || data[at] === 10) at++;
  return at;
}

function readFields(lines: string[], fields: [string, string][]): void {
  for (let i = 1; i < lines.length; i++) {
    const line = stripCr(lines[i]!);
    if (line === '') break;
    const first = line.charCodeAt(0);
    if (first === 0x20 || first === 0x09) {
      // RFC 3261 §7.3.1: a folded line continues the field; the fold reads as one blank.
      const last = fields.at(-1);
      if (!last) throw new SipSyntaxError('Header begins with a folded line');
      last[1] = `${last[1]} ${clean(line)}`.trim();
      if (last[1].length > MAX_FIELD_CHARS) throw new SipSyntaxError('Header field too long', 513);
      continue;
    }
    const colon = line.indexOf(':');
    const name = colon < 0 ? '' : line.slice(0, colon).trimEnd();
    if (!isToken(name)) throw new SipSyntaxError('Malformed header line');
    if (line.length > MAX_FIELD_CHARS) throw new SipSyntaxError('Header field too long', 513);
    if (fields.length === MAX_FIELDS) throw new SipSyntaxError('Too many header fields', 513);
    fields.push([name, clean(line.slice(colon + 1))]);
  }
}

function bodyOf(data: Buffer, bodyAt: number, fields: [string, string][]): Buffer {
  const length = lengthOf(fields);
  if (length === undefined) return data.subarray(bodyAt);
  // RFC 3261 §18.3: a datagram that is shorter than it says is refused, what is longer is cut.
  if (bodyAt + length > data.length) throw new SipSyntaxError('Body shorter than Content-Length');
  return data.subarray(bodyAt, bodyAt + length);
}

function lengthOf(fields: [string, string][]): number | undefined {
  let length: number | undefined;
  for (const [name, value] of fields) {
    if (keyOf(name) !== 'content-length') continue;
    const next = parseDecimal(value, Number.MAX_SAFE_INTEGER);
    if (next === undefined || (length !== undefined && length !== next)) throw new SipSyntaxError('Bad Content-Length');
    length = next;
  }
  return length;
}

function startOf(line: string, body: Buffer): SipRequest | SipResponse {
  if (/^SIP\/\d+\.\d+ /i.test(line)) {
    const status = parseDecimal(line.slice(line.indexOf(' ') + 1, line.indexOf(' ') + 4), 699);
    const after = line.slice(line.indexOf(' ') + 4);
    if (status === undefined || status < 100 || (after !== '' && !after.startsWith(' '))) {
      throw new SipSyntaxError('Malformed status line');
    }
    if (!/^SIP\/2\.0 /i.test(line)) throw new SipSyntaxError('Response of an unknown version');
    return new SipResponse(status, clean(after.slice(1)), body);
  }
  line = line.trimEnd();
  const first = line.indexOf(' ');
  const last = line.lastIndexOf(' ');
  const version = line.slice(last + 1);
  if (first <= 0 || last <= first || !/^SIP\/\d+\.\d+$/i.test(version))
    throw new SipSyntaxError('Malformed start line');
  const method = line.slice(0, first);
  if (!isToken(method)) throw new SipSyntaxError('Malformed method');
  return new SipRequest(method, line.slice(first + 1, last), body, version.toUpperCase());
}

function stripCr(line: string): string {
  return line.endsWith('\r') ? line.slice(0, -1) : line;
}

/** A stray CR or NUL inside a value can never be printed again; it reads as a blank. */
function clean(value: string): string {
  return (value.includes('\r') || value.includes('\0') ? value.replace(/[\r\0]/g, ' ') : value).trim();
}
