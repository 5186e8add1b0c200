// A leg whose dialog stands: what the party asks for in it, and how it ends.
import { within } from '#appliance/kernel/async.ts';
import { messageOf } from '#appliance/kernel/errors.ts';
import {
  ACCEPTED,
  type Dialog,
  type DialogFacts,
  type InDialogRequest,
  readSession,
  SDP,
  sdpOf,
} from '../sip/index.ts';
import type { EndCause } from './api.ts';
import { causeOfResponse, failure, Q850, reasonOf, textOfQ850 } from './causes.ts';
import { digitOfInfo } from './info-digits.ts';
import type { CallLeg } from './leg.ts';
import { NoCommonMedia } from './leg-audio.ts';
import type { Line } from './line.ts';
import { receiveRefer } from './refer.ts';

export class DialogLine implements Line {
  readonly #leg: CallLeg;
  readonly dialog: Dialog;
  readonly confirmed: Promise<void>;
  readonly inviteFacts = null;

  constructor(leg: CallLeg, dialog: Dialog, acked: Promise<unknown> = Promise.resolve()) {
    this.#leg = leg;
    this.confirmed = Promise.race([
      acked.then(
        () => {},
        () => {},
      ),
      new Promise<void>((resolve) => dialog.onEnd(() => resolve())),
    ]);
    this.dialog = dialog;
    dialog.onChange(() => leg.record.touch());
    dialog.onRequest((request) => this.#receive(request));
    dialog.onEnd((end) => {
      if (end.by === 'us') return;
      const q850 = end.q850 ?? Q850.normal;
      if (end.by === 'peer')
        leg.finish({
          by: 'party',
          q850,
          text: textOfQ850(q850),
          ...(end.status === undefined ? {} : { sip: end.status }),
        });
      else
        leg.finish(
          failure(
            Q850.temporaryFailure,
            end.status ? causeOfResponse(end.status, 'no answer in the dialog').text : 'dialog lost',
            end.status,
          ),
        );
    });
  }

  get dialogFacts(): DialogFacts {
    return this.dialog.facts;
  }

  get tags(): Line['tags'] {
    const { localTag, remoteTag } = this.dialog.facts;
    return { local: localTag, remote: [remoteTag] };
  }

  end(cause: EndCause): void {
    this.dialog.bye({ headers: [['Reason', reasonOf(cause.q850, cause.text)]] });
  }

  /** Any answer shows that somebody is there; but 481 and 408 say that the call is not (RFC 3261 §12.2.1.2). */
  async probe(withinMs: number, end: boolean): Promise<boolean> {
    try {
      const { status } = await within(
        withinMs,
        this.dialog.request('OPTIONS', end ? {} : { patient: true }),
        'no answer',
      );
      return status !== 481 && status !== 408;
    } catch {
      return false;
    }
  }

  /** A new offer of ours; the switch has moved the leg, or the edge lost it. */
  async reoffer(lostInSwitch: boolean): Promise<void> {
    const body = await this.#leg.audio.reopen(lostInSwitch);
    const response = await this.dialog.reinvite({ contentType: SDP, body });
    const { held } = await this.#leg.audio.settle(sdpOf(response) ?? '');
    this.#leg.setHeldByParty(held);
    this.#leg.record.touch();
  }

  #receive(request: InDialogRequest): void {
    switch (request.request.method) {
      case 'INVITE':
      case 'UPDATE':
        void this.#renegotiate(request);
        return;
      case 'INFO': {
        const pressed = digitOfInfo(request.request);
        request.respond({ status: pressed || request.request.body.length === 0 ? 200 : 415 });
        if (pressed) this.#leg.emit('digit', { ...pressed, via: 'info' });
        return;
      }
      case 'REFER':
        receiveRefer(this.#leg, this.dialog, request);
        return;
      case 'BYE':
        return;
      case 'OPTIONS':
      case 'NOTIFY':
        request.respond({ status: 200 });
        return;
      default:
        request.respond({
          status: 405,
          headers: [['Allow', 'INVITE, ACK, BYE, CANCEL, OPTIONS, UPDATE, INFO, REFER, NOTIFY']],
        });
    }
  }

  async #renegotiate(request: InDialogRequest): Promise<void> {
    const leg = this.#leg;
    try {
      const { sdp, refused } = readSession(request.request);
      if (refused) {
        request.respond({ status: 415, headers: [['Accept', ACCEPTED]] });
        return;
      }
      if (sdp === undefined) {
        this.#repeatOffer(request);
        return;
      }
      const answer = await leg.audio.change(sdp);
      leg.setHeldByParty(answer.held);
      // What we answer decides where the party sends its audio: committed first, as everything we say.
      await leg.record.save();
      request.respond({ status: 200, contentType: SDP, body: answer.body });
    } catch (error) {
      // RFC 3261 §14.2: refused, and the session goes on as it was.
      const status = error instanceof NoCommonMedia ? error.status : 500;
      leg.context.log.warn({ leg: leg.id, status, error: messageOf(error) }, 'a change of the session was refused');
      request.respond({ status });
    }
  }

  /** UPDATE without a body asks for nothing; an INVITE without asks us to offer (RFC 3261 §14.2). */
  #repeatOffer(request: InDialogRequest): void {
    const leg = this.#leg;
    const offer = leg.audio.again();
    if (request.request.method === 'UPDATE' || offer === undefined) {
      request.respond({ status: request.request.method === 'UPDATE' ? 200 : 488 });
      return;
    }
    request.onAck((ack) => {
      const sdp = sdpOf(ack);
      if (sdp === undefined) return;
      leg.audio
        .settle(sdp)
        .then(({ held }) => {
          leg.setHeldByParty(held);
          leg.record.touch();
        })
        .catch((error) =>
          leg.context.log.warn({ leg: leg.id, error: messageOf(error) }, 'the answer in an ACK is unusable'),
        );
    });
    request.respond({ status: 200, contentType: SDP, body: offer });
  }
}
