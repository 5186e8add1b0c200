// What a SUBSCRIBE asks for (RFC 6665 §4.2.1), read from a hostile message.
import { parseParams, type SipRequest } from '../sip/index.ts';
import type { EventPackage } from './api.ts';
import { ALLOW_EVENTS, isPackage, PACKAGES } from './packages.ts';

export interface Durations {
  minS: number;
  maxS: number;
  defaultS: number;
}

export type Asked =
  | { kind: 'subscription'; package: EventPackage; eventId: string | undefined; expiresS: number }
  | { kind: 'refused'; status: 400 | 406 | 423 | 489; reason?: string; headers: [string, string][] };

const MAX_EVENT_ID = 64;

export function readSubscribe(request: SipRequest, durations: Durations): Asked {
  // §8.2.1: one Event, which names one package.
  const given = request.headers('event');
  if (given.length > 1) return refused(400, 'More than one Event');
  const [name = '', ...params] = (given[0] ?? '').split(';');
  const event = name.trim().toLowerCase();
  if (!isPackage(event)) return { kind: 'refused', status: 489, headers: [['Allow-Events', ALLOW_EVENTS]] };
  const { id } = parseParams(params.join(';'));
  // It goes into our Event field as it is.
  if (id !== undefined && (id.length > MAX_EVENT_ID || !/^[A-Za-z0-9\-.!%*_+`'~]+$/.test(id)))
    return refused(400, 'Malformed Event');
  const { contentType } = PACKAGES[event];
  if (!accepts(request, contentType)) return { kind: 'refused', status: 406, headers: [['Accept', contentType]] };
  const expiresS = durationOf(request, durations);
  if (expiresS === undefined) return refused(400, 'Malformed Expires');
  if (expiresS > 0 && expiresS < durations.minS)
    return { kind: 'refused', status: 423, headers: [['Min-Expires', String(durations.minS)]] };
  return { kind: 'subscription', package: event, eventId: id || undefined, expiresS };
}

/** §4.2.1.1: we may shorten it, never lengthen it. Undefined: not a number. */
export function durationOf(request: SipRequest, { maxS, defaultS }: Durations): number | undefined {
  const text = request.header('expires')?.trim();
  if (text === undefined) return defaultS;
  if (!/^\d{1,100}$/.test(text)) return undefined;
  return Math.min(Number(text), maxS);
}

/** RFC 3261 §20.1; without the field the package's own type is accepted (RFC 6665 §3.1.3). */
function accepts(request: SipRequest, contentType: string): boolean {
  if (!request.has('accept')) return true;
  const [main] = contentType.split('/');
  return request.list('accept').some((value) => {
    const type = value.split(';')[0]!.trim().toLowerCase();
    return type === contentType || type === '*/*' || type === `${main}/*`;
  });
}

function refused(status: 400, reason: string): Asked {
  return { kind: 'refused', status, reason, headers: [] };
}
