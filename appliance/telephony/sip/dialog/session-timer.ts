// Session timers: RFC 4028. A session that nobody refreshes is ended, so that no call outlives a dead peer.
import type { Clock } from '#appliance/kernel/clock.ts';
import { parseDecimal, parseParams } from '../message/grammar.ts';
import type { SipRequest, SipResponse } from '../message/message.ts';

export interface SessionTerms {
  expiresS: number;
  weRefresh: boolean;
}

/** `Session-Expires: 1800;refresher=uac`. */
export function parseSessionExpires(
  message: SipRequest | SipResponse,
): { expiresS: number; refresher: 'uac' | 'uas' | undefined } | undefined {
  const value = message.header('session-expires');
  if (value === undefined) return undefined;
  const semicolon = value.indexOf(';');
  const expiresS = parseDecimal((semicolon < 0 ? value : value.slice(0, semicolon)).trim(), 0xffff_ffff);
  const refresher = semicolon < 0 ? undefined : parseParams(value.slice(semicolon)).refresher?.toLowerCase();
  if (expiresS === undefined || expiresS === 0) return undefined;
  return { expiresS, refresher: refresher === 'uac' || refresher === 'uas' ? refresher : undefined };
}

/** RFC 4028 §9: what our 2xx to a request says, or undefined when there is no timer. */
export function termsForAnswer(request: SipRequest, offeredS: number): SessionTerms | undefined {
  // A peer without the extension cannot refresh; it is left alone.
  if (!request.tokens('supported').has('timer')) return undefined;
  const asked = parseSessionExpires(request);
  const expiresS = asked ? Math.min(asked.expiresS, Math.max(offeredS, minSeOf(request))) : offeredS;
  return { expiresS, weRefresh: asked?.refresher === 'uas' };
}

/** RFC 4028 §7.2: what the 2xx to a request of ours decides. */
export function termsFromAnswer(response: SipResponse): SessionTerms | undefined {
  const agreed = parseSessionExpires(response);
  return agreed && { expiresS: agreed.expiresS, weRefresh: agreed.refresher !== 'uas' };
}

export function minSeOf(message: SipRequest | SipResponse): number {
  return parseDecimal(message.header('min-se')?.split(';')[0]?.trim() ?? '', 0xffff_ffff) ?? 90;
}

/** Fields of a request or a 2xx of ours. In both, `uac` is whoever sent the request. */
export function sessionFields(terms: SessionTerms, weAsk: boolean): [name: string, value: string][] {
  const refresher = terms.weRefresh === weAsk ? 'uac' : 'uas';
  const fields: [string, string][] = [['Session-Expires', `${terms.expiresS};refresher=${refresher}`]];
  if (!weAsk && refresher === 'uac') fields.push(['Require', 'timer']); // RFC 4028 §9
  return fields;
}

export class SessionTimer {
  readonly #clock: Clock;
  readonly #refresh: () => void;
  readonly #expire: () => void;
  #cancels: (() => void)[] = [];

  constructor(clock: Clock, refresh: () => void, expire: () => void) {
    this.#clock = clock;
    this.#refresh = refresh;
    this.#expire = expire;
  }

  /** Agreed or refreshed: counts from now. RFC 4028 §10: refresh at half, give up a little before the end. */
  restart(terms: SessionTerms | undefined): void {
    this.stop();
    if (!terms) return;
    const { expiresS, weRefresh } = terms;
    const endS = expiresS - Math.min(32, expiresS / 3);
    this.#cancels.push(this.#clock.after(endS * 1000, this.#expire));
    if (weRefresh) this.#cancels.push(this.#clock.after((expiresS / 2) * 1000, this.#refresh));
  }

  stop(): void {
    for (const cancel of this.#cancels) cancel();
    this.#cancels = [];
  }
}
