// Runs the two client machines: owns the connection, the timers and the last message sent.
import type { Clock } from '#appliance/kernel/clock.ts';
import { SipRequest, type SipResponse } from '../message/message.ts';
import type { Connection } from '../transport/connection.ts';
import * as invite from './invite-client.ts';
import { clientKey } from './key.ts';
import * as nonInvite from './non-invite-client.ts';
import { RunningTimers } from './running-timers.ts';
import { type SipTimers, sixtyFourT1, timerD } from './timers.ts';

/** Told by a client transaction; RFC 3261 §17.1. */
export interface ClientUser {
  /** Provisional and final responses; for INVITE every 2xx that comes. */
  onResponse(response: SipResponse): void;
  /** Timer B or F: nothing final came in 64*T1. */
  onTimeout(): void;
  onTransportError(error: Error): void;
}

export interface ClientHost {
  readonly clock: Clock;
  readonly timers: SipTimers;
  transmit(flow: Connection, message: SipRequest, data: Buffer, onError: (error: Error) => void): void;
  /** Illegal input: logged with the state's name and dropped. */
  unexpected(what: { key: string; state: string; input: string }): void;
  forget(key: string): void;
}

type TimerName = 'A' | 'B' | 'D' | 'M' | 'E' | 'F' | 'K';
type Input = invite.Input | nonInvite.Input;
type Effect = invite.Effect | nonInvite.Effect;

export class ClientTransaction {
  readonly request: SipRequest;
  readonly flow: Connection;
  readonly key: string;
  readonly #user: ClientUser;
  readonly #host: ClientHost;
  readonly #isInvite: boolean;
  readonly #data: Buffer;
  readonly #running: RunningTimers<TimerName>;
  #state: invite.State | nonInvite.State;
  #resendMs: number;
  #response: SipResponse | undefined;
  #error: Error | undefined;
  #ack: Buffer | undefined;
  #stopWatching = () => {};

  /** The request has its Via with a branch of ours on top. Call {@link start} next. */
  constructor(request: SipRequest, flow: Connection, user: ClientUser, host: ClientHost) {
    this.request = request;
    this.flow = flow;
    this.#user = user;
    this.#host = host;
    this.#running = new RunningTimers(host.clock, (name) => this.#input({ on: 'timer', name } as Input));
    this.#isInvite = request.method === 'INVITE';
    this.#state = this.#isInvite ? 'calling' : 'trying';
    this.#resendMs = host.timers.t1Ms;
    this.#data = request.print();
    this.key = clientKey(request.via.branch ?? '', request.method);
  }

  get state(): string {
    return this.#state;
  }

  start(): void {
    if (this.flow.reliable) this.#stopWatching = this.flow.onClose(() => this.#lost(new Error('Connection closed')));
    const { reliable } = this.flow;
    const [, ...effects] = this.#isInvite ? invite.begin(reliable) : nonInvite.begin(reliable);
    for (const effect of effects) this.#do(effect);
  }

  receive(response: SipResponse): void {
    this.#response = response;
    this.#input({ on: 'response', status: response.status });
  }

  /** Nobody waits any longer: no timers, no callbacks. */
  abandon(): void {
    this.#terminate();
  }

  #input(input: Input): void {
    const { reliable } = this.flow;
    const next = this.#isInvite
      ? invite.step(this.#state as invite.State, input as invite.Input, reliable)
      : nonInvite.step(this.#state as nonInvite.State, input as nonInvite.Input, reliable);
    if (!next) {
      if (this.#state !== 'terminated') {
        this.#host.unexpected({ key: this.key, state: this.#state, input: JSON.stringify(input) });
      }
      return;
    }
    const [state, ...effects] = next;
    this.#state = state;
    for (const effect of effects) this.#do(effect);
    if (state === 'terminated') this.#terminate();
  }

  #do(effect: Effect): void {
    const { timers } = this.#host;
    switch (effect) {
      case 'send':
      case 'resend':
        this.#transmit(this.request, this.#data);
        return;
      case 'ack':
        this.#sendAck();
        return;
      case 'pass':
        this.#user.onResponse(this.#response!);
        return;
      case 'timeout':
        this.#user.onTimeout();
        return;
      case 'fail':
        this.#user.onTransportError(this.#error ?? new Error('Transport failed'));
        return;
      case 'start-A':
        this.#running.start('A', this.#resendMs);
        this.#resendMs *= 2; // RFC 3261 §17.1.1.2: no upper bound but timer B
        return;
      case 'start-E':
        // RFC 3261 §17.1.2.2: min(2*E, T2) in trying, T2 in proceeding.
        this.#running.start('E', this.#state === 'proceeding' ? timers.t2Ms : this.#resendMs);
        this.#resendMs = Math.min(this.#resendMs * 2, timers.t2Ms);
        return;
      case 'start-B':
        this.#running.start('B', sixtyFourT1(timers));
        return;
      case 'start-F':
        this.#running.start('F', sixtyFourT1(timers));
        return;
      case 'start-M':
        this.#running.start('M', sixtyFourT1(timers));
        return;
      case 'start-D':
        this.#running.start('D', timerD(timers));
        return;
      case 'start-K':
        this.#running.start('K', timers.t4Ms);
        return;
      case 'stop-A':
        this.#running.stop('A');
        return;
      case 'stop-B':
        this.#running.stop('B');
        return;
      case 'stop-E':
        this.#running.stop('E');
        return;
      case 'stop-F':
        this.#running.stop('F');
        return;
    }
  }

  #transmit(message: SipRequest, data: Buffer): void {
    this.#host.transmit(this.flow, message, data, (error) => this.#lost(error));
  }

  #lost(error: Error): void {
    this.#error = error;
    if (this.#state !== 'terminated' && this.#state !== 'accepted') this.#input({ on: 'transport-error' });
  }

  /** RFC 3261 §17.1.1.3: the ACK of a failure belongs to the transaction: same branch, same flow, Route of the INVITE. */
  #sendAck(): void {
    if (this.#ack === undefined) {
      const ack = new SipRequest('ACK', this.request.uriText);
      ack.append('Via', this.request.header('via')!);
      for (const route of this.request.headers('route')) ack.append('Route', route);
      ack.append('Max-Forwards', '70');
      ack.append('From', this.request.header('from')!);
      ack.append('To', this.#response!.header('to')!);
      ack.append('Call-ID', this.request.callId);
      ack.append('CSeq', `${this.request.cseq.number} ACK`);
      this.#ack = ack.print();
    }
    this.#transmit(this.request, this.#ack);
  }

  #terminate(): void {
    this.#state = 'terminated';
    this.#stopWatching();
    this.#running.stopAll();
    this.#host.forget(this.key);
  }
}
