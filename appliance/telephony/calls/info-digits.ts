// Digits by INFO, as phones without RFC 4733 send them: application/dtmf-relay and application/dtmf.
import type { SipRequest } from '../sip/index.ts';

const LONGEST_MS = 5000;

export function digitOfInfo(
  request: Pick<SipRequest, 'contentType' | 'bodyText'>,
): { digit: string; ms: number } | undefined {
  const body = request.bodyText.slice(0, 256);
  switch (request.contentType) {
    case 'application/dtmf-relay': {
      const digit = digitOf(/^\s*Signal\s*=\s*(\S+)\s*$/im.exec(body)?.[1]);
      const ms = Number(/^\s*Duration\s*=\s*(\d{1,6})\s*$/im.exec(body)?.[1] ?? 160);
      return digit ? { digit, ms: Math.min(ms, LONGEST_MS) } : undefined;
    }
    case 'application/dtmf': {
      const digit = digitOf(body.trim());
      return digit ? { digit, ms: 160 } : undefined;
    }
    default:
      return undefined;
  }
}

function digitOf(text: string | undefined): string | undefined {
  if (text === undefined) return undefined;
  if (/^[0-9*#A-Da-d]$/.test(text)) return text.toUpperCase();
  // Some send the event number of RFC 4733.
  return { '10': '*', '11': '#', '12': 'A', '13': 'B', '14': 'C', '15': 'D' }[text];
}
