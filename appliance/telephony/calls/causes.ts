// Why calls end, in both languages: Q.850 causes and SIP statuses (RFC 3398 §7.2.4.1 and §8.2.6.1), Reason fields (RFC 3326).
import type { EndCause } from './api.ts';

/** Causes that this house says itself. */
export const Q850 = {
  unallocated: 1,
  normal: 16,
  busy: 17,
  noResponse: 18,
  noAnswer: 19,
  rejected: 21,
  outOfOrder: 27,
  invalidNumber: 28,
  unspecified: 31,
  noCircuit: 34,
  temporaryFailure: 41,
  congestion: 42,
  noCommonCodec: 65,
  timerExpired: 102,
  interworking: 127,
} as const;

/** What to say to a caller before the answer. */
export function statusOfCause(cause: { q850?: number | undefined; sip?: number | undefined }): number {
  if (cause.sip !== undefined && cause.sip >= 300 && cause.sip <= 699) return cause.sip;
  return SIP_OF_Q850[cause.q850 ?? Q850.unspecified] ?? 480;
}

export function q850OfStatus(status: number): number {
  const exact = Q850_OF_SIP[status];
  if (exact !== undefined) return exact;
  // RFC 3261 §8.1.3.2: an unknown x99 is treated as x00.
  return Q850_OF_SIP[Math.floor(status / 100) * 100] ?? Q850.interworking;
}

export function textOfQ850(q850: number): string {
  return TEXT_OF_Q850[q850] ?? `Cause ${q850}`;
}

/** `Reason` value for a request or response of ours. */
export function reasonOf(q850: number, text?: string): string {
  return `Q.850;cause=${q850};text="${quotable(text ?? textOfQ850(q850))}"`;
}

/** For the endpoints that rang along and lost (RFC 3326 §3.1): phones do not show a missed call. */
export const COMPLETED_ELSEWHERE = 'SIP;cause=200;text="Call completed elsewhere"';

/** What the Reason fields of a message say; unknown protocols and nonsense are passed over. */
export function readReasons(values: readonly string[]): { q850?: number; sip?: number; text?: string } {
  const read: { q850?: number; sip?: number; text?: string } = {};
  for (const value of values.slice(0, 8)) {
    for (const match of value.slice(0, 1024).matchAll(REASON)) {
      const cause = Number(/;\s*cause\s*=\s*(\d{1,3})(?!\d)/i.exec(match[2]!)?.[1] ?? Number.NaN);
      const text = /;\s*text\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^;,\s"]+))/i.exec(match[2]!);
      const words = text ? (text[1]?.replace(/\\(.)/g, '$1') ?? text[2]) : undefined;
      if (match[1]!.toUpperCase() === 'Q.850' && cause >= 0 && cause <= 127) read.q850 = cause;
      else if (match[1]!.toUpperCase() === 'SIP' && cause >= 100) read.sip = cause;
      else continue;
      if (words) read.text ??= words.slice(0, 200);
    }
  }
  return read;
}

/** A final failure from the other side, with its Reason fields when it has some. */
export function causeOfResponse(status: number, phrase: string, reasons: readonly string[] = []): EndCause {
  const read = readReasons(reasons);
  return {
    by: 'party',
    q850: read.q850 ?? q850OfStatus(status),
    sip: status,
    text: read.text ?? `${status} ${phrase}`.trim(),
  };
}

/** BYE or CANCEL from the other side. */
export function causeOfEnd(reasons: readonly string[] = []): EndCause {
  const read = readReasons(reasons);
  const q850 = read.q850 ?? Q850.normal;
  return {
    by: 'party',
    q850,
    ...(read.sip === undefined ? {} : { sip: read.sip }),
    text: read.text ?? textOfQ850(q850),
  };
}

export function causeOfOurs(
  cause: { q850?: number | undefined; sip?: number | undefined; text?: string | undefined } = {},
): EndCause {
  const q850 = cause.q850 ?? (cause.sip === undefined ? Q850.normal : q850OfStatus(cause.sip));
  return {
    by: 'us',
    q850,
    ...(cause.sip === undefined ? {} : { sip: cause.sip }),
    text: cause.text ?? textOfQ850(q850),
  };
}

export function failure(q850: number, text: string, sip?: number): EndCause {
  return { by: 'failure', q850, ...(sip === undefined ? {} : { sip }), text };
}

const REASON = /(?:^|,)\s*([\w.\-!%*+`'~]{1,32})((?:\s*;\s*[\w.-]{1,32}\s*=\s*(?:"(?:[^"\\]|\\.)*"|[^;,\s"]*))*)/g;

function quotable(text: string): string {
  return text
    .replace(/[\p{Cc}]+/gu, ' ')
    .replace(/(["\\])/g, '\\$1')
    .slice(0, 200);
}

const SIP_OF_Q850: Record<number, number> = {
  1: 404,
  2: 404,
  3: 404,
  16: 480,
  17: 486,
  18: 408,
  19: 480,
  20: 480,
  21: 403,
  22: 410,
  23: 410,
  25: 483,
  26: 404,
  27: 502,
  28: 484,
  29: 501,
  31: 480,
  34: 503,
  38: 503,
  41: 503,
  42: 503,
  47: 503,
  55: 403,
  57: 403,
  58: 503,
  63: 405,
  65: 488,
  70: 488,
  79: 501,
  87: 403,
  88: 503,
  102: 504,
  111: 500,
  127: 500,
};

const Q850_OF_SIP: Record<number, number> = {
  300: 23,
  400: 41,
  401: 21,
  402: 21,
  403: 21,
  404: 1,
  405: 63,
  406: 79,
  407: 21,
  408: 102,
  410: 22,
  413: 127,
  414: 127,
  415: 79,
  416: 127,
  420: 127,
  421: 127,
  423: 127,
  480: 18,
  481: 41,
  482: 25,
  483: 25,
  484: 28,
  485: 1,
  486: 17,
  487: 16,
  488: 65,
  491: 41,
  500: 41,
  501: 79,
  502: 38,
  503: 41,
  504: 102,
  505: 127,
  513: 127,
  600: 17,
  603: 21,
  604: 1,
  606: 58,
};

const TEXT_OF_Q850: Record<number, string> = {
  1: 'Unallocated number',
  2: 'No route to network',
  3: 'No route to destination',
  16: 'Normal call clearing',
  17: 'User busy',
  18: 'No user responding',
  19: 'No answer from user',
  20: 'Subscriber absent',
  21: 'Call rejected',
  22: 'Number changed',
  23: 'Redirection to new destination',
  25: 'Exchange routing error',
  26: 'Non-selected user clearing',
  27: 'Destination out of order',
  28: 'Invalid number format',
  29: 'Facility rejected',
  31: 'Normal, unspecified',
  34: 'No circuit available',
  38: 'Network out of order',
  41: 'Temporary failure',
  42: 'Switching equipment congestion',
  47: 'Resource unavailable',
  55: 'Incoming calls barred',
  57: 'Bearer capability not authorized',
  58: 'Bearer capability not available',
  63: 'Service not available',
  65: 'Bearer capability not implemented',
  70: 'Only restricted digital information',
  79: 'Service not implemented',
  87: 'User not member of closed group',
  88: 'Incompatible destination',
  102: 'Recovery on timer expiry',
  111: 'Protocol error',
  127: 'Interworking, unspecified',
};
