// Reliable provisional responses of ours: RFC 3262 §3. One at a time, each repeated until its PRACK comes.
import type { Clock } from '#appliance/kernel/clock.ts';
import { randomHex } from '../message/build.ts';
import type { SipRequest } from '../message/message.ts';
import { parseRAck } from '../message/rack.ts';
import type { SipTimers } from '../transaction/timers.ts';
import { repeat } from './repeat.ts';

export class ReliableProvisionals {
  readonly #clock: Clock;
  readonly #timers: SipTimers;
  readonly #giveUp: () => void;
  readonly #queue: (() => void)[] = [];
  /** RFC 3262 §3: starts between 1 and 2^31 - 1. */
  #rseq = (Number.parseInt(randomHex(8), 16) % 0x0fff_ffff) + 1;
  #stop: (() => void) | undefined;

  constructor(clock: Clock, timers: SipTimers, giveUp: () => void) {
    this.#clock = clock;
    this.#timers = timers;
    this.#giveUp = giveUp;
  }

  /** `make` gets the RSeq and returns how to send the response, now and again. */
  send(make: (rseq: number) => () => void): void {
    this.#inTurn(() => {
      const send = make(++this.#rseq);
      send();
      this.#stop = repeat(this.#clock, this.#timers, send, () => {
        this.#stop = undefined;
        this.#giveUp();
      });
    });
  }

  /** Runs when nothing waits for a PRACK: at once, or later. RFC 3262 §3: a 2xx must not overtake. */
  afterwards(run: () => void): void {
    this.#inTurn(run);
  }

  /** True when the PRACK belongs to the response that waits. */
  acknowledge(prack: SipRequest, inviteSeq: number): boolean {
    const rack = parseRAck(prack);
    if (!this.#stop || rack?.rseq !== this.#rseq || rack.cseq !== inviteSeq || rack.method !== 'INVITE') return false;
    this.#stop();
    this.#stop = undefined;
    return true;
  }

  /** Sends what waited for the PRACK. */
  proceed(): void {
    while (!this.#stop && this.#queue.length > 0) this.#queue.shift()!();
  }

  stop(): void {
    this.#stop?.();
    this.#stop = undefined;
    this.#queue.length = 0;
  }

  #inTurn(run: () => void): void {
    if (this.#stop || this.#queue.length > 0) this.#queue.push(run);
    else run();
  }
}
