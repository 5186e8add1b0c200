// CSeq: RFC 3261 §20.16, §8.1.1.5.
import { isToken, parseDecimal } from './grammar.ts';
import { SipSyntaxError } from './syntax-error.ts';

export interface CSeq {
  number: number;
  method: string;
}

/** @throws {SipSyntaxError} */
export function parseCSeq(text: string): CSeq {
  const value = text.trim();
  const gap = value.search(/[ \t]/);
  const number = gap < 0 ? undefined : parseDecimal(value.slice(0, gap), 0xffff_ffff);
  const method = value.slice(gap).trim();
  if (number === undefined || !isToken(method)) throw new SipSyntaxError('Malformed CSeq');
  return { number, method };
}
