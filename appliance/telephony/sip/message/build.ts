// Our own messages: responses from requests (RFC 3261 §8.2.6), random identifiers.
import { randomBytes } from 'node:crypto';
import type { Reply } from '../api.ts';
import { type SipRequest, SipResponse } from './message.ts';
import { reasonOf } from './status.ts';
import { MAGIC_COOKIE } from './via.ts';

/** Status, extra fields and body of an answer to `request`. `toTag` is added unless the To has one. */
export function buildResponse(
  request: SipRequest,
  reply: Reply,
  options: {
    toTag?: string | undefined;
    contact?: string | undefined;
    recordRoute?: boolean;
    server?: string | undefined;
  } = {},
): SipResponse {
  const response = new SipResponse(reply.status, oneLine(reply.reason ?? reasonOf(reply.status)), reply.body);
  for (const via of request.headers('via')) response.append('Via', via);
  if (options.recordRoute) for (const route of request.headers('record-route')) response.append('Record-Route', route);
  const copy = (name: string, suffix = '') => {
    const value = request.header(name);
    if (value !== undefined) response.append(name, value + suffix);
  };
  const needsTag = options.toTag !== undefined && reply.status > 100 && !hasTag(request);
  copy('From');
  copy('To', needsTag ? `;tag=${options.toTag}` : '');
  copy('Call-ID');
  copy('CSeq');
  if (reply.status === 100 && request.has('timestamp')) response.append('Timestamp', request.header('timestamp')!);
  if (options.contact !== undefined) response.append('Contact', options.contact);
  if (options.server !== undefined) response.append('Server', options.server);
  for (const [name, value] of reply.headers ?? []) response.append(name, value);
  if (reply.body !== undefined && reply.body.length > 0) {
    response.append('Content-Type', reply.contentType ?? 'application/sdp');
  }
  return response;
}

const POOL_BYTES = 8192;
let pool = '';
let at = 0;

/** Unpredictable hexadecimal digits, drawn from a pool: one system call serves hundreds of tags. */
export function randomHex(digits: number): string {
  if (at + digits > pool.length) {
    pool = randomBytes(POOL_BYTES).toString('hex');
    at = 0;
  }
  at += digits;
  return pool.slice(at - digits, at);
}

/** 64 bits; RFC 3261 §19.3 asks for 32. */
export const newTag = () => randomHex(16);
export const newBranch = () => MAGIC_COOKIE + randomHex(20);
export const newCallId = () => randomHex(32);

function hasTag(request: SipRequest): boolean {
  try {
    return request.to.tag !== undefined;
  } catch {
    return true; // what cannot be parsed is echoed as it is
  }
}

function oneLine(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: controls end a status line
  return text.replace(/[\0-\x1f\x7f]/g, ' ');
}
