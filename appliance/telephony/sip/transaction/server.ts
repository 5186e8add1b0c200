// Runs the two server machines: owns the connection, the timers and the last response sent.
import type { Clock } from '#appliance/kernel/clock.ts';
import type { SipRequest, SipResponse } from '../message/message.ts';
import type { Connection } from '../transport/connection.ts';
import * as invite from './invite-server.ts';
import { mergeKey, serverKey } from './key.ts';
import * as nonInvite from './non-invite-server.ts';
import { RunningTimers } from './running-timers.ts';
import { type SipTimers, sixtyFourT1 } from './timers.ts';

/** Told by a server transaction; RFC 3261 §17.2. */
export interface ServerUser {
  /** INVITE only: the ACK of a 2xx that carries the INVITE's branch, against the RFC but seen in the field. */
  onAck?(request: SipRequest): void;
  /** INVITE only: a CANCEL came and has been answered with 200. */
  onCancel?(request: SipRequest): void;
  /** Timer H (no ACK), or the response could not be sent. */
  onFail?(error: Error): void;
}

export interface ServerHost {
  readonly clock: Clock;
  readonly timers: SipTimers;
  respond(
    request: SipRequest,
    flow: Connection,
    response: SipResponse,
    data: Buffer,
    onError: (error: Error) => void,
  ): void;
  unexpected(what: { key: string; state: string; input: string }): void;
  forget(transaction: ServerTransaction): void;
}

type TimerName = 'G' | 'H' | 'I' | 'L' | 'J';
type Input = invite.Input | nonInvite.Input;
type Effect = invite.Effect | nonInvite.Effect;

export class ServerTransaction {
  readonly request: SipRequest;
  readonly flow: Connection;
  readonly key: string;
  readonly mergeKey: string;
  user: ServerUser = {};
  readonly #host: ServerHost;
  readonly #isInvite: boolean;
  readonly #running: RunningTimers<TimerName>;
  #state: invite.State | nonInvite.State;
  #resendMs: number;
  #last: { response: SipResponse; data: Buffer } | undefined;
  #ack: SipRequest | undefined;
  #error: Error | undefined;

  constructor(request: SipRequest, flow: Connection, host: ServerHost) {
    this.request = request;
    this.flow = flow;
    this.key = serverKey(request);
    this.mergeKey = mergeKey(request);
    this.#host = host;
    this.#running = new RunningTimers(host.clock, (name) => this.#input({ on: 'timer', name } as Input));
    this.#isInvite = request.method === 'INVITE';
    this.#state = this.#isInvite ? 'proceeding' : 'trying';
    this.#resendMs = host.timers.t1Ms;
  }

  get state(): string {
    return this.#state;
  }

  /** Status of the last response, 0 before the first. */
  get status(): number {
    return this.#last?.response.status ?? 0;
  }

  respond(response: SipResponse): void {
    if (this.#state === 'terminated') return;
    const before = this.#last;
    this.#last = { response, data: response.print() };
    if (!this.#input({ on: 'respond', status: response.status })) this.#last = before;
  }

  /** A retransmission of the request, or the ACK that belongs to it. */
  receive(request: SipRequest): void {
    if (request.method === 'ACK') this.#ack = request;
    this.#input(this.#isInvite ? { on: 'request', method: request.method as 'INVITE' | 'ACK' } : { on: 'request' });
  }

  /** Nobody waits any longer: no timers, no callbacks. */
  abandon(): void {
    this.#terminate();
  }

  #input(input: Input): boolean {
    const { reliable } = this.flow;
    const next = this.#isInvite
      ? invite.step(this.#state as invite.State, input as invite.Input, reliable)
      : nonInvite.step(this.#state as nonInvite.State, input as nonInvite.Input, reliable);
    if (!next) {
      this.#host.unexpected({ key: this.key, state: this.#state, input: JSON.stringify(input) });
      return false;
    }
    const [state, ...effects] = next;
    this.#state = state;
    for (const effect of effects) this.#do(effect);
    if (state === 'terminated') this.#terminate();
    return true;
  }

  #do(effect: Effect): void {
    const { timers } = this.#host;
    switch (effect) {
      case 'send':
      case 'resend':
        this.#send();
        return;
      case 'ack-to-user':
        this.user.onAck?.(this.#ack!);
        return;
      case 'fail':
        this.user.onFail?.(this.#error ?? new Error('No ACK came'));
        return;
      case 'start-G':
        this.#running.start('G', this.#resendMs);
        this.#resendMs = Math.min(this.#resendMs * 2, timers.t2Ms);
        return;
      case 'start-H':
        this.#running.start('H', sixtyFourT1(timers));
        return;
      case 'start-L':
        this.#running.start('L', sixtyFourT1(timers));
        return;
      case 'start-J':
        this.#running.start('J', sixtyFourT1(timers));
        return;
      case 'start-I':
        this.#running.start('I', this.flow.reliable ? 0 : timers.t4Ms); // RFC 3261 §17.2.1
        return;
      case 'stop-G':
        this.#running.stop('G');
        return;
      case 'stop-H':
        this.#running.stop('H');
        return;
    }
  }

  #send(): void {
    const last = this.#last;
    if (!last) return;
    this.#host.respond(this.request, this.flow, last.response, last.data, (error) => {
      this.#error = error;
      if (this.#state !== 'terminated') this.#input({ on: 'transport-error' });
    });
  }

  #terminate(): void {
    this.#state = 'terminated';
    this.#running.stopAll();
    this.#host.forget(this);
  }
}
