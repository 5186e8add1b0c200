// RSeq and RAck: RFC 3262 §7.
import { parseDecimal } from './grammar.ts';
import type { SipRequest, SipResponse } from './message.ts';

export interface RAck {
  rseq: number;
  cseq: number;
  method: string;
}

export function parseRAck(request: SipRequest): RAck | undefined {
  const [first, second, method] = (request.header('rack') ?? '').trim().split(/[ \t]+/);
  const rseq = parseDecimal(first ?? '', 0xffff_ffff);
  const cseq = parseDecimal(second ?? '', 0xffff_ffff);
  return rseq === undefined || cseq === undefined || !method ? undefined : { rseq, cseq, method };
}

/** The number of a provisional response that wants a PRACK; undefined for all others. */
export function reliableSeq(response: SipResponse): number | undefined {
  if (response.status <= 100 || response.status >= 200 || !response.tokens('require').has('100rel')) return undefined;
  return parseDecimal(response.header('rseq')?.trim() ?? '', 0xffff_ffff);
}
