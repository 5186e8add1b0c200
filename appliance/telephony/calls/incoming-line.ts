// An INVITE that came to us, until it is answered.
import { within } from '#appliance/kernel/async.ts';
import { AppError } from '#appliance/kernel/errors.ts';
import type { Dialog, DialogFacts, IncomingInvite, SipRequest } from '../sip/index.ts';
import { reasonHeaders, SDP, sdpOf } from '../sip/index.ts';
import type { EndCause } from './api.ts';
import { causeOfEnd, failure, Q850, reasonOf, statusOfCause } from './causes.ts';
import { DialogLine } from './dialog-line.ts';
import type { CallLeg } from './leg.ts';
import { NoCommonMedia } from './leg-audio.ts';
import type { Line } from './line.ts';

/** Who was refused for reasons that pass may try again then. */
const RETRY_AFTER_S = '10';
/** Longer than a busy database takes, shorter than a caller listens to nothing. */
const COMMITTED_WITHIN_MS = 4000;

export class IncomingLine implements Line {
  readonly #leg: CallLeg;
  readonly #invite: IncomingInvite;
  #answering: Promise<void> | undefined;

  constructor(leg: CallLeg, invite: IncomingInvite) {
    this.#leg = leg;
    this.#invite = invite;
    invite.onCancel((reason) => {
      const said = reasonHeaders(reason).map(([, value]) => value);
      const cause = causeOfEnd(said);
      leg.finish({ ...cause, sip: cause.sip ?? 487 });
    });
  }

  /** From the moment of the answer on: a 200 may be on its way. */
  get dialogFacts(): DialogFacts | null {
    return this.#answering ? this.#invite.facts : null;
  }

  readonly inviteFacts = null;

  get tags(): Line['tags'] {
    const { localTag, remoteTag } = this.#invite.facts;
    return { local: localTag, remote: [remoteTag] };
  }

  ring(): void {
    this.#invite.progress({ status: 180 });
  }

  async early(): Promise<void> {
    const offer = this.#offer();
    // Without an offer there is nothing to answer early; the caller hears us after the 200.
    if (offer === undefined) return this.ring();
    const { body } = await this.#prepared(() => this.#leg.audio.answer(offer, this.#address()));
    this.#leg.fail();
    this.#invite.progress({ status: 183, contentType: SDP, body });
  }

  answer(): Promise<void> {
    this.#answering ??= this.#answer();
    return this.#answering;
  }

  end(cause: EndCause): void {
    const status = statusOfCause(cause);
    const headers: [string, string][] = [['Reason', reasonOf(cause.q850, cause.text)]];
    if (status === 503) headers.push(['Retry-After', RETRY_AFTER_S]); // RFC 3261 §21.5.4: without it the far side takes us for a server error
    this.#invite.reject({ status, headers });
  }

  async #answer(): Promise<void> {
    const leg = this.#leg;
    const offer = this.#offer();
    const { body, held } = await this.#prepared(async () =>
      offer === undefined
        ? {
            body: await leg.audio.offer(
              this.#address(),
              isWebSocket(this.#invite) ? 'webrtc' : leg.audio.encrypted ? 'sdes' : undefined,
            ),
            held: false,
          }
        : leg.audio.answer(offer, this.#address()),
    );
    leg.fail();
    leg.hearing.heldByParty = held;
    // What the caller is told is committed first: a crash between the two must not leave a call that nobody knows.
    leg.answering();
    await within(COMMITTED_WITHIN_MS, leg.record.save(), 'The call was not committed in time.').catch((error) => {
      leg.hangup({ sip: 503, q850: Q850.temporaryFailure, text: 'Not committed' });
      throw error;
    });
    leg.fail();
    const { dialog, acked } = this.#invite.accept({ contentType: SDP, body });
    leg.up(new DialogLine(leg, dialog, acked));
    // Only what accept() has added to the facts is still unwritten.
    if (dialog.facts.session) leg.record.touch();
    if (offer === undefined) this.#settleLater(dialog, acked);
  }

  /** RFC 3264 in RFC 3261 §13.3.1.4: our 200 was the offer, the ACK brings the answer. */
  #settleLater(dialog: Dialog, acked: Promise<SipRequest>): void {
    const leg = this.#leg;
    acked
      .then((ack) => leg.audio.settle(sdpOf(ack) ?? ''))
      .then(({ held }) => leg.setHeldByParty(held))
      .then(() => leg.record.touch())
      .catch((error) => {
        if (dialog.terminated || !(error instanceof NoCommonMedia)) return;
        leg.hangup({ q850: Q850.noCommonCodec, text: error.message });
      });
  }

  async #prepared<T>(prepare: () => Promise<T>): Promise<T> {
    try {
      return await prepare();
    } catch (error) {
      const leg = this.#leg;
      if (leg.state === 'ended') throw error;
      if (error instanceof NoCommonMedia) {
        this.#invite.reject({
          status: error.status,
          headers: [['Warning', `304 strongroom "${error.message.replace(/["\\]/g, '')}"`]],
        });
        leg.finish(failure(Q850.noCommonCodec, error.message, error.status));
        throw new AppError('conflict', 'no-common-media', `The caller's audio cannot be used: ${error.message}.`);
      }
      leg.hangup({ sip: 503, q850: Q850.temporaryFailure, text: 'No media' });
      throw error;
    }
  }

  #offer(): string | undefined {
    return sdpOf(this.#invite.request);
  }

  #address(): string {
    return this.#invite.flow.local.address;
  }
}

function isWebSocket(invite: IncomingInvite): boolean {
  return invite.flow.transport === 'ws';
}
