// INVITE with Replaces: which leg is meant, and may it be replaced at all. RFC 3891 §3.
import { parseReplaces, type Replaces, type SipRequest, SipSyntaxError } from '../sip/index.ts';
import type { CallLeg } from './leg.ts';

export type Replaced = { leg: CallLeg; early: boolean } | { status: number };

/** Undefined: the request replaces nothing. */
export function replacedLeg(request: SipRequest, legs: Iterable<CallLeg>): Replaced | undefined {
  const values = request.list('replaces');
  if (values.length === 0) return undefined;
  if (values.length > 1 || request.has('join')) return { status: 400 };
  let replaces: Replaces;
  try {
    replaces = parseReplaces(values[0]!);
  } catch (error) {
    if (error instanceof SipSyntaxError) return { status: 400 };
    throw error;
  }
  const leg = find(replaces, legs);
  if (!leg) return { status: 481 };
  if (leg.finished) return { status: 603 };
  if (leg.state === 'up') return replaces.earlyOnly ? { status: 486 } : { leg, early: false };
  // An early dialog can be replaced by who began it only: what rings because we called.
  return leg.direction === 'out' ? { leg, early: true } : { status: 481 };
}

/**
 * §3: the to-tag is ours, the from-tag the party's. A phone that watches another one names the dialog as that one sees it (RFC 4235 §3.7.1),
 * where it is the other way round; tags are random, so that both ways name one dialog only.
 */
function find({ callId, toTag, fromTag }: Replaces, legs: Iterable<CallLeg>): CallLeg | undefined {
  for (const leg of legs) {
    if (leg.callId !== callId || !leg.line) continue;
    const { local, remote } = leg.line.tags;
    const other = local === toTag ? fromTag : local === fromTag ? toTag : undefined;
    if (other !== undefined && remote.includes(other)) return leg;
  }
  return undefined;
}
