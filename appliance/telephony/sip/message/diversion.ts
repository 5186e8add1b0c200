// Who sent a call on before it came here, and why: Diversion (RFC 5806), History-Info (RFC 7044, its reasons by RFC 4458).
import { parseDecimal, parseParams } from './grammar.ts';
import type { SipRequest } from './message.ts';
import { type NameAddr, parseNameAddr, printNameAddr } from './name-addr.ts';
import { privacyOf } from './privacy.ts';
import { printUri, type SipUri } from './uri.ts';

export const DIVERSION_REASONS = [
  'unknown',
  'unconditional',
  'user-busy',
  'no-answer',
  'unavailable',
  'time-of-day',
  'do-not-disturb',
  'deflection',
  'follow-me',
  'out-of-service',
  'away',
] as const;
export type DiversionReason = (typeof DIVERSION_REASONS)[number];

export interface Diversion {
  uri: SipUri;
  displayName: string | undefined;
  reason: DiversionReason;
  /** How often there. */
  count: number;
  /** Does not want to be named. */
  hidden: boolean;
}

const MAX_ENTRIES = 10;
const MAX_COUNT = 99;

/** The last one who sent it on comes first. Entries that cannot be read are passed over. */
export function parseDiversions(request: SipRequest): Diversion[] {
  const privacy = privacyOf(request);
  const said = fromDiversion(request);
  const found = said.length > 0 ? said : fromHistory(request);
  const hideAll = privacy.has('history') || privacy.has('header');
  return hideAll ? found.map((one) => ({ ...one, hidden: true })) : found;
}

function fromDiversion(request: SipRequest): Diversion[] {
  return request
    .list('diversion')
    .slice(0, MAX_ENTRIES)
    .flatMap((value) => {
      const entry = addressIn(value);
      if (!entry) return [];
      const { params } = entry.address;
      return [
        {
          uri: entry.uri,
          displayName: entry.address.displayName,
          reason: reasonNamed(params.reason),
          count: Math.max(1, parseDecimal(params.counter ?? '1', MAX_COUNT) ?? 1),
          hidden: /^(full|uri)$/i.test(params.privacy ?? ''),
        },
      ];
    });
}

/** RFC 7044 §5: each entry is a target; one whose successor came about by a redirection has sent the call on. */
function fromHistory(request: SipRequest): Diversion[] {
  const entries = request
    .list('history-info')
    .slice(-MAX_ENTRIES)
    .flatMap((value) => addressIn(value) ?? []);
  const found: Diversion[] = [];
  for (const [at, { address, uri }] of entries.entries()) {
    const next = entries[at + 1];
    if (!next) break;
    const headers = embedded(uri.headers);
    const why = next.uri.params?.cause ?? causeIn(headers.reason);
    const redirected = why !== undefined || 'mp' in next.address.params || 'np' in next.address.params;
    if (!redirected) continue;
    const { headers: _, ...plain } = uri;
    found.push({
      uri: plain,
      displayName: address.displayName,
      reason: REASON_OF_CAUSE[why ?? ''] ?? 'unknown',
      count: 1,
      hidden: /(^|;)\s*history\s*(;|$)/i.test(headers.privacy ?? ''),
    });
  }
  return found.reverse();
}

/** Fields for a call that we send on ourselves. */
export function diversionHeaders(
  as: 'diversion' | 'history-info',
  { by, to, reason }: { by: SipUri; to: SipUri; reason: DiversionReason },
): [name: string, value: string][] {
  if (as === 'diversion') {
    return [['Diversion', printNameAddr({ uri: by, params: { reason, counter: '1', privacy: 'off' } })]];
  }
  const cause = Object.entries(REASON_OF_CAUSE).find(([, word]) => word === reason)?.[0] ?? '404';
  const target = { ...to, params: { ...to.params, cause } };
  return [['History-Info', `<${printUri(by)}>;index=1, <${printUri(target)}>;index=1.1;mp=1`]];
}

/** RFC 7544 §7.1. */
const REASON_OF_CAUSE: Record<string, DiversionReason> = {
  '302': 'unconditional',
  '486': 'user-busy',
  '408': 'no-answer',
  '480': 'deflection',
  '487': 'deflection',
  '503': 'unavailable',
};

function reasonNamed(word: string | undefined): DiversionReason {
  const lower = word?.toLowerCase();
  return DIVERSION_REASONS.find((known) => known === lower) ?? 'unknown';
}

function addressIn(value: string): { address: NameAddr; uri: SipUri } | undefined {
  try {
    const address = parseNameAddr(value);
    return { address, uri: address.uri };
  } catch {
    return undefined;
  }
}

/** Header fields within a URI, RFC 3261 §19.1.1: Reason and Privacy are what history speaks with. */
function embedded(text: string | undefined): { reason?: string; privacy?: string } {
  const fields: { reason?: string; privacy?: string } = {};
  for (const part of (text ?? '').split('&').slice(0, 8)) {
    const eq = part.indexOf('=');
    const name = part.slice(0, Math.max(0, eq)).toLowerCase();
    if (name !== 'reason' && name !== 'privacy') continue;
    try {
      fields[name] ??= decodeURIComponent(part.slice(eq + 1));
    } catch {
      // A bad escape says nothing.
    }
  }
  return fields;
}

function causeIn(reason: string | undefined): string | undefined {
  const semicolon = reason?.indexOf(';') ?? -1;
  return semicolon < 0 ? undefined : parseParams(reason!.slice(semicolon)).cause;
}
