// The session description that a message carries: its body, or one part of it. RFC 5621; multipart by RFC 2046 §5.1.
import { parseParams } from './grammar.ts';

export const SDP = 'application/sdp';
/** What we take in an INVITE: the Accept field of a 415. */
export const ACCEPTED = `${SDP}, multipart/mixed, multipart/alternative, multipart/related`;

const MAX_PARTS = 16;
/** Mixed around alternative around related is more than anybody sends. */
const MAX_DEPTH = 3;
const MAX_PART_HEAD_CHARS = 4096;

export interface SessionPart {
  /** Undefined: the message has none. */
  sdp: string | undefined;
  /** The sender insists that we understand a part that we do not: 415 (RFC 3261 §8.2.3). */
  refused: boolean;
}

interface Described {
  type: string | undefined;
  disposition: string | undefined;
  encoded: boolean;
  text: string;
}

interface Bodied {
  readonly rawBody: { readonly length: number };
  readonly bodyText: string;
  header(name: string): string | undefined;
}

/** The description alone; parts that are not understood are passed over. */
export function sdpOf(message: Bodied): string | undefined {
  return readSession(message).sdp;
}

export function readSession(message: Bodied): SessionPart {
  if (message.rawBody.length === 0) return { sdp: undefined, refused: false };
  return read(
    {
      type: message.header('content-type') ?? SDP,
      disposition: message.header('content-disposition'),
      encoded: isEncoded(message.header('content-encoding')),
      text: message.bodyText,
    },
    0,
  );
}

function read(part: Described, depth: number): SessionPart {
  const { media, params } = typeOf(part.type);
  if (!part.encoded) {
    if (media === SDP) return { sdp: part.text, refused: false };
    if (media.startsWith('multipart/') && depth < MAX_DEPTH) {
      const parts = partsOf(part.text, params.boundary);
      if (parts) return choose(media, parts, depth + 1);
    }
  }
  return { sdp: undefined, refused: !isOptional(part.disposition) };
}

function choose(media: string, parts: Described[], depth: number): SessionPart {
  const found = parts.map((part) => read(part, depth));
  // RFC 2046 §5.1.4: the last alternative that is understood is the best; the others need not be understood.
  if (media === 'multipart/alternative') {
    const best = found.findLast(({ sdp }) => sdp !== undefined);
    return best ?? { sdp: undefined, refused: found.length === 0 || found.every(({ refused }) => refused) };
  }
  return { sdp: found.find(({ sdp }) => sdp !== undefined)?.sdp, refused: found.some(({ refused }) => refused) };
}

/** Undefined for what is no multipart, or has more parts than anybody needs. */
function partsOf(text: string, boundary: string | undefined): Described[] | undefined {
  if (!boundary || boundary.length > 70) return undefined;
  const mark = `--${boundary}`;
  const parts: Described[] = [];
  let start = -1;
  for (let at = text.indexOf(mark); at >= 0; at = text.indexOf(mark, at + mark.length)) {
    if (at > 0 && text[at - 1] !== '\n') continue;
    const after = at + mark.length;
    const closing = text.startsWith('--', after);
    const lineEnd = closing ? after : endOfLine(text, after);
    if (lineEnd < 0) continue;
    if (start >= 0) {
      if (parts.length === MAX_PARTS) return undefined;
      const part = partIn(text.slice(start, at));
      if (!part) return undefined;
      parts.push(part);
    }
    if (closing) return parts.length > 0 ? parts : undefined;
    start = lineEnd;
  }
  // Without its closing delimiter it was cut off, or is none.
  return undefined;
}

/** Past the line break that must follow, blanks allowed (RFC 2046 §5.1.1); -1 when something else stands there. */
function endOfLine(text: string, from: number): number {
  let at = from;
  while (text[at] === ' ' || text[at] === '\t') at++;
  if (text[at] === '\r') at++;
  return text[at] === '\n' ? at + 1 : -1;
}

function partIn(text: string): Described | undefined {
  const start = text.slice(0, MAX_PART_HEAD_CHARS);
  const head = /^\r?\n/.exec(start) ?? /^([\s\S]*?)\r?\n\r?\n/.exec(start);
  if (!head) return undefined;
  const fields = new Map<string, string>();
  for (const line of (head[1] ?? '').replace(/\r?\n[ \t]+/g, ' ').split(/\r?\n/)) {
    const colon = line.indexOf(':');
    const name = line.slice(0, Math.max(0, colon)).trim().toLowerCase();
    if (name !== '' && !fields.has(name)) fields.set(name, line.slice(colon + 1).trim());
  }
  return {
    // RFC 2046 §5.1: a part that does not say what it is, is text.
    type: fields.get('content-type') ?? fields.get('c') ?? 'text/plain',
    disposition: fields.get('content-disposition'),
    encoded:
      isEncoded(fields.get('content-encoding')) ||
      /^(base64|quoted-printable)$/i.test(fields.get('content-transfer-encoding') ?? ''),
    // The line break before the delimiter belongs to the delimiter.
    text: text.slice(head[0].length).replace(/\r?\n$/, ''),
  };
}

function typeOf(value: string | undefined): { media: string; params: ReturnType<typeof parseParams> } {
  const text = value ?? '';
  const semicolon = text.indexOf(';');
  return {
    media: (semicolon < 0 ? text : text.slice(0, semicolon)).trim().toLowerCase(),
    params: parseParams(semicolon < 0 ? '' : text.slice(semicolon)),
  };
}

/** RFC 3261 §20.11: what does not say that it is optional is required. */
function isOptional(disposition: string | undefined): boolean {
  if (disposition === undefined) return false;
  const semicolon = disposition.indexOf(';');
  return semicolon >= 0 && parseParams(disposition.slice(semicolon)).handling?.toLowerCase() === 'optional';
}

function isEncoded(value: string | undefined): boolean {
  return value !== undefined && value.trim() !== '' && value.trim().toLowerCase() !== 'identity';
}
