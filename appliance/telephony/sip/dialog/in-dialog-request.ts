// One request of the peer inside a dialog, until it has its final response.
import type { Clock } from '#appliance/kernel/clock.ts';
import type { InDialogRequest, Reply } from '../api.ts';
import type { SipRequest } from '../message/message.ts';

const ANSWER_WITHIN_MS = 20_000;

export class PeerRequest implements InDialogRequest {
  readonly request: SipRequest;
  readonly #send: (reply: Reply) => void;
  readonly #ackListeners: ((ack: SipRequest) => void)[] = [];
  readonly #cancelTimer: () => void;
  #done = false;

  constructor(request: SipRequest, clock: Clock, send: (reply: Reply) => void) {
    this.request = request;
    this.#send = send;
    this.#cancelTimer = clock.after(ANSWER_WITHIN_MS, () => this.respond({ status: 500 }));
  }

  get done(): boolean {
    return this.#done;
  }

  /** Later answers than the first final one are ignored: the time-out may have been faster. */
  respond(reply: Reply): void {
    if (this.#done) return;
    if (reply.status >= 200) {
      this.#done = true;
      this.#cancelTimer();
    }
    this.#send(reply);
  }

  onAck(listener: (ack: SipRequest) => void): void {
    this.#ackListeners.push(listener);
  }

  acked(ack: SipRequest): void {
    for (const listener of this.#ackListeners) listener(ack);
  }

  /** The dialog is over without an answer. */
  drop(): void {
    this.#done = true;
    this.#cancelTimer();
  }
}
